package import ExposureKeys
package import FeedFormat
package import FeedStore
internal import Replication
internal import Synchronization

/// Publishes this region's keys: picks what is new, encodes, signs, and stores batches durably before anyone hears of
/// them. Used on the store's thread only; the lock is for the proof, it never waits.
///
/// Every start that publishes begins a new epoch, with its first batch, and so does the first publication after anything
/// that lets this process be one of two copies: docs/ARCHITECTURE.md, "Epochs".
package final class RegionPublisher: Sendable {
    private struct State {
        /// Everything that the region, and those that it has taken over, have published and that is still held.
        var record = PublicationRecord()
        /// The regions that it has taken over.
        var predecessors: Set<Region> = []
        /// Whether `keys` may lack something, since a rebuild is due or did not come to its end.
        var isRebuildDue = false
        var writer: FeedWriter?
        /// The clock's lead when the epoch began.
        var lead: Int64 = 0
    }

    /// A jump of the system's clock by more than this is that of a resumed image of the machine, not of a clock set
    /// right: other copies of this process may sign in the same epoch.
    private static let clockJump: Int64 = 60_000

    private let region: Region
    private let signer: NoteSigner
    private let clock: NodeClock
    private let state = Mutex(State())
    /// Reports in the merged state, for those who must not wait for a publication.
    private let counted = Atomic(0)
    private let met = Mutex(Met())
    /// When this process began, by the node's clock.
    private let start: Interval

    /// What is known of this region's epochs from others, under a lock of its own: replication never waits for a
    /// publication.
    private struct Met {
        /// Batches that the region is proven to have signed in the epoch that is open here.
        var open: (feed: FeedID, count: UInt64)?
        /// Epochs that this process began.
        var begun: Set<FeedID> = []
        /// Whether the store holds all that this node has published: nothing of it comes back from others.
        var isStoreIntact = false
    }

    package init(region: Region, signer: NoteSigner, clock: NodeClock) {
        self.region = region
        self.signer = signer
        self.clock = clock
        start = clock.now.interval
    }

    /// Learns which regions this one has taken over: what they published is not published again, and can be revised.
    /// - Returns: false if nothing has changed; else `rebuild` must follow, and true comes again until it has succeeded.
    package func takeOver(_ regions: [Region]) -> Bool {
        state.withLock { state in
            if state.predecessors != Set(regions) {
                state.predecessors = Set(regions)
                state.isRebuildDue = true
            }
            return state.isRebuildDue
        }
    }

    /// Rebuilds the merged state from the batches on disk, and begins another epoch if some of the one that is open are
    /// not there any more. Damaged batches join when they have come again.
    package func rebuild(from storage: any FeedStorage, feeds: [StoredFeed]) throws {
        try change { try rebuild(&$0, from: storage, feeds: feeds) }
    }

    private func rebuild(_ state: inout State, from storage: any FeedStorage, feeds: [StoredFeed]) throws {
        let known = try [BatchesAhead].kept(in: storage, of: region)
        state.record = PublicationRecord(ahead: known)
        state.isRebuildDue = true
        let held = state.writer.flatMap { writer in feeds.first { $0.feed == writer.feed } }
        if held?.count != state.writer?.frontier.size { state.writer = nil }
        for feed in feeds where isOwn(feed.feed.region, state) {
            for number in feed.first..<feed.count {
                do throws(StoreError) {
                    if let batch = try storage.batch(feed.feed, number) { take([batch], &state) }
                } catch {
                    guard error.code == .damaged else { throw error }
                }
            }
        }
        if state.record.ahead != known { try state.record.ahead.keep(in: storage) }
        state.isRebuildDue = false
    }

    /// Takes in what own batches say. Those that are dated ahead of the clock, or once were, wait for their time.
    private func take(_ batches: [ProvenBatch], _ state: inout State) {
        let now = clock.now.interval
        for batch in batches where state.record.take(batch, of: region, at: now) {
            if state.writer?.feed == batch.feed { state.writer = nil }
        }
    }

    /// Learns that batches of a feed up to `count` are proven, before they are stored: from now on nothing is signed at
    /// their places.
    package func meet(_ feed: FeedID, count: UInt64) {
        met.withLock { met in
            guard let open = met.open, open.feed == feed else { return }
            met.open = (feed, max(open.count, count))
        }
    }

    private static let storeSince = "in use since"
    /// Seconds after which a new store counts as intact: by then a lost one has been filled again by neighbours.
    private static let refill: Int64 = 86_400

    /// Learns how long the store has been in use, and notes it in one that is new.
    package func inspect(_ storage: any FeedStorage) throws(StoreError) {
        guard let bytes = try storage.setting(RegionPublisher.storeSince), bytes.count == 8 else {
            let now = UInt64(bitPattern: clock.seconds)
            // If it cannot be kept, less is told later.
            try? storage.setSetting(
                RegionPublisher.storeSince,
                (0..<8).map { UInt8(truncatingIfNeeded: now >> UInt64(56 - 8 * $0)) }
            )
            return
        }
        let since = Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
        let isIntact = since <= clock.seconds - RegionPublisher.refill
        met.withLock { $0.isStoreIntact = isIntact }
    }

    /// Whether a feed that has grown shows that somebody else signs with this region's key: this process has not begun
    /// it. While a store that is new is filled again, only publications from after the start show that. False under a
    /// clock that was set, which says nothing of before and after.
    package func isForeign(_ feed: FeedID, lastPublication: Interval) -> Bool {
        guard feed.region == region, !clock.isSet else { return false }
        return met.withLock { met in
            !met.begun.contains(feed) && (met.isStoreIntact || lastPublication > start)
        }
    }

    /// Takes in own batches that came back from peers (after a lost disk); others are passed over.
    package func join(_ batches: [ProvenBatch]) {
        change { state in take(batches.filter { isOwn($0.feed.region, state) }, &state) }
    }

    private func isOwn(_ other: Region, _ state: State) -> Bool {
        other == region || state.predecessors.contains(other)
    }

    /// What came of one publication.
    package struct Publication: Sendable {
        package let batches: [ProvenBatch]
        /// What became of the keys that were given.
        package let selection: ImportSelection
        /// Unix seconds.
        package let time: Int64
    }

    /// Publishes what is new in `keys`, in one transaction, and keeps what must wait. Nothing new publishes nothing.
    /// - Parameters:
    ///   - held: where keys wait that cannot be published yet; they are durable before anything is published.
    ///   - restating: publishes also what this region has said before and since replaced.
    /// - Throws: `StoreError` or `FormatError`; nothing is published then.
    package func publish(
        _ keys: [DiagnosisKey],
        restating: Bool = false,
        storage: any FeedStorage,
        held: HeldKeyStore,
        living: [FeedID]
    ) throws -> Publication {
        try change { state in
            let now = try moment(&state, storage)
            let selection = state.record.ledger.selection(of: keys, at: now.interval, restating: restating)
            try held.hold(selection.held)
            let batches = try write(selection.news, at: now, &state, storage, living: living)
            return Publication(batches: batches, selection: selection, time: now.milliseconds / 1000)
        }
    }

    /// Publishes what has come due: keys that waited for the end of their use, corrections that waited for the next
    /// interval, and what stands again wherever batches from a clock that was ahead begin to count.
    /// - Returns: nil if nothing was due.
    /// - Throws: `StoreError` or `FormatError`; what was due stays so.
    package func publishDue(storage: any FeedStorage, held: HeldKeyStore, living: [FeedID]) throws -> Publication? {
        try change { state in
            let now = try moment(&state, storage)
            let waiting = try held.due(at: now.interval, limit: FormatLimits.keysPerBatch)
            let due = state.record.due(waiting, at: now.interval)
            let hasTimeCome = state.record.hasTimeCome(at: now.interval)
            if waiting.isEmpty && due.answers.isEmpty && !hasTimeCome { return nil }
            let batches = try write(due.news, at: now, &state, storage, living: living)
            try held.release(waiting, holding: due.selection.held)
            if state.record.timeHasCome(at: now.interval) { try state.record.ahead.keep(in: storage) }
            return Publication(batches: batches, selection: due.selection, time: now.milliseconds / 1000)
        }
    }

    /// Now, by the node's clock. If that has been set back behind what counted as published, or what counts could not be
    /// read to its end, it is read anew.
    private func moment(_ state: inout State, _ storage: any FeedStorage) throws -> Timestamp {
        let now = clock.now
        if state.isRebuildDue || state.record.isAhead(of: now.interval) {
            try rebuild(&state, from: storage, feeds: storage.feeds())
        }
        return now
    }

    /// Encodes, signs and stores; counts as published what is durable.
    private func write(
        _ news: [DiagnosisKey],
        at now: Timestamp,
        _ state: inout State,
        _ storage: any FeedStorage,
        living: [FeedID]
    ) throws -> [ProvenBatch] {
        if news.isEmpty { return [] }
        let lead = clock.lead
        if !mayGoOn(state, lead: lead, storage: storage) { state.writer = nil }
        if state.writer == nil { state.lead = lead }
        var writer = state.writer ?? begin(living: living, now: now)
        let written = try writer.publish(news, publication: now.interval, time: now.milliseconds / 1000)
        let batches = written.map { ProvenBatch($0, feed: writer.feed) }
        do throws(StoreError) {
            try storage.append(batches)
        } catch {
            // Unless it is sure that nothing was kept, these sizes must never be signed a second time.
            if error.code != .full { state.writer = nil }
            throw error
        }
        state.writer = writer
        state.record.published(news, at: now.interval)
        return batches
    }

    /// Own batches that others withhold, since they are dated more than two hours ahead of this node's clock.
    package var batchesAhead: [BatchesAhead] {
        let now = clock.now.interval
        return state.withLock { $0.record.ahead.filter { PublicationLedger.isAhead($0.latest, of: now) } }
    }

    /// Whether the epoch that is open may be signed in: the clock has not jumped, and nobody has met more of it than was
    /// written here, in the store or on the way there.
    private func mayGoOn(_ state: State, lead: Int64, storage: any FeedStorage) -> Bool {
        guard let writer = state.writer else { return false }
        guard abs(lead - state.lead) <= RegionPublisher.clockJump else { return false }
        let known = met.withLock { $0.open.flatMap { $0.feed == writer.feed ? $0.count : nil } ?? 0 }
        guard known <= writer.frontier.size else { return false }
        return (try? storage.batch(writer.feed, writer.frontier.size)) == nil
    }

    /// Drops keys that ended at or before `limit` from the merged state: none of them can be published again.
    func forget(endedAtOrBefore limit: Interval) {
        change { $0.record.forget(endedAtOrBefore: limit) }
    }

    /// Does something to the state that may change how many keys there are.
    private func change<Result: Sendable>(_ body: (inout State) throws -> Result) rethrows -> Result {
        try state.withLock { state in
            defer { counted.store(state.record.ledger.standing.count, ordering: .relaxed) }
            return try body(&state)
        }
    }

    /// Keys in the merged state.
    package var keyCount: Int { counted.load(ordering: .relaxed) }

    private func begin(living: [FeedID], now: Timestamp) -> FeedWriter {
        let epoch = Epoch(startUnixSeconds: now.milliseconds / 1000, random: UInt32.random(in: .min ... .max))
        let feed = FeedID(region: region, epoch: epoch)
        met.withLock { met in
            met.open = (feed, 0)
            met.begun.insert(feed)
        }
        return FeedWriter(
            beginning: feed,
            predecessors: living.filter { $0.region == region }.map(\.epoch),
            signer: signer
        )
    }
}
