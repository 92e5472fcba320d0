internal import ExposureKeys

/// The result of matching, as it is kept and shown.
public struct ExposureReport: Sendable, Equatable, Codable {
    /// Unix seconds; start of the interval at which keys were judged live.
    public let asOf: Int64
    /// Sightings considered, and live keys they were compared with.
    public let encounters: Int
    public let keys: Int
    /// Keys that were near; one may make two exposures, if its phone was near before and after midnight.
    public let matchedKeys: Int
    /// Newest day first.
    public let exposures: [Exposure]

    public init(asOf: Int64, encounters: Int, keys: Int, matchedKeys: Int, exposures: [Exposure]) {
        self.asOf = asOf
        self.encounters = encounters
        self.keys = keys
        self.matchedKeys = matchedKeys
        self.exposures = exposures
    }

    /// Seconds by which Vietnam's time is ahead of UTC, all year.
    public static let vietnamOffset: Int64 = 7 * 3600
}

/// The form in which exposures are kept and given to programs: day as `2021-08-01`, times in unix seconds, report type
/// by name, regions by code.
extension Exposure: Codable {
    private enum CodingKeys: String, CodingKey {
        case day, first, last, sightings, duration, isContact, attenuation, rssi, reportType, regions, daysSinceOnset
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func wrong(_ key: CodingKeys) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "not as Exposure writes it")
        }
        guard let start = TimeText.parse(try values.decode(String.self, forKey: .day) + "T00:00:00Z") else {
            throw wrong(.day)
        }
        day = CivilDate(unixSeconds: start, utcOffset: 0)
        first = try values.decode(Int64.self, forKey: .first)
        last = try values.decode(Int64.self, forKey: .last)
        sightings = try values.decode(Int.self, forKey: .sightings)
        duration = try values.decode(Int64.self, forKey: .duration)
        attenuation = try values.decodeIfPresent(Levels.self, forKey: .attenuation)
        rssi = try values.decodeIfPresent(Levels.self, forKey: .rssi)
        let name = try values.decode(String.self, forKey: .reportType)
        guard let type = ReportType.allCases.first(where: { $0.name == name }) else { throw wrong(.reportType) }
        reportType = type
        regions = try values.decode([String].self, forKey: .regions).map { code in
            guard let region = Region(code) else { throw wrong(.regions) }
            return region
        }
        daysSinceOnset = try values.decodeIfPresent(Int.self, forKey: .daysSinceOnset)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(day.description, forKey: .day)
        try values.encode(first, forKey: .first)
        try values.encode(last, forKey: .last)
        try values.encode(sightings, forKey: .sightings)
        try values.encode(duration, forKey: .duration)
        try values.encode(isContact, forKey: .isContact)
        try values.encodeIfPresent(attenuation, forKey: .attenuation)
        try values.encodeIfPresent(rssi, forKey: .rssi)
        try values.encode(reportType.name, forKey: .reportType)
        try values.encode(regions.map(\.code), forKey: .regions)
        try values.encodeIfPresent(daysSinceOnset, forKey: .daysSinceOnset)
    }
}

extension ReportType {
    /// The name in JSON.
    fileprivate var name: String {
        switch self {
        case .unknown: "unknown"
        case .recursive: "recursive"
        case .selfReport: "self-report"
        case .clinical: "clinical"
        case .confirmed: "confirmed"
        case .revoked: "revoked"
        }
    }
}
