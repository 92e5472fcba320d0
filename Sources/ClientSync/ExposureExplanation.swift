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

    public init(
        _ report: ExposureReport,
        language: Language,
        utcOffset: Int64 = ExposureReport.vietnamOffset
    ) {
        self.report = report
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
        paragraphs.append(
            report.keys == 0 ? words.nothingToCompare : words.summary(contacts: contacts.count, others: others.count)
        )
        // First of all whom it relieves: who was warned must not have to look for it.
        paragraphs += report.lapsed.map { words.lapsed($0.day, $0.reason) }
        paragraphs += contacts.map(paragraph)
        paragraphs += others.map(paragraph)
        paragraphs.append(
            words.basis(
                encounters: report.encounters,
                keys: report.keys,
                day: CivilDate(unixSeconds: report.asOf, utcOffset: utcOffset),
                clock: TimeText.clock(report.asOf, utcOffset: utcOffset)
            )
        )
        return paragraphs.joined(separator: "\n\n") + "\n"
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

/// The sentences of one language.
protocol ExposureWords: Sendable {
    /// Instead of a summary while no key is held: silence would be no all-clear.
    var nothingToCompare: String { get }
    /// - Parameters: numbers of days.
    func summary(contacts: Int, others: Int) -> String
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
    func basis(encounters: Int, keys: Int, day: CivilDate, clock: String) -> String
}
