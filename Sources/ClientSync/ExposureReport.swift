internal import ExposureKeys

/// The result of matching, as it is kept and shown.
public struct ExposureReport: Sendable, Equatable {
    /// Unix seconds; start of the interval at which keys were judged live.
    public let asOf: Int64
    /// Sightings considered, and published reports of keys they were compared with.
    public let encounters: Int
    public let keys: Int
    /// Keys that were near; one may make two exposures, if its phone was near before and after midnight.
    public let matchedKeys: Int
    /// What matching found in detail. Newest day first, the first `maximumExposures` of them.
    public let exposures: [Exposure]
    /// What a person is told. Newest first, at most `maximumDays`.
    public let days: [ExposureDay]
    /// Days that were told to be contacts before and are not any more. Newest first, at most `maximumDays`.
    public let lapsed: [LapsedWarning]
    /// What was known of how fresh the phone's keys were.
    public let freshness: FreshnessRecord
    /// Hours without news after which nothing can be said.
    public let hoursWithoutNews: Int
    /// Sightings that the log had no room for, which might have matched.
    public let lost: Int
    /// True if `asOf` is no time by the phone's clock, but one that somebody tries matching out with.
    public var isTrial = false

    public init(
        asOf: Int64,
        encounters: Int,
        keys: Int,
        matchedKeys: Int,
        exposures: [Exposure],
        days: [ExposureDay] = [],
        lapsed: [LapsedWarning] = [],
        freshness: FreshnessRecord = FreshnessRecord(),
        hoursWithoutNews: Int = Freshness.usualHours,
        lost: Int = 0
    ) {
        self.asOf = asOf
        self.encounters = encounters
        self.keys = keys
        self.matchedKeys = matchedKeys
        self.exposures = Array(exposures.prefix(ExposureReport.maximumExposures))
        self.days = Array(days.prefix(ExposureReport.maximumDays))
        self.lapsed = Array(lapsed.prefix(ExposureReport.maximumDays))
        self.freshness = freshness
        self.hoursWithoutNews = RiskConfiguration.hours(hoursWithoutNews)
        self.lost = max(0, lost)
    }

    /// How fresh what the report is made of is.
    /// - Parameter now: unix seconds by the phone's clock, when it is read; nil for when it was made.
    public func judgedFreshness(at now: Int64? = nil) -> Freshness {
        Freshness(freshness, hours: hoursWithoutNews, now: now ?? asOf)
    }

    /// Whether anything can be said at a time: the keys are fresh, and there was something to compare with them.
    public func saysSomething(at now: Int64? = nil) -> Bool {
        judgedFreshness(at: now).standing == .fresh && encounters > 0
    }

    /// - Parameters:
    ///   - met: keys that were near, each once; revoked ones among them tell which warnings lapse.
    ///   - phone: when the phone scanned.
    ///   - former: the report before this one.
    ///   - freshness: what is known of how fresh the keys are.
    ///   - lost: sightings that the log had no room for.
    init(
        asOf: Int64,
        encounters: Int,
        keys: Int,
        met: [MetKey],
        phone: PhoneScans,
        former: ExposureReport?,
        freshness: FreshnessRecord,
        lost: Int,
        utcOffset: Int64,
        configuration: RiskConfiguration
    ) {
        let assessment = RiskAssessment(
            of: met,
            phone: phone,
            former: former,
            isFresh: Freshness(freshness, hours: configuration.maximumHoursWithoutNews, now: asOf).standing == .fresh,
            asOf: asOf,
            utcOffset: utcOffset,
            configuration: configuration
        )
        self.init(
            asOf: asOf,
            encounters: encounters,
            keys: keys,
            matchedKeys: met.count { $0.claims.contains { !$0.isWithdrawn } },
            exposures: Exposure.grouped(met, configuration, phone: phone, utcOffset: utcOffset),
            days: assessment.days,
            lapsed: assessment.lapsed,
            freshness: freshness,
            hoursWithoutNews: configuration.maximumHoursWithoutNews,
            lost: lost
        )
    }

    /// Seconds by which Vietnam's time is ahead of UTC, all year.
    public static let vietnamOffset: Int64 = 7 * 3600
    /// Exposures that a report keeps. Days and what they tell are made of all.
    public static let maximumExposures = 2000
    /// Keys live for 14 days and clocks may be wrong by two hours: there are 18 local days at most.
    public static let maximumDays = 32
    /// Number of this JSON form; the first one had no number.
    public static let form = 2
}

/// Tells which form a kept report has, whatever else is in it.
public struct ExposureReportForm: Decodable, Sendable {
    public let form: Int?

    /// False if another version of the program wrote it: then the next matching makes it anew.
    public var isOfThisVersion: Bool { form == ExposureReport.form }
}

extension ExposureReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case form, asOf, encounters, keys, matchedKeys, exposures, days, lapsed, freshness, hoursWithoutNews, lost
        case isTrial
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func list<Element: Decodable>(_ key: CodingKeys, atMost maximum: Int) throws -> [Element] {
            let list = try values.decode([Element].self, forKey: key)
            guard list.count <= maximum else {
                throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "too many")
            }
            return list
        }
        guard try values.decodeIfPresent(Int.self, forKey: .form) == ExposureReport.form else {
            throw DecodingError.dataCorruptedError(forKey: .form, in: values, debugDescription: "another form")
        }
        self.init(
            asOf: try values.decode(Int64.self, forKey: .asOf),
            encounters: try values.decode(Int.self, forKey: .encounters),
            keys: try values.decode(Int.self, forKey: .keys),
            matchedKeys: try values.decode(Int.self, forKey: .matchedKeys),
            exposures: try list(.exposures, atMost: ExposureReport.maximumExposures),
            days: try list(.days, atMost: ExposureReport.maximumDays),
            lapsed: try list(.lapsed, atMost: ExposureReport.maximumDays),
            // Versions before did not tell: nothing is known of it then.
            freshness: try values.decodeIfPresent(FreshnessRecord.self, forKey: .freshness) ?? FreshnessRecord(),
            hoursWithoutNews: try values.decodeIfPresent(Int.self, forKey: .hoursWithoutNews) ?? Freshness.usualHours,
            lost: try values.decodeIfPresent(Int.self, forKey: .lost) ?? 0
        )
        isTrial = try values.decodeIfPresent(Bool.self, forKey: .isTrial) ?? false
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(ExposureReport.form, forKey: .form)
        try values.encode(asOf, forKey: .asOf)
        try values.encode(encounters, forKey: .encounters)
        try values.encode(keys, forKey: .keys)
        try values.encode(matchedKeys, forKey: .matchedKeys)
        try values.encode(exposures, forKey: .exposures)
        try values.encode(days, forKey: .days)
        try values.encode(lapsed, forKey: .lapsed)
        try values.encode(freshness, forKey: .freshness)
        try values.encode(hoursWithoutNews, forKey: .hoursWithoutNews)
        try values.encode(lost, forKey: .lost)
        if isTrial { try values.encode(isTrial, forKey: .isTrial) }
    }
}

/// The form in which exposures are kept and given to programs: day as `2021-08-01`, times in unix seconds, report type
/// by name, regions by code.
extension Exposure: Codable {
    private enum CodingKeys: String, CodingKey {
        case day, first, last, sightings, duration, attenuation, rssi, reportType, regions, daysSinceOnset
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func wrong(_ key: CodingKeys) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "not as Exposure writes it")
        }
        day = try values.decode(CivilDate.self, forKey: .day)
        first = try values.decode(Int64.self, forKey: .first)
        last = try values.decode(Int64.self, forKey: .last)
        sightings = try values.decode(Int.self, forKey: .sightings)
        duration = try values.decode(Int64.self, forKey: .duration)
        attenuation = try values.decodeIfPresent(Levels.self, forKey: .attenuation)
        rssi = try values.decodeIfPresent(Levels.self, forKey: .rssi)
        let name = try values.decode(String.self, forKey: .reportType)
        guard let type = ReportType(name: name) else { throw wrong(.reportType) }
        reportType = type
        regions = try values.decode([String].self, forKey: .regions).map { code in
            guard let region = Region(code) else { throw wrong(.regions) }
            return region
        }
        daysSinceOnset = try values.decodeIfPresent(Int.self, forKey: .daysSinceOnset)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(day, forKey: .day)
        try values.encode(first, forKey: .first)
        try values.encode(last, forKey: .last)
        try values.encode(sightings, forKey: .sightings)
        try values.encode(duration, forKey: .duration)
        try values.encodeIfPresent(attenuation, forKey: .attenuation)
        try values.encodeIfPresent(rssi, forKey: .rssi)
        try values.encode(reportType.name, forKey: .reportType)
        try values.encode(regions.map(\.code), forKey: .regions)
        try values.encodeIfPresent(daysSinceOnset, forKey: .daysSinceOnset)
    }
}
