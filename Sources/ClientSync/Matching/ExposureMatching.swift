public import ExposureKeys
internal import FeedFormat

/// Brings what is known of keys that were near up to date, and makes the report of it.
///
/// A batch is compared once with all sightings, by the sync that brings it or here, and later with new sightings alone,
/// which for almost all batches takes no look at it: its keys ended before. What a region says of a key later, a
/// revocation above all, arrives as a report of the same key, so it is found in the same way.
public struct ExposureMatching: Sendable {
    /// Intervals by which sighting and broadcast may be apart: two hours, for clocks that are wrong. Our own decision.
    public static let tolerance: Int64 = 2 * Interval.perHour

    /// Nil for those of the store.
    private let given: [Encounter]?
    /// With `given`, when the phone scanned besides.
    private let givenScans: [Int64]
    private let now: Interval
    private let utcOffset: Int64
    private let tasks: Int
    private let configuration: RiskConfiguration

    /// - Parameters:
    ///   - encounters: in any order, for an app that keeps its sightings itself: everything held is compared with them,
    ///     and nothing of that is kept. Nil for the sightings in the store.
    ///   - scanTimes: with `encounters`, unix seconds at which the phone scanned, in any order, as far as the app knows
    ///     them. For sightings in the store those in the store count.
    ///   - now: decides which keys are live.
    ///   - utcOffset: seconds by which local days are ahead of UTC; Vietnam's by default.
    ///   - tasks: how many batches are compared at the same time, at least 1.
    ///   - configuration: decides which days are contacts.
    public init(
        encounters: [Encounter]? = nil,
        scanTimes: [Int64] = [],
        now: Interval,
        utcOffset: Int64 = ExposureReport.vietnamOffset,
        tasks: Int = 4,
        configuration: RiskConfiguration = .standard
    ) {
        self.configuration = configuration
        given = encounters
        givenScans = scanTimes
        self.now = now
        self.utcOffset = utcOffset
        self.tasks = max(1, tasks)
    }

    /// The first sightings that can be of a live key: that ended less than 14 days ago, so it began less than 15 days
    /// ago.
    static func horizon(at now: Interval) -> Interval {
        now.advanced(by: -Expiry.keyLifetime - Interval.perDay - tolerance)
    }

    /// Compares what has not been compared, and reports on all of it: current keys that were near, as their own region, or
    /// the one that has taken it over, revised them last. A warning that rests on a revoked one lapses: the report kept
    /// before tells which warnings were given. Keeps nothing but what it has compared.
    /// - Throws: what the store throws; `SyncError` with code `.badFeed` if a stored batch no longer decodes;
    ///   `CancellationError`.
    public func run(over storage: any DeviceStorage) async throws -> ExposureReport {
        let matcher: SerialMatcher
        let matched: [MatchedBatch]
        if let given {
            matcher = SerialMatcher(given, from: ExposureMatching.horizon(at: now))
            let all = try await storage.matchStates().map { ($0, matcher) }
            matched = try await compare(all, storage, keeping: false)
        } else {
            // What is left out here counts as compared, so the feeds' own time decides, not a clock that may be wrong.
            let newest = try await storage.cursors().map(\.lastPublication).max()
            let horizon = ExposureMatching.horizon(at: newest ?? now)
            matcher = try await SerialMatcher(storage, after: nil, from: horizon)
            try await catchUp(storage, matcher, from: horizon)
            matched = try await storage.matchedBatches()
        }
        // Sightings from later than that are set aside: they can match no key that has been published.
        let latest = try await storage.latestTime(now: now.unixSeconds + Interval.seconds)
        let handedOver = given == nil ? try await storage.scanTimes() : givenScans
        let claims = try await nearKeys(matched, storage, matcher.matcher)
        return ExposureReport(
            asOf: now.unixSeconds,
            encounters: matcher.matcher.encounters.count { !EncounterLog.isAhead($0.time, of: latest) },
            keys: matched.reduce(0) { $0 + $1.keys },
            met: MetKey.met(by: claims, configuration),
            phone: PhoneScans(handedOver + matcher.matcher.encounters.map(\.time)),
            former: try await storage.report(),
            freshness: try await storage.freshness(),
            lost: matcher.lost,
            utcOffset: utcOffset,
            configuration: configuration
        )
    }

    /// What regions say of keys that were near and are current: each region for itself, with what the region says that has
    /// taken it over. Ascending by region.
    private func nearKeys(
        _ matched: [MatchedBatch],
        _ storage: any DeviceStorage,
        _ matcher: KeyMatcher
    ) async throws -> [KeyClaim] {
        let roster = try await storage.roster().map { try Roster(verified: $0.bytes[...]) }
        var states: [NearKeys] = []
        var rest = matched[...]
        while let region = rest.first?.feed.region {
            let own = rest.prefix { $0.feed.region == region }
            rest = rest.dropFirst(own.count)
            states.append(NearKeys(region: region, own))
        }
        return states.flatMap { state in
            let successor = roster?.region(state.region)?.successor
            return state.claims(revisedBy: states.first { $0.region == successor }, matcher, at: now)
        }
    }

    // MARK: - Comparing

    /// Compares batches never compared with all sightings, others with those that have come since.
    private func catchUp(
        _ storage: any DeviceStorage,
        _ all: SerialMatcher,
        from horizon: Interval
    ) async throws {
        var newer: [SerialMatcher] = []
        var due: [(MatchState, SerialMatcher)] = []
        for state in try await storage.matchStates() {
            guard let seen = state.seen else {
                due.append((state, all))
                continue
            }
            if seen >= all.serial { continue }
            if !newer.contains(where: { $0.after == seen }) {
                newer.append(try await SerialMatcher(storage, after: seen, from: horizon))
            }
            guard let matcher = newer.first(where: { $0.after == seen }), let first = matcher.first,
                state.mayHold(seenAt: first, tolerance: ExposureMatching.tolerance)
            else { continue }
            due.append((state, matcher))
        }
        try await compare(due, storage)
    }

    /// - Returns: what comparing gave, ascending by feed and number.
    @discardableResult
    private func compare(
        _ due: [(MatchState, SerialMatcher)],
        _ storage: any DeviceStorage,
        keeping: Bool = true
    ) async throws -> [MatchedBatch] {
        try await withThrowingTaskGroup(of: MatchedBatch?.self) { group in
            var results: [MatchedBatch] = []
            for (running, (state, matcher)) in due.enumerated() {
                if running >= tasks, let done = try await group.next() ?? nil { results.append(done) }
                group.addTask {
                    guard let batch = try await storage.batch(state.number, of: state.feed) else { return nil }
                    let matched = try matcher.matched(batch)
                    if keeping { try await storage.hold(matched) }
                    return matched
                }
            }
            for try await done in group { if let done { results.append(done) } }
            return results.sorted { ($0.feed, $0.number) < ($1.feed, $1.number) }
        }
    }
}

/// A matcher over the sightings of a store, or those that came after a point.
struct SerialMatcher: Sendable {
    let matcher: KeyMatcher
    /// Serial of the last sighting before them; nil for all.
    let after: Int64?
    /// Serial of the last one.
    let serial: Int64
    /// Sightings that the log had no room for.
    let lost: Int

    /// - Parameter horizon: sightings from before it are left out.
    init(_ storage: any DeviceStorage, after: Int64?, from horizon: Interval) async throws {
        // In this order: what comes in between is compared twice, not never.
        serial = try await storage.encounterSerial()
        self.after = after
        let encounters: [Encounter]
        if let after {
            (encounters, lost) = (try await storage.encounters(after: after), 0)
        } else {
            let log = try await storage.encounterLog()
            (encounters, lost) = (log.encounters, log.lost)
        }
        matcher = KeyMatcher(encounters, tolerance: ExposureMatching.tolerance, from: horizon)
    }

    /// Over sightings that no store keeps.
    init(_ encounters: [Encounter], from horizon: Interval) {
        (serial, after, lost) = (0, nil, 0)
        matcher = KeyMatcher(encounters, tolerance: ExposureMatching.tolerance, from: horizon)
    }

    /// When the first one was made.
    var first: Interval? { matcher.encounters.map(\.interval).min() }

    /// - Throws: `SyncError` with code `.badFeed` if the batch does not decode.
    func matched(_ batch: HeldBatch) throws -> MatchedBatch {
        do throws(FormatError) {
            return try matched(try Batch(batch.bytes), of: batch.feed)
        } catch {
            throw SyncError.damaged(batch, error)
        }
    }

    /// - Throws: if its keys cannot be read.
    func matched(_ batch: Batch, of feed: FeedID) throws(FormatError) -> MatchedBatch {
        let keys = try batch.keys()
        let bluezone = try batch.bluezoneKeys()
        return MatchedBatch(
            feed: feed,
            number: batch.number,
            publication: batch.publication,
            keys: keys.count + bluezone.count,
            seen: serial,
            near: matcher.matches(of: keys, reach: .otherForms).matches.map { keys[$0.position] },
            nearBluezone: matcher.matches(of: bluezone).matches.map { bluezone[$0.position] }
        )
    }
}
