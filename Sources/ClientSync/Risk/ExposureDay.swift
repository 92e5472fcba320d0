public import ExposureKeys

/// What a person is told of one local day on which somebody was near who was reported infected later. It says no more
/// than the API's windows do: no key, place, region, time of day, and no day of onset.
public struct ExposureDay: Sendable, Equatable {
    public let day: CivilDate
    /// Whether it is a contact, by the configuration in force when it was matched.
    public let isContact: Bool
    /// Weighted seconds, as in `DailySummary`.
    public let scoreSum: Int64
    public let maximumScore: Int64
    public let weightedDurationSum: Int64
    /// What follows is of the windows that count towards the score or, where none does, of all.
    ///
    /// Seconds with all of these people together, as far as the phone's scans show them, not weighted. 0 if they show
    /// none.
    public let duration: Int64
    /// How near for at least half of that time.
    public let nearness: AttenuationBucket
    /// The most certain report, the highest infectiousness, the least confidence.
    public let reportType: ReportType
    public let infectiousness: Infectiousness
    public let calibrationConfidence: CalibrationConfidence

    /// The days of windows, newest first.
    /// - Parameters:
    ///   - windows: in any order; those of revoked reports are passed over.
    ///   - today: the day of matching.
    public static func days(
        of windows: [ExposureWindow],
        configuration: RiskConfiguration,
        today: CivilDate
    ) -> [ExposureDay] {
        let standing = windows.filter { $0.reportType != .revoked && configuration.isRecent($0.day, today: today) }
        let summaries = DailySummary.summaries(of: standing, configuration: configuration, today: today)
        var days: [ExposureDay] = []
        for day in standing.map(\.day).sorted(by: >) where days.last?.day != day {
            let ofDay = standing.filter { $0.day == day }
            days.append(ExposureDay(day, ofDay, summaries.first { $0.day == day }, configuration))
        }
        return days
    }

    /// - Parameter windows: of this day, at least one.
    private init(
        _ day: CivilDate,
        _ windows: [ExposureWindow],
        _ summary: DailySummary?,
        _ configuration: RiskConfiguration
    ) {
        self.day = day
        isContact = summary?.isContact(configuration) ?? false
        scoreSum = summary?.overall.scoreSum ?? 0
        maximumScore = summary?.overall.maximumScore ?? 0
        weightedDurationSum = summary?.overall.weightedDurationSum ?? 0
        let scoring = windows.filter {
            let score = DailySummary.Score($0, configuration)
            return score.score > 0 && score.counts(configuration)
        }
        let shown = scoring.isEmpty ? windows : scoring
        duration = Int64(shown.reduce(0) { $0 + $1.seconds })
        nearness = ExposureDay.nearness(of: shown, configuration.buckets)
        reportType = shown.map(\.reportType).max() ?? .unknown
        infectiousness = shown.map(\.infectiousness).max() ?? .none
        calibrationConfidence = shown.map(\.calibrationConfidence).min() ?? .lowest
    }

    /// The bucket of the median by time; of scans that all count for no time, the nearest.
    private static func nearness(of windows: [ExposureWindow], _ buckets: AttenuationBuckets) -> AttenuationBucket {
        var seconds = [0, 0, 0, 0]
        for scan in windows.flatMap(\.scans) {
            seconds[buckets.bucket(of: scan.typicalAttenuation).rawValue] += scan.secondsSinceLastScan
        }
        let total = seconds.reduce(0, +)
        if total == 0 {
            return windows.flatMap(\.scans).map { buckets.bucket(of: $0.typicalAttenuation) }.min() ?? .other
        }
        var sum = 0
        for bucket in AttenuationBucket.allCases {
            sum += seconds[bucket.rawValue]
            if 2 * sum >= total { return bucket }
        }
        return .other
    }
}
