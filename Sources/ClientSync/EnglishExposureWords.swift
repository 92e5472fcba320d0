internal import ExposureKeys

struct EnglishExposureWords: ExposureWords {
    let nothingToCompare =
        "Nothing can be said yet: this phone holds no published keys. Fetch them first, then compare again."

    func summary(contacts: Int, brief: Int) -> String {
        switch (contacts, brief) {
        case (0, 0):
            "No contact found. No phone that this one met belongs to a person whose positive test has been published."
        case (0, _): "No contact found. There were \(counted(brief, "isolated sighting")), which are explained below."
        case (_, 0): "\(counted(contacts, "contact")) found with people who later tested positive."
        default:
            "\(counted(contacts, "contact")) found with people who later tested positive, and \(counted(brief, "isolated sighting"))."
        }
    }

    func contact(_ day: CivilDate, _ first: String, _ last: String, minutes: Int64) -> String {
        "\(date(day)), between \(first) and \(last): a contact of about \(minutes) \(minutes == 1 ? "minute" : "minutes")."
    }

    func brief(_ day: CivilDate, _ first: String, _ last: String, sightings: Int) -> String {
        sightings == 1
            ? "\(date(day)), at \(first): seen once. A single sighting, as of somebody passing by, is not a contact."
            : "\(date(day)), between \(first) and \(last): seen \(sightings) times, for a moment each. This is not a contact."
    }

    func nearness(
        _ nearness: ExposureExplanation.Nearness,
        attenuation: Exposure.Levels?,
        rssi: Exposure.Levels?
    ) -> String {
        let place =
            switch nearness {
            case .near: "very near, about as far as people stand when they talk"
            case .sameRoom: "in the same room or nearby"
            case .far: "some way off, or with a wall between"
            }
        if let attenuation {
            return """
                How near: \(place) (signal weakened by \(attenuation.typical) dB as a rule, \(attenuation.nearest) dB at \
                the nearest).
                """
        }
        guard let rssi else { return "How near: \(place)." }
        return """
            How near: probably \(place), going by signal strength alone (\(rssi.typical) dBm as a rule, \
            \(rssi.nearest) dBm at the nearest); how strongly the other phone sent is not known.
            """
    }

    func certainty(_ type: ReportType, regions: String) -> String {
        let report =
            switch type {
            case .confirmed: "the infection was confirmed by a test"
            case .clinical: "a doctor diagnosed the infection without a confirming test"
            case .selfReport: "the person reported a test made at home; nobody has checked it"
            case .recursive: "the person was a contact of somebody infected; no test of their own is known"
            case .unknown, .revoked: "how the infection was found is not stated"
            }
        return """
            How sure: \(report) (published by \(regions)). Distance by radio is an estimate: bodies, bags and walls change it.
            """
    }

    func onset(_ days: Int) -> String {
        switch days {
        case 0: "It was the day on which the person's symptoms began."
        case 1...: "It was \(counted(days, "day")) after the person's symptoms began."
        default: "It was \(counted(-days, "day")) before the person's symptoms began."
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

    private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    private func date(_ day: CivilDate) -> String {
        "\(day.day) \(EnglishExposureWords.months[day.month - 1]) \(day.year)"
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
