internal import ExposureKeys

struct EnglishExposureWords: ExposureWords {
    let nothingFetched =
        "Nothing can be said yet: this phone has not yet fetched all published keys. Fetch them, then compare again."
    let nothingSeen =
        """
        Nothing can be said: this phone has noted nobody in the last 15 days, so there was nothing to compare. If you were \
        among people, check that it may scan.
        """
    let noContact = "No contact found."
    var nobody: String {
        "\(noContact) Going by the keys that it has fetched, nobody whom this phone noted has been reported infected."
    }

    func stale(since: Moment, hours: Int) -> String {
        """
        Nothing can be said of the time since \(time(since)): no keys have been fetched for more than \
        \(counted(hours, "hour")). Fetch them, then compare again.
        """
    }

    func unknown(since: Moment, hasFound: Bool) -> String {
        """
        This phone knows nothing: it fetched keys last on \(time(since)), more than 14 days ago, and none of them counts any \
        more. \(hasFound ? "What it says below is what it found then." : "That it finds nobody means nothing.") Fetch keys, \
        then compare again.
        """
    }

    func found(contacts: Int, others: Int) -> String {
        switch (contacts, others) {
        case (0, _):
            """
            On \(counted(others, "day")) somebody was near of whom a report was published later, but it does not count \
            as a contact; see below.
            """
        case (_, 0): "Contact on \(counted(contacts, "day")) with people who were reported infected later."
        default:
            """
            Contact on \(counted(contacts, "day")) with people who were reported infected later. On \
            \(counted(others, "other day")) somebody was near, but it does not count as a contact.
            """
        }
    }

    func clocks(_ difference: ClockDifference) -> String {
        switch difference {
        case .nodeBehind:
            """
            When keys were fetched last, the clocks of this phone and of the node differed by more than two hours: one of \
            them is wrong, or the node had been cut off. Check this phone's date and time; if they are right, fetch from \
            another node.
            """
        case .phoneSetBack:
            """
            Nothing can be said: by this phone's clock it is earlier than the time until which it has fetched keys. One of \
            the clocks is wrong: check this phone's date and time.
            """
        case .nodeAhead:
            """
            When keys were fetched last, the clock of the node was more than two hours ahead of this phone's: one of them is \
            wrong. Check this phone's date and time; if they are right, fetch from another node.
            """
        }
    }

    func doubt(_ trust: NodeTrust) -> String? {
        switch trust {
        case .confirmed, .unconfirmed: nil
        case .doubted:
            """
            Nodes of other operators contradict the node that keys were fetched from last: some may be missing. Fetch from \
            another node as well.
            """
        case .disproved:
            "The node that was asked for keys last cannot be believed: it keeps some back. Fetch from another node."
        }
    }

    func lapsed(_ day: CivilDate, _ reason: LapsedWarning.Reason) -> String {
        switch reason {
        case .withdrawn:
            """
            The warning for \(date(day)) no longer stands: the report of an infection has been withdrawn. What to do: nothing because of it \
            any more; ask the health station where you live if you have symptoms.
            """
        case .unchecked:
            """
            A warning was given for \(date(day)). This phone cannot check it now, because it has fetched no keys for too \
            long. What to do: go by the advice that came with the warning; fetch keys and compare again.
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

    func lost(_ sightings: Int) -> String {
        """
        This phone had no room for \(counted(sightings, "sighting")): whoever was seen in those only cannot be found.
        """
    }

    func basis(
        encounters: Int,
        keys: Int,
        asOf: Moment,
        fetched: Moment?,
        incompleteRegions: Int,
        isConfirmed: Bool
    ) -> String {
        var text = """
            \(counted(encounters, "sighting")) of this phone compared with \(counted(keys, "published key")), as of \
            \(time(asOf)).
            """
        if let fetched {
            text += " Keys were fetched until \(time(fetched))"
            if incompleteRegions > 0 { text += ", but not all those of \(counted(incompleteRegions, "region"))" }
            text +=
                isConfirmed
                ? "; nodes of other operators confirm it." : "; no other operator's node has confirmed it."
        }
        return text + " People without the app, and infections not yet published, cannot be found this way."
    }

    private func about(_ minutes: Int64) -> String {
        let text = GroupedNumber.text(Int(clamping: minutes), separator: ",")
        return minutes == 0 ? "less than 5 minutes" : "about \(text) minutes"
    }

    private func counted(_ count: Int, _ noun: String) -> String {
        "\(GroupedNumber.text(count, separator: ",")) \(noun)\(count == 1 ? "" : "s")"
    }

    private func time(_ moment: Moment) -> String { "\(date(moment.day)), \(moment.clock)" }

    private func date(_ day: CivilDate) -> String {
        "\(day.day) \(EnglishExposureWords.months[day.month - 1]) \(day.year)"
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
