internal import ExposureKeys
internal import FeedFormat

/// One sync of a phone with one node: roster, index, once an hour the indexes of witnesses, then every feed that is
/// followed. Transport, store and time are passed in; nothing here opens a socket, a file or reads a clock.
///
/// Safe to cancel or kill at any moment: each step of a feed is one transaction of the store, and the next sync, with
/// this node or another, goes on from there.
public struct SyncSession: Sendable {
    let transport: any SyncTransport
    let storage: any DeviceStorage
    let options: SyncOptions
    let others: @Sendable (String) -> (any SyncTransport)?

    /// - Parameter others: a way to another node by its base URL in the roster, nil if there is none. Asked for where a
    ///   witness claims what the node does not show, a few times in a sync at most.
    public init(
        transport: any SyncTransport,
        storage: any DeviceStorage,
        options: SyncOptions,
        others: @escaping @Sendable (String) -> (any SyncTransport)? = { _ in nil }
    ) {
        self.transport = transport
        self.storage = storage
        self.options = options
        self.others = others
    }

    /// - Parameters:
    ///   - now: unix seconds.
    ///   - progress: called with growing counts, from any thread, often; must not block.
    /// - Returns: what was done; problems of single feeds are in it.
    /// - Throws: `SyncError` if roster or index are not to be had or the index is a replay, whatever the store throws,
    ///   `CancellationError`.
    public func run(
        now: Int64,
        progress: @escaping @Sendable (SyncProgress) -> Void = { _ in }
    ) async throws -> SyncReport {
        let former = try await storage.freshness()
        var report: SyncReport
        do {
            report = try await attempt(now: now, progress: progress)
        } catch let error as SyncError where error.code == .replayed {
            var record = former
            record.trust = .disproved
            if record != former { try await storage.hold(record) }
            throw error
        }
        if let signed = report.indexTime { report.judge(signed: signed, now: now, slot: options.limits.slot) }
        report.freshness = former.after(report, now: now)
        if report.freshness != former { try await storage.hold(report.freshness) }
        return report
    }

    private func attempt(
        now: Int64,
        progress: @escaping @Sendable (SyncProgress) -> Void
    ) async throws -> SyncReport {
        let ledger = SyncLedger(limits: options.limits, report: progress)
        let fetcher = SyncFetcher(transport: transport, ledger: ledger)
        let rosters = RosterSync(options: options, now: now, fetcher: fetcher, storage: storage)
        let indexes = IndexSync(options: options, fetcher: fetcher, storage: storage)
        var held = try await RosterInUse(rosters)
        var witnesses = try await WitnessSync(options: options, fetcher: fetcher, storage: storage, now: now)
        var report = SyncReport(node: transport.node, rosterVersion: held.roster.version)
        switch try await indexes.fetch(anew: held.isUnsettled || witnesses?.isDue == true) {
        case .notModified(let mark):
            report.notModified = true
            report.indexSigner = mark.signer
            report.indexTime = mark.time
            try await storage.dropExpired(now: Interval(unixSeconds: min(now, mark.time)))
            if let witnesses {
                report.witnesses = standing(by: witnesses, roster: held.roster, node: mark.signer, time: mark.time)
            }
        case .index(let body):
            var read = try await readIndex(body, with: indexes, roster: &held)
            try await witnesses?.checkTime(of: read.index)
            if var asking = witnesses, asking.isDue {
                try await gather(with: indexes, roster: &held, read: &read, for: &asking)
                witnesses = asking
            }
            let expiryNow = Interval(unixSeconds: min(now, read.index.time))
            if try await lacks(read.entries, now: expiryNow) { try await held.renew() }
            report.indexSigner = read.index.node
            report.indexTime = read.index.time
            let context = FeedSync.Context(
                fetcher: fetcher,
                storage: storage,
                limits: options.limits,
                now: now,
                expiryNow: expiryNow,
                index: read.index.bytes,
                matcher: options.matches
                    ? try await SerialMatcher(storage, after: nil, from: ExposureMatching.horizon(at: expiryNow)) : nil,
                interest: interest(of: witnesses, roster: held.roster)
            )
            try await follow(read.entries, roster: &held, context: context, report: &report)
            if var hearing = witnesses {
                report.witnesses = try await judge(
                    read,
                    by: &hearing,
                    roster: &held,
                    context: context,
                    feeds: report.feeds
                )
            }
            report.stillWithholds = try await withholds(read.entries, roster: held.roster, now: now)
            report.rosterVersion = held.roster.version
            try await storage.dropExpired(now: expiryNow)
            try await remember(read.index, etag: read.body.etag, report: report)
        }
        if let problem = held.problem { report.problems.append(problem) }
        let spent = await ledger.progress
        report.requests = spent.requests
        report.bytes = spent.bytes
        return report
    }

    /// Reads the index under the roster held, or under a newer one if the node or a region is not in it.
    func readIndex(
        _ body: HeldIndex,
        with indexes: IndexSync,
        roster held: inout RosterInUse
    ) async throws -> ReadIndex {
        do {
            let read = try await indexes.read(body, roster: held.roster)
            let listed = held.roster
            if !read.entries.allSatisfy({ listed.region($0.feed.region) != nil }) { try await held.renew() }
            return read
        } catch let error as FormatError where error.code == .missingSignature {
            try await held.renew()
            let roster = held.roster
            return try await reportingFormat { try await indexes.read(body, roster: roster) }
        } catch let error as FormatError {
            return try await reportingFormat { throw error }
        }
    }

    /// Whether the node has less of a living feed than this phone: it lags, or a roster that it has ends the feed.
    private func lacks(_ listed: [IndexEntry], now: Interval) async throws -> Bool {
        var rest = listed[...]
        for cursor in try await storage.cursors() where options.follows(cursor.feed.region) {
            if Expiry.isDropped(publishedAt: cursor.lastPublication, now: now) { continue }
            rest = rest.drop { $0.feed < cursor.feed }
            guard let entry = rest.first, entry.feed == cursor.feed, entry.count >= cursor.size else { return true }
        }
        return false
    }

    /// Whether the node lacks what less than a day ago it was proven to withhold: witnesses are asked once an hour only.
    private func withholds(_ listed: [IndexEntry], roster: Roster, now: Int64) async throws -> Bool {
        try await storage.evidence().contains { evidence in
            let (age, overflows) = now.subtractingReportingOverflow(evidence.found)
            guard evidence.kind == .withheld, evidence.node == transport.node, !overflows,
                (0..<WitnessHearing.doubt).contains(age), options.follows(evidence.feed.region),
                roster.region(evidence.feed.region)?.closures.isEmpty == true
            else { return false }
            return listed.first { $0.feed == evidence.feed }.map { $0.count < evidence.size } ?? true
        }
    }

    private func reportingFormat<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as FormatError {
            throw SyncError(
                .badIndex,
                "the index of \(transport.node) does not verify: \(error.reason); sync with another node",
                cause: error
            )
        }
    }

    /// Follows the planned feeds; where the roster does not know a feed's key, again under a newer one.
    private func follow(
        _ listed: [IndexEntry],
        roster held: inout RosterInUse,
        context: FeedSync.Context,
        report: inout SyncReport
    ) async throws {
        let plan = FeedPlan(
            listed: listed,
            cursors: try await storage.cursors(),
            options: options,
            node: transport.node
        )
        report.problems += plan.problems
        await context.fetcher.ledger.began(feeds: plan.entries.count)
        report.feeds = try await follow(plan.entries, roster: held.roster, context: context)
        let former = held.roster
        guard report.feeds.contains(where: \.isOfUnknownKey), try await held.renew() else { return }
        let roster = held.roster
        let changed = plan.entries.filter { roster.region($0.feed.region) != former.region($0.feed.region) }
        await context.fetcher.ledger.began(feeds: plan.entries.count + changed.count)
        for again in try await follow(changed, roster: roster, context: context) {
            report.feeds = report.feeds.map { $0.feed == again.feed ? $0.followed(by: again) : $0 }
        }
    }

    /// Follows feeds, a few at a time.
    /// - Returns: what came of each, ascending.
    private func follow(
        _ entries: [IndexEntry],
        roster: Roster,
        context: FeedSync.Context
    ) async throws -> [FeedReport] {
        let cursors = try await storage.cursors()
        let forks = try await storage.evidence().filter { $0.kind == .fork && !$0.isSettled(by: roster) }
        var results: [FeedReport] = []
        try await withThrowingTaskGroup(of: FeedReport.self) { group in
            var running = 0
            for entry in entries {
                if running == max(1, options.limits.feedsInParallel), let done = try await group.next() {
                    results.append(done)
                    running -= 1
                }
                let cursor = FeedPlan.cursor(of: entry.feed, in: cursors)
                let fork = forks.first { $0.feed == entry.feed }
                let region = roster.region(entry.feed.region)
                group.addTask {
                    try await SyncSession.follow(entry, region: region, cursor: cursor, fork: fork, context: context)
                }
                running += 1
            }
            while let done = try await group.next() { results.append(done) }
        }
        return results.sorted { $0.feed < $1.feed }
    }

    private static func follow(
        _ entry: IndexEntry,
        region: RosterRegion?,
        cursor: FeedCursor?,
        fork: Evidence?,
        context: FeedSync.Context
    ) async throws -> FeedReport {
        var report = FeedReport(feed: entry.feed, size: cursor?.size ?? 0, nodeSize: entry.count)
        if let fork {
            report.problem = .contradiction(fork)
        } else if await context.fetcher.ledger.isGivenUp {
            report.problem = SyncError(
                .noAnswer,
                "feed \(entry.feed): not asked for, because \(context.node) no longer answers; sync again"
            )
        } else if let standing = region?.standing(of: entry.feed.epoch) {
            var feed = StandingFeedSync(entry, standing: standing, cursor: cursor, context: context)
            report = try await feed.run()
        } else if let region {
            var feed = FeedSync(entry, region: region, cursor: cursor, context: context)
            report = try await feed.run()
        } else {
            report.problem = SyncError(
                .unlistedRegion,
                "feed \(entry.feed): the roster lists no region \(entry.feed.region), so nothing of it can be verified"
            )
        }
        await context.fetcher.ledger.feedDone()
        return report
    }

    /// Keeps the ETag only where "not modified" will mean "nothing to do". Of a node that is proven to withhold not even a
    /// former one stays: "not modified" would be taken for news.
    private func remember(_ index: FeedIndex, etag: String?, report: SyncReport) async throws {
        if report.trust == .disproved { return try await storage.forgetIndexMark(of: transport.node) }
        guard report.holdsAll, let etag, etag.utf8.count <= 200 else { return }
        let mark = IndexMark(etag: etag, selection: options.selection, signer: index.node, time: index.time)
        try await storage.hold(mark, of: transport.node)
    }
}
