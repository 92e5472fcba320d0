internal import ExposureKeys

/// The JSON form, described in docs/RISK.md: one object with all of the fields and no others; files of before
/// `maximumHoursWithoutNews` are read without it.
extension RiskConfiguration: Codable {
    /// Bytes of a file that are worth reading.
    public static let maximumBytes = 16_384

    private enum Field: String, CodingKey, CaseIterable {
        case attenuationBucketThresholdDb, attenuationBucketWeights
        case daysSinceOnsetToInfectiousness, infectiousnessWhenDaysSinceOnsetMissing, infectiousnessWeights
        case reportTypeWeights, reportTypeWhenMissing
        case minimumWindowScore, daysSinceExposureThreshold, minimumDailyScore, maximumHoursWithoutNews
    }

    private struct Days: Codable {
        var standard: [Int]
        var high: [Int]
    }

    private struct Weights: Codable {
        var standard: Int
        var high: Int
    }

    private struct Types: Codable {
        var confirmed: Int
        var clinical: Int
        var selfReport: Int
        var recursive: Int

        enum CodingKeys: String, CodingKey {
            case confirmed, clinical, recursive
            case selfReport = "self-report"
        }
    }

    /// - Throws: `DecodingError` for another form, `RiskConfigurationError` for a number out of range or a field that is
    ///   not known: a misspelt one must not leave a default in force.
    public init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: AnyField.self).allKeys
        guard names.allSatisfy({ Field(rawValue: $0.stringValue) != nil }) else {
            throw RiskConfigurationError("the object has a field that is not known; docs/RISK.md lists the fields")
        }
        let fields = try decoder.container(keyedBy: Field.self)
        let days = try fields.decode(Days.self, forKey: .daysSinceOnsetToInfectiousness)
        let weights = try fields.decode(Weights.self, forKey: .infectiousnessWeights)
        let types = try fields.decode(Types.self, forKey: .reportTypeWeights)
        let unknown = try fields.decode(String.self, forKey: .infectiousnessWhenDaysSinceOnsetMissing)
        guard let whenUnknown = Infectiousness(name: unknown) else {
            throw RiskConfigurationError("infectiousness is none, standard or high")
        }
        let missing = try fields.decode(String.self, forKey: .reportTypeWhenMissing)
        try self.init(
            buckets: AttenuationBuckets(
                thresholds: try fields.decode([Int].self, forKey: .attenuationBucketThresholdDb),
                weights: try fields.decode([Int].self, forKey: .attenuationBucketWeights)
            ),
            infectiousness: InfectiousnessMap(standard: days.standard, high: days.high, whenUnknown: whenUnknown),
            standardWeight: weights.standard,
            highWeight: weights.high,
            reportTypes: ReportTypeWeights(
                confirmedTest: types.confirmed,
                confirmedClinicalDiagnosis: types.clinical,
                selfReport: types.selfReport,
                recursive: types.recursive,
                whenMissing: ReportType(name: missing) ?? .unknown
            ),
            minimumWindowScore: try fields.decode(Int.self, forKey: .minimumWindowScore),
            daysSinceExposureThreshold: try fields.decode(Int.self, forKey: .daysSinceExposureThreshold),
            minimumDailyScore: try fields.decode(Int.self, forKey: .minimumDailyScore),
            maximumHoursWithoutNews: try fields.decodeIfPresent(Int.self, forKey: .maximumHoursWithoutNews)
                ?? Freshness.usualHours
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        try fields.encode(buckets.thresholds, forKey: .attenuationBucketThresholdDb)
        try fields.encode(buckets.weights, forKey: .attenuationBucketWeights)
        try fields.encode(
            Days(standard: infectiousness.standard, high: infectiousness.high),
            forKey: .daysSinceOnsetToInfectiousness
        )
        try fields.encode(infectiousness.whenUnknown.name, forKey: .infectiousnessWhenDaysSinceOnsetMissing)
        try fields.encode(Weights(standard: standardWeight, high: highWeight), forKey: .infectiousnessWeights)
        try fields.encode(
            Types(
                confirmed: reportTypes.confirmedTest,
                clinical: reportTypes.confirmedClinicalDiagnosis,
                selfReport: reportTypes.selfReport,
                recursive: reportTypes.recursive
            ),
            forKey: .reportTypeWeights
        )
        try fields.encode(reportTypes.whenMissing.name, forKey: .reportTypeWhenMissing)
        try fields.encode(minimumWindowScore, forKey: .minimumWindowScore)
        try fields.encode(daysSinceExposureThreshold, forKey: .daysSinceExposureThreshold)
        try fields.encode(minimumDailyScore, forKey: .minimumDailyScore)
        try fields.encode(maximumHoursWithoutNews, forKey: .maximumHoursWithoutNews)
    }
}

/// Whatever name an object's field has.
private struct AnyField: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
