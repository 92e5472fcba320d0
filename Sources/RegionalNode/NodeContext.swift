internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import HTTP2
internal import Logging
internal import Replication
internal import Synchronization

/// What the parts of a node share.
final class NodeContext: Sendable {
    let region: Region
    let rosters: RosterHolder
    /// The one in force.
    var roster: Roster { rosters.current }
    let clock: NodeClock
    let queue: StoreQueue
    /// Keys that wait for their time; used on the store's thread only.
    let heldKeys: HeldKeyStore
    let served: ServedFeeds
    let heldIndexes = HeldIndexes()
    let forks = KnownForks()
    /// What neighbours' clocks say about this node's; nil until replication is there.
    private let clockStanding = Mutex<ClockStanding?>(nil)
    /// The newest index whenever one was signed that nobody has taken yet, for replication.
    let signedIndexes: AsyncStream<ServedIndex>
    private let signedIndexesEnd: AsyncStream<ServedIndex>.Continuation
    let publisher: RegionPublisher
    let health: NodeHealth
    let alarms: AlarmDesk
    let peerLog: PeerLog
    let care: StoreCare
    let wire: WireCounters
    /// What connections, links and imports may hold together.
    let memory: SharedMemory
    let metrics = NodeMetrics()
    let logger: Logger
    private let indexMaker: IndexMaker
    private let verifier: NoteVerifier
    private let arrivals = Mutex<[Arrival]>([])
    private let started: Timestamp
    /// Until when imports wait for neighbours' clocks; nil before the first one.
    private let clockWaitEnd = Mutex<Timestamp?>(nil)
    private let indexState = Mutex(IndexState())
    /// Regions of which something was cut off, while routes or merged state may still have it: see `review`.
    let owedReviews = Mutex<Set<Region>>([])

    private struct IndexState {
        /// A refresh waits in the queue and will see whatever has changed until it runs.
        var isAwaited = false
        /// Unix seconds of the newest index.
        var time: Int64 = .min
        /// That of the feeds which it lists.
        var version: UInt64 = .max
    }

    /// When a feed reached a size here, by the system's clock.
    struct Arrival: Sendable {
        let feed: FeedID
        let count: UInt64
        let milliseconds: Int64
    }

    /// Arrivals kept for status.
    private static let arrivalsKept = 1024

    init(
        region: Region,
        rosters: RosterHolder,
        clock: NodeClock,
        queue: StoreQueue,
        heldKeys: HeldKeyStore,
        served: ServedFeeds,
        publisher: RegionPublisher,
        signer: NoteSigner,
        memory: SharedMemory,
        logger: Logger
    ) {
        self.memory = memory
        self.region = region
        self.rosters = rosters
        self.verifier = signer.verifier
        self.clock = clock
        started = clock.now
        self.queue = queue
        self.heldKeys = heldKeys
        self.served = served
        self.publisher = publisher
        self.logger = logger
        (signedIndexes, signedIndexesEnd) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        health = NodeHealth()
        let metrics = metrics
        alarms = AlarmDesk(health: health, clock: clock, logger: logger) { metrics.alarmRaised() }
        let desk = alarms
        peerLog = PeerLog(logger: logger, monotonic: { NodeClock.monotonic }) { line, peer in
            let name = peer.map { "\($0)" } ?? "somebody unknown"
            desk.raise(
                .manyLines,
                "\(name) causes more than \(line.perMinute) lines '\(line.rawValue)' of this node's log in a minute, and further "
                    + "ones are passed over; call its operator",
                about: peer?.code ?? ""
            )
        }
        care = StoreCare(served: served, roster: { rosters.current }, health: health, alarms: alarms, logger: logger)
        wire = WireCounters()
        indexMaker = IndexMaker(region: region, signer: signer)
    }

    /// Publishes what is new in `keys`, on the store's thread.
    /// - Throws: `NodeError` if this node must not publish now, `StoreError`, `FormatError`.
    func publish(
        _ keys: [DiagnosisKey],
        _ options: ImportOptions,
        storage: any FeedStorage
    ) throws -> RegionPublisher.Publication {
        if let obstacle = publicationObstacle(trustingClock: options.trustsClock) {
            throw NodeError(.importRefused, obstacle)
        }
        let living = livingEpochs
        let publication = try publisher.publish(
            keys,
            restating: options.restates,
            storage: storage,
            held: heldKeys,
            living: living
        )
        announce(publication, living: living)
        return publication
    }

    /// How an import's clock is judged, in the words of `ImportReport.clock`. An operator who overrules it is logged.
    func judgeClock(_ options: ImportOptions) -> String {
        switch clockVerdict {
        case .differs(let seconds) where options.trustsClock:
            logger.warning(
                "an import is published although clocks differ, as its operator asked",
                metadata: ["seconds ahead": "\(seconds)"]
            )
            return "trusted"
        case .agrees, .differs: return "compared"
        case .unknown, .alone: return "notCompared"
        }
    }

    /// Publishes what has come due since it was taken, on the store's thread; nothing while this node must not publish.
    /// - Throws: `StoreError`, `FormatError`.
    func publishDue(_ storage: any FeedStorage) throws -> RegionPublisher.Publication? {
        guard publicationObstacle(trustingClock: false) == nil else { return nil }
        let living = livingEpochs
        guard let publication = try publisher.publishDue(storage: storage, held: heldKeys, living: living) else {
            return nil
        }
        announce(publication, living: living)
        return publication
    }

    /// Keys that wait for their time to be published.
    var heldKeyCount: Int { heldKeys.count }

    private var livingEpochs: [FeedID] {
        served.all.filter { $0.feed.region == region && $0.isLiving }.map(\.feed)
    }

    /// Why nothing may be published now, and what to do about it.
    private func publicationObstacle(trustingClock isTrusted: Bool) -> String? {
        RosterStanding.obstacle(to: region, signingWith: verifier, in: rosters.current, now: clock.seconds)
            ?? forkObstacle ?? (isTrusted ? nil : clockObstacle)
    }

    private var clockObstacle: String? {
        guard case .differs(let seconds) = clockVerdict else { return nil }
        return """
            this node's clock is \(seconds.magnitude) s \(seconds < 0 ? "behind" : "ahead of") the clocks of most \
            neighbours, and keys published under a wrong clock are withheld or dropped by others; nothing of this import \
            was kept: set the clock and import again, or give --trust-clock if this clock is right
            """
    }

    /// - Parameter living: this region's living epochs before.
    private func announce(_ publication: RegionPublisher.Publication, living: [FeedID]) {
        showBatchesAhead()
        guard let feed = publication.batches.first?.feed else { return }
        metrics.published(keys: publication.selection.news.count, batches: publication.batches.count)
        served.append(publication.batches, base: nil)
        // Before anyone is told, so that what is acknowledged is listed.
        signIndex()
        care.worked()
        if !living.contains(feed) { holdManyEpochs() }
    }

    /// Holds or ends the alarm that own batches are dated ahead of this node's clock.
    func showBatchesAhead() {
        let ahead = publisher.batchesAhead
        let text = ahead.map(\.latest).max().map { latest in
            """
            \(ahead.count == 1 ? "an epoch" : "\(ahead.count) epochs") of \(region) \(ahead.count == 1 ? "has" : "have") \
            batches dated up to \(UTCText.moment(latest.unixSeconds)), more than two hours ahead of this node's clock, as a \
            clock that was wrong leaves them: other nodes withhold them until then, and none of their keys count as \
            published. Check this node's clock, then import their archives again
            """
        }
        alarms.set(.batchesAhead, text)
    }

    /// Living epochs of this region from which on its operator is warned: time to find out why it restarts so often.
    private static let manyEpochs = FormatLimits.epochsPerRegion * 3 / 4

    /// Says how near this region is to the limit of living epochs, as long as it is near.
    func holdManyEpochs() {
        let count = served.all.count { $0.feed.region == region && $0.isLiving }
        let limit = FormatLimits.epochsPerRegion
        if count > limit {
            alarms.hold(
                .manyEpochs,
                "\(region) has more than \(limit) living epochs, which start when this node does and publishes, or when a "
                    + "thief of its key does; others take what this node publishes now only when the oldest have ended: "
                    + "close the key if it is stolen, see OPERATIONS.md, \"A stolen key\""
            )
        } else if count >= NodeContext.manyEpochs {
            alarms.hold(
                .manyEpochs,
                "\(region) has \(NodeContext.manyEpochs) living epochs or more, of \(limit) at most: each start that "
                    + "publishes begins one, which lives for 15 days. Find out why this node is restarted so often; if it is not, its key is stolen: see "
                    + "OPERATIONS.md, \"A stolen key\""
            )
        } else {
            alarms.end(.manyEpochs)
        }
    }

    /// Drops batches 15 days after their publication from store and routes, on the store's thread; nothing while this
    /// node's clock is in doubt.
    func dropExpired(_ storage: any FeedStorage, report: (ReplicaEvent) -> Void) throws {
        guard mayDrop else { return }
        let limit = clock.now.interval.advanced(by: -Expiry.batchLifetime)
        guard try storage.drop(publishedAtOrBefore: limit) > 0 else { return }
        let feeds = try storage.feeds()
        served.replace(with: feeds)
        publisher.forget(endedAtOrBefore: limit)
        for feed in feeds { report(.dropped(feed.feed, first: feed.first, bytes: feed.bytes)) }
        refreshIndex()
    }

    /// What neighbours' clocks say about this node's.
    enum ClockVerdict {
        /// They agree to within ten minutes.
        case agrees
        /// It is ahead of the median by so many seconds, behind if negative.
        case differs(seconds: Int64)
        /// Fewer than two neighbours have told the time yet.
        case unknown
        /// The roster lists fewer than two others: nobody can ever say.
        case alone
    }

    var clockVerdict: ClockVerdict {
        guard let standing = clockStanding.withLock({ $0 }) else { return .unknown }
        if standing.isDoubtful(at: clock.now) {
            return .differs(seconds: (standing.difference(at: clock.now) ?? 0) / 1000)
        }
        if standing.difference(at: clock.now) != nil { return .agrees }
        return standing.isAlone ? .alone : .unknown
    }

    /// Waits until two neighbours have told the time, if this node has been running for less than a minute and nobody
    /// has: ten seconds from the first import on, however many follow.
    func waitForClocks() async {
        let end = clockWaitEnd.withLock { end in
            let wanted = end ?? clock.now.advanced(byMilliseconds: 10_000)
            end = wanted
            return wanted
        }
        while case .unknown = clockVerdict, clock.now.duration(since: started) < 60_000, clock.now < end {
            guard (try? await Task.sleep(for: .milliseconds(100))) != nil else { return }
        }
    }

    func compareClocks(_ standing: ClockStanding) { clockStanding.withLock { $0 = standing } }

    /// Whether neighbours' clocks agree with this node's, or nobody can say.
    var mayDrop: Bool { clockStanding.withLock { $0 }?.mayDrop(at: clock.now) ?? false }

    /// Seconds by which this node's clock is ahead of its neighbours'; nil if that is not known.
    var clockDifference: Int64? {
        clockStanding.withLock { $0 }?.difference(at: clock.now).map { $0 / 1000 }
    }

    /// A feed has grown and is durable: it enters the index.
    func becameVisible(_ feed: FeedID, count: UInt64) {
        let arrival = Arrival(feed: feed, count: count, milliseconds: NodeClock.system)
        arrivals.withLock { arrivals in
            if arrivals.count == NodeContext.arrivalsKept { arrivals.removeFirst() }
            arrivals.append(arrival)
        }
        peerLog.write(.feedGrew, of: feed.region, ["feed": "\(feed)", "batches": "\(count)"])
        // What stands under a closed key comes back from others where too much was cut off.
        let isStanding = roster.region(feed.region)?.standing(of: feed.epoch) != nil
        if !isStanding, let served = served.feed(feed),
            publisher.isForeign(feed, lastPublication: served.lastPublication)
        {
            alarms.raise(
                .publishesElsewhere,
                "\(region) publishes elsewhere, too: another process signs in epoch \(feed.epoch) with its key. Is a copy of "
                    + "this node running, or was an old image of its disk restored? If neither, the key is stolen: see OPERATIONS.md, \"A stolen key\"",
                about: "\(feed.epoch)"
            )
        }
        if indexState.withLock({ $0.version != served.version }) { refreshIndex() }
    }

    /// Signs the index anew, on the store's thread. Many changes at once make one new index.
    func refreshIndex() {
        let isAwaited = indexState.withLock { state in
            defer { state.isAwaited = true }
            return state.isAwaited
        }
        if isAwaited { return }
        queue.submit { _ in
            self.indexState.withLock { $0.isAwaited = false }
            self.signIndex()
        }
    }

    /// Called on the store's thread.
    private func signIndex() {
        let version = served.version
        // Index times never decrease, though the system's clock may.
        let time = indexState.withLock { state in
            state.time = max(state.time, clock.seconds)
            state.version = version
            return state.time
        }
        do {
            // Nobody could verify feeds of a region that the roster has left out.
            let roster = rosters.current
            let listed = served.all.filter { roster.region($0.feed.region) != nil }
            let index = try indexMaker.index(of: listed, time: time)
            served.setIndex(index)
            // Others would refuse it from a node that has not yet been given its region's next key.
            if roster.counts(verifier, of: region, at: time) { signedIndexesEnd.yield(index) }
            alarms.end(.indexNotSigned)
        } catch {
            alarms.raise(.indexNotSigned, "the index could not be signed: \(error)")
        }
    }

    /// Signs the index anew if it is older than `age` seconds.
    func refreshIndex(olderThan age: Int64) {
        if indexState.withLock({ clock.seconds - $0.time >= age }) { refreshIndex() }
    }

    var recentArrivals: [Arrival] { arrivals.withLock { $0 } }
}

/// Transport bytes on the connections that this node opened to others, both directions.
final class WireCounters: Sendable {
    private let bytes = Mutex((received: 0, sent: 0))

    func add(received: Int, sent: Int) {
        bytes.withLock {
            $0.received += received
            $0.sent += sent
        }
    }

    var totals: (received: Int, sent: Int) { bytes.withLock { $0 } }
}
