internal import ExposureKeys

/// Says to a person what a report means: when, how long, how near, how sure, what to do. Nothing in it points to the
/// other person, and a single sighting is not called a contact.
public struct ExposureExplanation: Sendable {
    public enum Language: String, Sendable, CaseIterable {
        case vietnamese = "vi"
        case english = "en"
    }

    /// How near a meeting was, by its typical attenuation, else by its typical signal strength. Our own bounds: 55 dB is
    /// what phones measure at arm's length to two metres in the open, 70 dB within a room.
    public enum Nearness: Sendable, Equatable {
        case near, sameRoom, far
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
        let contacts = report.exposures.filter(\.isContact)
        let brief = report.exposures.filter { !$0.isContact }
        paragraphs.append(
            report.keys == 0 ? words.nothingToCompare : words.summary(contacts: contacts.count, brief: brief.count)
        )
        paragraphs += contacts.map(paragraph)
        paragraphs += brief.map(paragraph)
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

    /// One exposure in a few lines.
    func paragraph(_ exposure: Exposure) -> String {
        let first = TimeText.clock(exposure.first, utcOffset: utcOffset)
        let last = TimeText.clock(exposure.last, utcOffset: utcOffset)
        var lines: [String] = []
        if exposure.isContact {
            lines.append(
                words.contact(exposure.day, first, last, minutes: ExposureExplanation.minutes(exposure.duration))
            )
        } else {
            lines.append(words.brief(exposure.day, first, last, sightings: exposure.sightings))
        }
        if let nearness = ExposureExplanation.nearness(of: exposure) {
            lines.append(words.nearness(nearness, attenuation: exposure.attenuation, rssi: exposure.rssi))
        }
        lines.append(
            words.certainty(exposure.reportType, regions: exposure.regions.map(\.code).joined(separator: ", "))
        )
        if let days = exposure.daysSinceOnset { lines.append(words.onset(days)) }
        lines.append(words.advice(isContact: exposure.isContact))
        return lines.joined(separator: "\n  ")
    }

    static func nearness(of exposure: Exposure) -> Nearness? {
        if let typical = exposure.attenuation?.typical {
            return typical <= 55 ? .near : typical <= 70 ? .sameRoom : .far
        }
        if let typical = exposure.rssi?.typical { return typical >= -65 ? .near : typical >= -80 ? .sameRoom : .far }
        return nil
    }

    /// Whole minutes, at least 1.
    private static func minutes(_ seconds: Int64) -> Int64 { max(1, (seconds + 30) / 60) }
}

/// The sentences of one language.
protocol ExposureWords: Sendable {
    /// Instead of a summary while no key is held: silence would be no all-clear.
    var nothingToCompare: String { get }
    func summary(contacts: Int, brief: Int) -> String
    func contact(_ day: CivilDate, _ first: String, _ last: String, minutes: Int64) -> String
    func brief(_ day: CivilDate, _ first: String, _ last: String, sightings: Int) -> String
    func nearness(
        _ nearness: ExposureExplanation.Nearness,
        attenuation: Exposure.Levels?,
        rssi: Exposure.Levels?
    ) -> String
    func certainty(_ type: ReportType, regions: String) -> String
    func onset(_ days: Int) -> String
    func advice(isContact: Bool) -> String
    func basis(encounters: Int, keys: Int, day: CivilDate, clock: String) -> String
}
