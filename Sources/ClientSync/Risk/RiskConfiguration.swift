/// What decides whether sightings make a contact, after the API's `DailySummariesConfig` and `DiagnosisKeysDataMapping`.
/// Whole numbers only, so that all phones agree. docs/RISK.md says where the defaults come from.
public struct RiskConfiguration: Sendable, Equatable {
    public let buckets: AttenuationBuckets
    public let infectiousness: InfectiousnessMap
    /// What time with a person of standard and high infectiousness weighs, in percent, 0...250. None weighs nothing.
    public let standardWeight: Int
    public let highWeight: Int
    public let reportTypes: ReportTypeWeights
    /// A window with a lower score does not count; weighted seconds, 0...32,812. 0 counts all.
    public let minimumWindowScore: Int
    /// Days earlier than so many before the day of matching do not count, 0...30. 0 counts all.
    public let daysSinceExposureThreshold: Int
    /// Sum of scores from which a day is a contact, in weighted seconds, 1...86,400.
    public let minimumDailyScore: Int
    /// Hours without news of keys after which nothing can be said, 1...336. No number of the API's: phones that use it
    /// are told by their system.
    public let maximumHoursWithoutNews: Int

    /// - Throws: `RiskConfigurationError` if a number lies outside its range.
    public init(
        buckets: AttenuationBuckets = .symposium,
        infectiousness: InfectiousnessMap = .symposium,
        standardWeight: Int = 30,
        highWeight: Int = 100,
        reportTypes: ReportTypeWeights = .standard,
        minimumWindowScore: Int = 0,
        daysSinceExposureThreshold: Int = 0,
        minimumDailyScore: Int = 900,
        maximumHoursWithoutNews: Int = Freshness.usualHours
    ) throws(RiskConfigurationError) {
        guard RiskConfiguration.weights.contains(standardWeight), RiskConfiguration.weights.contains(highWeight) else {
            throw RiskConfigurationError("infectiousness weights are 0 to 250 percent")
        }
        guard (0...32_812).contains(minimumWindowScore) else {
            throw RiskConfigurationError("the minimum window score is 0 to 32812 weighted seconds")
        }
        guard (0...30).contains(daysSinceExposureThreshold) else {
            throw RiskConfigurationError("the days since exposure are 0 (all) to 30")
        }
        // From 1: where 0 were enough, nobody met would be a contact.
        guard (1...86_400).contains(minimumDailyScore) else {
            throw RiskConfigurationError("the minimum daily score is 1 to 86400 weighted seconds")
        }
        guard RiskConfiguration.hoursWithoutNews.contains(maximumHoursWithoutNews) else {
            throw RiskConfigurationError("the hours without news are 1 to 336")
        }
        self.init(
            checked: buckets,
            infectiousness,
            weights: (standardWeight, highWeight),
            reportTypes,
            minimumWindowScore,
            daysSinceExposureThreshold,
            minimumDailyScore,
            maximumHoursWithoutNews
        )
    }

    private init(
        checked buckets: AttenuationBuckets,
        _ infectiousness: InfectiousnessMap,
        weights: (standard: Int, high: Int),
        _ reportTypes: ReportTypeWeights,
        _ minimumWindowScore: Int,
        _ daysSinceExposureThreshold: Int,
        _ minimumDailyScore: Int,
        _ maximumHoursWithoutNews: Int
    ) {
        self.buckets = buckets
        self.infectiousness = infectiousness
        standardWeight = weights.standard
        highWeight = weights.high
        self.reportTypes = reportTypes
        self.minimumWindowScore = minimumWindowScore
        self.daysSinceExposureThreshold = daysSinceExposureThreshold
        self.minimumDailyScore = minimumDailyScore
        self.maximumHoursWithoutNews = maximumHoursWithoutNews
    }

    /// Percent.
    public func weight(of infectiousness: Infectiousness) -> Int {
        switch infectiousness {
        case .none: 0
        case .standard: standardWeight
        case .high: highWeight
        }
    }

    /// Percent that any weight may have, as in the API.
    public static let weights = 0...250

    /// From an hour to the fourteen days after which no key counts any more.
    static let hoursWithoutNews = 1...336

    /// The nearest number within the range.
    static func hours(_ hours: Int) -> Int {
        min(max(hours, hoursWithoutNews.lowerBound), hoursWithoutNews.upperBound)
    }

    /// Where nothing else is configured: fifteen minutes near a person at their most infectious are a contact.
    public static let standard = RiskConfiguration(
        checked: .symposium,
        .symposium,
        weights: (30, 100),
        .standard,
        0,
        0,
        900,
        Freshness.usualHours
    )
}

/// Why a configuration was not taken.
public struct RiskConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what would be right; holds nothing of a file's content.
    public let reason: String

    init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
}
