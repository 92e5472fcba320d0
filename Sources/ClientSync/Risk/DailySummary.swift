public import ExposureKeys

/// What the windows of a day add up to, as the API's `DailySummary` has it.
///
/// Unit: weighted seconds. Fifteen minutes with all weights at 100 % are 900. Sums are exact; what is shown is rounded
/// down to whole seconds once, at the end, so that the order of windows does not matter.
public struct DailySummary: Sendable, Equatable {
    public let day: CivilDate
    /// Over all windows that count.
    public let overall: Item
    /// By what a report counts as; types of which no window counts are missing. Descending by rank.
    public let byReportType: [(type: ReportType, item: Item)]

    public static func == (left: DailySummary, right: DailySummary) -> Bool {
        left.day == right.day && left.overall == right.overall
            && left.byReportType.elementsEqual(right.byReportType) { $0 == $1 }
    }

    /// What a window counts for, before it is rounded.
    struct Score {
        /// Seconds weighted by attenuation, in hundredths of a second.
        let duration: Int64
        /// The same, weighted by infectiousness and report type too, in millionths of a second.
        let score: Int64

        /// At most 2100 s times 250 % three times, less than 2^35: half a million windows can be added up.
        init(_ window: ExposureWindow, _ configuration: RiskConfiguration) {
            duration = window.scans.reduce(0) {
                $0 + Int64($1.secondsSinceLastScan * configuration.buckets.weight(of: $1.typicalAttenuation))
            }
            score =
                duration * Int64(configuration.weight(of: window.infectiousness))
                * Int64(configuration.reportTypes.weight(of: window.reportType))
        }

        func counts(_ configuration: RiskConfiguration) -> Bool {
            score >= Int64(configuration.minimumWindowScore) * 1_000_000
        }
    }

    public struct Item: Sendable, Equatable {
        /// The window with the highest score, and the sum of scores.
        public var maximumScore: Int64 { maximum / 1_000_000 }
        public var scoreSum: Int64 { sum / 1_000_000 }
        /// Weighted by attenuation alone.
        public var weightedDurationSum: Int64 { duration / 100 }

        private var maximum: Int64 = 0
        private var sum: Int64 = 0
        private var duration: Int64 = 0

        init() {}

        mutating func add(_ score: Score) {
            maximum = max(maximum, score.score)
            sum += score.score
            duration += score.duration
        }

        func reaches(_ seconds: Int) -> Bool { sum >= Int64(seconds) * 1_000_000 }
    }

    /// Whether the day is a contact.
    public func isContact(_ configuration: RiskConfiguration) -> Bool {
        overall.reaches(configuration.minimumDailyScore)
    }

    /// - Parameters:
    ///   - windows: in any order; those of revoked reports are passed over.
    ///   - today: the day of matching, for `daysSinceExposureThreshold`.
    /// - Returns: newest day first; days on which nothing counts are missing.
    public static func summaries(
        of windows: [ExposureWindow],
        configuration: RiskConfiguration,
        today: CivilDate
    ) -> [DailySummary] {
        let counted = windows.filter { window in
            configuration.reportTypes.counted(window.reportType) != nil
                && configuration.isRecent(window.day, today: today)
                && Score(window, configuration).counts(configuration)
        }
        var days: [CivilDate] = []
        for day in counted.map(\.day).sorted(by: >) where days.last != day { days.append(day) }
        return days.map { day in DailySummary(day, of: counted.filter { $0.day == day }, configuration) }
    }

    private init(_ day: CivilDate, of windows: [ExposureWindow], _ configuration: RiskConfiguration) {
        self.day = day
        overall = DailySummary.item(of: windows, configuration)
        byReportType = ReportType.allCases.sorted(by: >).compactMap { type in
            let ofType = windows.filter { configuration.reportTypes.counted($0.reportType) == type }
            return ofType.isEmpty ? nil : (type, DailySummary.item(of: ofType, configuration))
        }
    }

    private static func item(of windows: [ExposureWindow], _ configuration: RiskConfiguration) -> Item {
        windows.reduce(into: Item()) { $0.add(Score($1, configuration)) }
    }
}

extension RiskConfiguration {
    func isRecent(_ day: CivilDate, today: CivilDate) -> Bool {
        daysSinceExposureThreshold == 0
            || today.unixSeconds - day.unixSeconds <= Int64(daysSinceExposureThreshold) * 86_400
    }
}
