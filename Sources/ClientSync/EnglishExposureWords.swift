internal import ExposureKeys

struct EnglishExposureWords: ExposureWords {
    let nothingToCompare =
        "Nothing can be said yet: this phone holds no published keys. Fetch them first, then compare again."

    func summary(contacts: Int, others: Int) -> String {
        switch (contacts, others) {
        case (0, 0):
            "No contact found. No phone that this one met belongs to a person whose positive test has been published."
        case (0, _):
            """
            No contact found. On \(counted(others, "day")) somebody was near who was reported later, but it does not count as a \
            contact; see below.
            """
        case (_, 0): "Contact on \(counted(contacts, "day")) with people who later tested positive."
        default:
            """
            Contact on \(counted(contacts, "day")) with people who later tested positive. On \(counted(others, "other day")) \
            somebody was near, but it does not count as a contact.
            """
        }
    }

    func lapsed(_ day: CivilDate, _ reason: LapsedWarning.Reason) -> String {
        switch reason {
        case .withdrawn:
            """
            The warning for \(date(day)) no longer stands: the test has been withdrawn. What to do: nothing because of it \
            any more; ask the health station where you live if you have symptoms.
            """
        case .unconfirmed:
            """
            The warning for \(date(day)) cannot be confirmed at present: what it rests on is not among the keys or rules \
            that this phone has now. It may come back. What to do: fetch keys and compare again; until then go by the \
            advice that came with the warning.
            """
        }
    }

    func contact(_ day: CivilDate, minutes: Int64) -> String {
        "\(date(day)): a contact, of \(about(minutes)) in all."
    }

    func brief(_ day: CivilDate, minutes: Int64) -> String {
        """
        \(date(day)): near for \(about(minutes)) in all, as far as this phone's scans show. By the rules in force it was \
        too short, too far off, or on a day on which the other person hardly passes anything on: it does not count as a \
        contact.
        """
    }

    func unmeasured(_ day: CivilDate) -> String {
        """
        \(date(day)): somebody was near, but this phone's scans do not show for how long: perhaps for a moment, perhaps \
        longer. It does not count as a contact.
        """
    }

    func nearness(_ nearness: AttenuationBucket, isPowerKnown: Bool, isOverTime: Bool) -> String {
        let place =
            switch nearness {
            case .immediate: "very near, about as far as people stand when they talk"
            case .near: "near, as around one table"
            case .medium: "in the same room or nearby"
            case .other: "some way off, or with a wall between"
            }
        let time = isOverTime ? "most of the time" : "at the nearest"
        return isPowerKnown
            ? "How near: \(time) \(place)."
            : """
            How near: \(time) probably \(place), going by signal strength alone; how strongly the other phone \
            sent is not known.
            """
    }

    func certainty(_ type: ReportType) -> String {
        let report =
            switch type {
            case .confirmed: "the infection was confirmed by a test"
            case .clinical: "a doctor diagnosed the infection without a confirming test"
            case .selfReport: "the person reported a test made at home; nobody has checked it"
            case .recursive: "the person was a contact of somebody infected; no test of their own is known"
            case .unknown, .revoked: "how the infection was found is not stated"
            }
        return "How sure: \(report). Distance by radio is an estimate: bodies, bags and walls change it."
    }

    func infectiousness(_ infectiousness: Infectiousness) -> String {
        switch infectiousness {
        case .high: "How infectious: that day counts as one of the most infectious."
        case .standard: "How infectious: that day counts as one of the less infectious."
        case .none: "How infectious: that day counts as not infectious."
        }
    }

    func advice(isContact: Bool) -> String {
        isContact
            ? """
            What to do: stay away from others, above all the old and the sick; call the health station where you live and \
            ask for a test; watch for fever, cough and trouble breathing until 14 days after that day.
            """
            : "What to do: nothing special; watch for symptoms, and ask the health station where you live if you have any."
    }

    func basis(encounters: Int, keys: Int, day: CivilDate, clock: String) -> String {
        """
        \(counted(encounters, "sighting")) of this phone compared with \(counted(keys, "published key")), as of \
        \(date(day)), \(clock). People without the app, and tests not yet published, cannot be found this way.
        """
    }

    private func about(_ minutes: Int64) -> String { minutes == 0 ? "less than 5 minutes" : "about \(minutes) minutes" }

    private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    private func date(_ day: CivilDate) -> String {
        "\(day.day) \(EnglishExposureWords.months[day.month - 1]) \(day.year)"
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
