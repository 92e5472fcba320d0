internal import ExposureKeys

/// The form in which days are kept and given to programs: day as `2021-08-01`, what is told by name, numbers in seconds.
extension ExposureDay: Codable {
    private enum CodingKeys: String, CodingKey {
        case day, isContact, scoreSum, maximumScore, weightedDurationSum, duration, nearness, reportType
        case infectiousness, calibrationConfidence
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func named<Value>(_ key: CodingKeys, _ value: (String) -> Value?) throws -> Value {
            guard let value = value(try values.decode(String.self, forKey: key)) else {
                throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "no such name")
            }
            return value
        }
        day = try values.decode(CivilDate.self, forKey: .day)
        isContact = try values.decode(Bool.self, forKey: .isContact)
        scoreSum = try values.decode(Int64.self, forKey: .scoreSum)
        maximumScore = try values.decode(Int64.self, forKey: .maximumScore)
        weightedDurationSum = try values.decode(Int64.self, forKey: .weightedDurationSum)
        duration = try values.decode(Int64.self, forKey: .duration)
        nearness = try named(.nearness) { AttenuationBucket(name: $0) }
        reportType = try named(.reportType) { ReportType(name: $0) }
        infectiousness = try named(.infectiousness) { Infectiousness(name: $0) }
        calibrationConfidence = try named(.calibrationConfidence) { CalibrationConfidence(name: $0) }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(day, forKey: .day)
        try values.encode(isContact, forKey: .isContact)
        try values.encode(scoreSum, forKey: .scoreSum)
        try values.encode(maximumScore, forKey: .maximumScore)
        try values.encode(weightedDurationSum, forKey: .weightedDurationSum)
        try values.encode(duration, forKey: .duration)
        try values.encode(nearness.name, forKey: .nearness)
        try values.encode(reportType.name, forKey: .reportType)
        try values.encode(infectiousness.name, forKey: .infectiousness)
        try values.encode(calibrationConfidence.name, forKey: .calibrationConfidence)
    }
}
