public import ExposureKeys
internal import FeedFormat
internal import ExposureNotification

/// Finds which published keys were near: derives the identifiers that a key's phone broadcast, for those intervals only
/// in which this phone saw anything, and looks them up among the sightings.
public struct ExposureMatching: Sendable {
    /// Intervals by which sighting and broadcast may be apart: two hours, for clocks that are wrong. Our own decision.
    public static let tolerance: Int64 = 2 * Interval.perHour

    private let index: EncounterIndex
    private let now: Interval
    private let utcOffset: Int64
    private let tasks: Int
    private let configuration: RiskConfiguration

    /// - Parameters:
    ///   - encounters: in any order; those too old or too far ahead for any live key are left out.
    ///   - now: decides which keys are live.
    ///   - utcOffset: seconds by which local days are ahead of UTC; Vietnam's by default.
    ///   - tasks: how many tasks share the work, at least 1.
    ///   - configuration: decides which days are contacts.
    public init(
        encounters: [Encounter],
        now: Interval,
        utcOffset: Int64 = ExposureReport.vietnamOffset,
        tasks: Int = 4,
        configuration: RiskConfiguration = .standard
    ) {
        // A live key ended less than 14 days ago, so it began less than 15 days ago.
        let earliest = now.advanced(by: -Expiry.keyLifetime - Interval.perDay - ExposureMatching.tolerance)
        let latest = now.advanced(by: Expiry.futureTolerance + ExposureMatching.tolerance)
        index = EncounterIndex(encounters, tolerance: ExposureMatching.tolerance, window: earliest...latest)
        self.now = now
        self.utcOffset = utcOffset
        self.tasks = max(1, tasks)
        self.configuration = configuration
    }

    /// Sightings that can match a live key.
    public var encounterCount: Int { index.encounters.count }

    /// Matches the live keys of all regions held, as their own region, or the one that has taken it over, revised them
    /// last. Revoked keys are looked for too: a warning that rests on one lapses. The report kept before tells which
    /// warnings were given.
    /// - Throws: what the store throws; `CancellationError`.
    public func run(over storage: any DeviceStorage) async throws -> ExposureReport {
        var matches: [KeyMatch] = []
        var keyCount = 0
        let roster = try await storage.roster().map { try Roster(verified: $0.bytes[...]) }
        for region in try await storage.regions() {
            var state = try await storage.keys(of: region)
            if let successor = roster?.region(region)?.successor {
                state = state.revised(by: try await storage.keys(of: successor))
            }
            let keys = state.current(at: now)
            keyCount += keys.count { $0.metadata.reportType != .revoked }
            matches += try await self.matches(of: keys, region: region)
        }
        return ExposureReport(
            asOf: now.unixSeconds,
            encounters: encounterCount,
            keys: keyCount,
            met: MetKey.joined(matches),
            former: try await storage.report(),
            utcOffset: utcOffset,
            configuration: configuration
        )
    }

    /// Keys of one region that were near, in the order of `keys`.
    /// - Parameter keys: current ones.
    func matches(of keys: [DiagnosisKey], region: Region) async throws -> [KeyMatch] {
        if index.encounters.isEmpty { return [] }
        let share = max(1, (keys.count + tasks - 1) / tasks)
        return try await withThrowingTaskGroup(of: (Int, [KeyMatch]).self) { group in
            for start in stride(from: 0, to: keys.count, by: share) {
                let slice = keys[start..<min(start + share, keys.count)]
                group.addTask { (start, try self.matches(of: slice, region: region)) }
            }
            var parts: [(Int, [KeyMatch])] = []
            for try await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    private func matches(of keys: ArraySlice<DiagnosisKey>, region: Region) throws -> [KeyMatch] {
        var matches: [KeyMatch] = []
        for (count, key) in keys.enumerated() {
            if count.isMultiple(of: 4096) { try Task.checkCancellation() }
            let intervals = index.candidates(for: key.metadata)
            if intervals.isEmpty { continue }
            let identifiers = RollingProximityKey(key: key.data).identifiers(at: intervals)
            var sightings: [Encounter] = []
            for (identifier, interval) in zip(identifiers, intervals) {
                sightings += index.sightings(of: identifier, at: interval)
            }
            if !sightings.isEmpty { matches.append(KeyMatch(key: key, region: region, sightings: sightings)) }
        }
        return matches
    }
}

/// A published key that was near, and when.
struct KeyMatch: Sendable {
    let key: DiagnosisKey
    let region: Region
    /// At least one.
    let sightings: [Encounter]
}
