internal import ExposureKeys

/// Says to a person what a report means: which day, how long, how near, how sure, what to do. Nothing in it points to the
/// other person: no key, region or place, no time of day, no day of onset.
public struct ExposureExplanation: Sendable {
    public enum Language: String, Sendable, CaseIterable {
        case vietnamese = "vi"
        case english = "en"
    }

    private let report: ExposureReport
    private let words: any ExposureWords
    private let utcOffset: Int64
    private let freshness: Freshness

    /// - Parameters:
    ///   - utcOffset: seconds by which local time is ahead of UTC.
    ///   - now: unix seconds by the phone's clock, at which it is read; nil for when the report was made. What was good
    ///     news then need not be any more.
    public init(
        _ report: ExposureReport,
        language: Language,
        utcOffset: Int64 = ExposureReport.vietnamOffset,
        now: Int64? = nil
    ) {
        self.report = report
        freshness = report.judgedFreshness(at: now)
        self.utcOffset = utcOffset
        switch language {
        case .vietnamese: words = VietnameseExposureWords()
        case .english: words = EnglishExposureWords()
        }
    }

    /// The whole text, ending with a newline.
    public var text: String {
        var paragraphs: [String] = []
        let contacts = report.days.filter(\.isContact)
        let others = report.days.filter { !$0.isContact }
        paragraphs.append(summary(contacts: contacts.count, others: others.count))
        if let clocks = freshness.clocks, clocks != .phoneSetBack { paragraphs.append(words.clocks(clocks)) }
        if let doubt = words.doubt(freshness.record.trust) { paragraphs.append(doubt) }
        // First of all whom it relieves: who was warned must not have to look for it.
        paragraphs += report.lapsed.map { words.lapsed($0.day, $0.reason) }
        paragraphs += contacts.map(paragraph)
        paragraphs += others.map(paragraph)
        paragraphs.append(
            words.basis(
                encounters: report.encounters,
                keys: report.keys,
                asOf: moment(report.asOf),
                fetched: freshness.record.fetchedUntil.map(moment),
                incompleteRegions: freshness.record.incompleteRegions,
                isConfirmed: freshness.record.trust == .confirmed
            )
        )
        if report.lost > 0 { paragraphs.append(words.lost(report.lost)) }
        return paragraphs.joined(separator: "\n\n") + "\n"
    }

    /// What was found, and before that whether it is worth anything: silence would be no all-clear.
    private func summary(contacts: Int, others: Int) -> String {
        let found = contacts + others > 0 ? words.found(contacts: contacts, others: others) : nil
        let limits: String? =
            switch (freshness.standing, freshness.record.fetchedUntil) {
            case (.stale, _) where freshness.clocks == .phoneSetBack: words.clocks(.phoneSetBack)
            case (.fresh, _): report.encounters > 0 ? nil : words.nothingSeen
            case (.unknown, nil), (.stale, nil): words.nothingFetched
            case (.stale, let until?): words.stale(since: moment(until), hours: freshness.hours)
            case (.unknown, let until?): words.unknown(since: moment(until), hasFound: found != nil)
            }
        guard let limits else { return found.map { contacts > 0 ? $0 : "\(words.noContact) \($0)" } ?? words.nobody }
        return found.map { "\(limits) \($0)" } ?? limits
    }

    private func moment(_ time: Int64) -> Moment {
        Moment(
            day: CivilDate(unixSeconds: time, utcOffset: utcOffset),
            clock: TimeText.clock(time, utcOffset: utcOffset)
        )
    }

    /// One day in a few lines.
    func paragraph(_ day: ExposureDay) -> String {
        let minutes = ExposureExplanation.minutes(day.duration)
        var lines: [String] = []
        if day.isContact {
            lines.append(words.contact(day.day, minutes: minutes))
        } else if day.duration == 0 {
            lines.append(words.unmeasured(day.day))
        } else {
            lines.append(words.brief(day.day, minutes: minutes))
        }
        lines.append(
            words.nearness(
                day.nearness,
                isPowerKnown: day.calibrationConfidence > .lowest,
                isOverTime: day.duration > 0
            )
        )
        lines.append(words.certainty(day.reportType))
        lines.append(words.infectiousness(day.infectiousness))
        lines.append(words.advice(isContact: day.isContact))
        return lines.joined(separator: "\n  ")
    }

    /// Rounded to five minutes: an exact duration says more about the other person than about the risk.
    package static func minutes(_ seconds: Int64) -> Int64 { (max(0, seconds) + 150) / 300 * 5 }
}

/// A local time, as people are told it: `06:30` of a day.
struct Moment {
    let day: CivilDate
    let clock: String
}

/// The sentences of one language.
protocol ExposureWords: Sendable {
    /// While no sync has ever fetched all that there is.
    var nothingFetched: String { get }
    /// While there is no sighting to compare.
    var nothingSeen: String { get }
    /// Keys were last fetched so many hours ago or more.
    func stale(since: Moment, hours: Int) -> String
    /// Keys were last fetched so long ago that none of them counts any more.
    /// - Parameter hasFound: whether something was found by them, which is told next.
    func unknown(since: Moment, hasFound: Bool) -> String
    var noContact: String { get }
    /// With fresh keys and sightings, if nobody was found among these: `noContact`, and why.
    var nobody: String { get }
    /// What was found, on so many days, at least one.
    func found(contacts: Int, others: Int) -> String
    func clocks(_ difference: ClockDifference) -> String
    /// Nil if there is no doubt.
    func doubt(_ trust: NodeTrust) -> String?
    func lapsed(_ day: CivilDate, _ reason: LapsedWarning.Reason) -> String
    /// - Parameter minutes: rounded to five; 0 for less than that.
    func contact(_ day: CivilDate, minutes: Int64) -> String
    /// A day without a contact: somebody was there for some time, or for how long the scans do not show.
    func brief(_ day: CivilDate, minutes: Int64) -> String
    func unmeasured(_ day: CivilDate) -> String
    /// - Parameter isOverTime: whether `nearness` holds for most of a time; else for the nearest sighting.
    func nearness(_ nearness: AttenuationBucket, isPowerKnown: Bool, isOverTime: Bool) -> String
    func certainty(_ type: ReportType) -> String
    func infectiousness(_ infectiousness: Infectiousness) -> String
    func advice(isContact: Bool) -> String
    /// So many sightings, at least one, went for want of room.
    func lost(_ sightings: Int) -> String
    /// - Parameters:
    ///   - fetched: until when keys were; nil if never.
    ///   - isConfirmed: whether nodes of other operators bear the node out.
    func basis(
        encounters: Int,
        keys: Int,
        asOf: Moment,
        fetched: Moment?,
        incompleteRegions: Int,
        isConfirmed: Bool
    ) -> String
}
