internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import HTTP2
internal import Logging
internal import NIOCore
internal import Replication

/// Runs the replica: takes its events in turn and carries out its effects on links, store, timer and fetches.
actor ReplicationDriver {
    private var replica: Replica
    private var random = SystemRandomNumberGenerator()
    private var links: [LinkID: OpenLink] = [:]
    private var lastLink: UInt64 = 0
    private var places = LinkPlaces(limit: ReplicationDriver.maxLinks)
    nonisolated let outboxBudget: OutboxBudget
    nonisolated var memory: SharedMemory { node.memory }
    private var wakeAt: Timestamp?
    private var wakeTask: Task<Void, Never>?
    private let node: NodeContext
    private let fetcher: PeerFetcher
    /// An answer may take milliseconds in which nothing else is done: each peer has one at a time before the replica, so
    /// that what others send comes in between.
    private let answers = WorkSlots(limit: 2 * ReplicationDriver.maxLinks, perPeer: 1)
    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let jobsContinuation: AsyncStream<@Sendable () async -> Void>.Continuation
    private let reports: AsyncStream<ReplicaEvent>
    private let reportsContinuation: AsyncStream<ReplicaEvent>.Continuation
    private var isStopped = false

    /// Who is told whether there is a link that a region opened: one dialer for each region.
    private var dialers: [Region: AsyncStream<DialTurn.Event>.Continuation] = [:]

    private struct OpenLink {
        let outbox: LinkOutbox
        let opened: ContinuousClock.Instant
        let isDialled: Bool
        /// The one that was dialled, or that the peer's certificate names, or, without certificates, its hello.
        var peer: Region?
        /// Whether any frame has come.
        var isHeard = false
    }

    /// Links open at once; far more than neighbours, few enough to bound what strangers can claim.
    private static let maxLinks = 128
    /// Bytes of one answer to a neighbour that asks over its link; one batch more may come.
    private static let pulledBytes = 4 << 20
    /// How long a link may stay without a frame once there are too many.
    private static let silence = Duration.seconds(10)

    init(replica: Replica, node: NodeContext, fetcher: PeerFetcher) {
        self.replica = replica
        self.node = node
        self.fetcher = fetcher
        outboxBudget = OutboxBudget(memory: node.memory)
        (jobs, jobsContinuation) = AsyncStream.makeStream()
        (reports, reportsContinuation) = AsyncStream.makeStream()
        node.compareClocks(replica.clockStanding)
    }

    /// Runs fetches and takes reports until cancelled, then ends all links. The number of fetches is bounded by the
    /// replica: one per feed.
    nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await event in self.reports { await self.handle(event) }
            }
            group.addTask {
                for await signed in self.node.signedIndexes {
                    let (index, settled) = (signed.index.bytes, Array(signed.settled.readableBytesView))
                    await self.handle(.indexSigned(index: index, settled: settled))
                }
            }
            group.addTask {
                for await roster in self.node.rosters.updates() { await self.handle(.rosterChanged(roster)) }
            }
            group.addTask {
                for await event in self.node.care.damage { await self.handle(event) }
            }
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
        await stop()
    }

    /// Tells the replica what has become of the store. Called on the store's thread, so that news of one feed come in
    /// the order in which they became durable, whoever caused them.
    nonisolated func report(_ event: ReplicaEvent) {
        reportsContinuation.yield(event)
    }

    /// Whether a frame may be read now that has come on a link.
    /// - Throws: if the link cannot go on.
    func admit(_ cost: FrameCost, on link: LinkID) throws(FormatError) -> FrameAdmission {
        guard links[link] != nil else { return .take }
        return try replica.admit(cost, from: link, now: node.clock.now)
    }

    func received(_ frame: LinkFrame, on link: LinkID) {
        let isFirst = links[link]?.isHeard == false
        links[link]?.isHeard = true
        if links[link]?.peer == nil, case .hello(let hello) = frame { links[link]?.peer = hello.region }
        handle(.received(link, frame))
        // Only now: what the replica closes at once is no reason to give up another link.
        if isFirst { tellDialer(of: links[link]?.peer) }
    }

    private func handle(_ event: ReplicaEvent) {
        guard !isStopped else { return }
        if case .rosterChanged(let roster) = event { takeOver(by: roster, node: node) }
        let effects = replica.handle(event, now: node.clock.now, random: &random)
        node.compareClocks(replica.clockStanding)
        for effect in effects { perform(effect) }
    }

    /// Takes a peer's answer to a fetch when it is its turn.
    private nonisolated func handle(_ answer: ReplicaEvent, of peer: Region) async {
        await answers.run(for: peer) { await self.handle(answer) }
    }

    /// Registers a new link.
    /// - Returns: nil if there are too many, or the node is stopping.
    func open(_ outbox: LinkOutbox, expected: Region?, isDialled: Bool) -> LinkID? {
        if places.isFull { closeSilentLinks() }
        guard !isStopped, !places.isFull || places.replaces(with: expected) else { return nil }
        lastLink += 1
        let link = LinkID(lastLink)
        for surplus in places.open(link, with: expected) { closed(surplus) }
        links[link] = OpenLink(outbox: outbox, opened: .now, isDialled: isDialled, peer: expected)
        handle(.linkOpened(link, expected: expected))
        return link
    }

    func closed(_ link: LinkID) {
        forget(link)
        handle(.linkClosed(link))
    }

    /// What came over a link is none of its frames, or there is no memory for it.
    func broken(_ link: LinkID, _ error: any Error) {
        node.peerLog.write(.linkClosed, of: links[link]?.peer, ["reason": "\(error)"], level: .warning)
        closed(link)
    }

    private func forget(_ link: LinkID) {
        places.close(link)
        guard let open = links.removeValue(forKey: link) else { return }
        open.outbox.close()
        tellDialer(of: open.peer)
    }

    private func closeSilentLinks() {
        let limit = ContinuousClock.now - ReplicationDriver.silence
        for link in links.filter({ !$0.value.isHeard && $0.value.opened < limit }).keys { closed(link) }
    }

    /// Makes room in the memory of all links: the peer that reads least pays for it.
    private func closeFullestLink() -> Bool {
        let fullest = links.map { (link: $0.key, bytes: $0.value.outbox.queuedBytes) }
            .max { ($0.bytes, $0.link) < ($1.bytes, $1.link) }
        guard let fullest, fullest.bytes > 0 else { return false }
        let reason: Logger.MetadataValue = "too much waits on all links, and most on this one"
        node.peerLog.write(.linkClosed, of: links[fullest.link]?.peer, ["reason": reason], level: .warning)
        closed(fullest.link)
        return true
    }

    /// Links, and what is missing here, for status.
    var status: (peers: [Region], lags: [(region: Region, batches: UInt64)]) { (replica.linkedPeers, replica.lags) }

    /// Frames of peers that were passed over because there were too many, since the start.
    var framesPassedOver: Int { replica.framesPassedOver }

    var blockedFeeds: [FeedID] { replica.blockedFeeds }

    private func perform(_ effect: ReplicaEffect) {
        switch effect {
        case .send(let link, let frame):
            guard let outbox = links[link]?.outbox else { return }
            if !outbox.enqueue(frame) {
                let peer = links[link]?.peer
                node.peerLog.write(.linkClosed, of: peer, ["reason": "it does not read what is sent"], level: .warning)
                closed(link)
            }
            while outboxBudget.isExceeded { guard closeFullestLink() else { break } }
        case .close(let link, let reason):
            node.peerLog.write(.linkClosed, of: links[link]?.peer, ["reason": "\(reason)"], level: .warning)
            forget(link)
        case .fetchFrontier(let request, let peer, let feed, let size):
            jobsContinuation.yield { [fetcher] in
                let frontier = await fetcher.frontier(of: feed, at: size, from: peer)
                await self.handle(.frontierFetched(request, frontier), of: peer)
            }
        case .fetchBatches(let request, let peer, let feed, let numbers):
            jobsContinuation.yield { [fetcher] in
                let batches = await fetcher.batches(numbers, of: feed, from: peer)
                await self.handle(.batchesFetched(request, batches), of: peer)
            }
        case .fetchRoster(let request, let peer):
            jobsContinuation.yield { [fetcher, node] in
                var newer: Roster?
                if let bytes = await fetcher.roster(from: peer),
                    case .taken(let roster)? = try? await node.offer(roster: bytes, from: "\(peer)", peer: peer)
                {
                    newer = roster
                }
                await self.handle(.rosterFetched(request, newer))
            }
        case .store(let request, let batches, let base, let skipped):
            store(batches, base: base, skipped: skipped, request)
        case .extend(let request, let feed, let base, let skipped):
            extend(feed, base: base, skipped: skipped, request)
        case .fetchLeaves(let request, let peer, let feed, let numbers):
            jobsContinuation.yield { [fetcher] in
                let leaves = await fetcher.leaves(numbers, of: feed, from: peer)
                await self.handle(.leavesFetched(request, leaves), of: peer)
            }
        case .review(let entry):
            review(entry, node: node)
        case .readBatches(let link, let feed, let numbers):
            read(numbers, of: feed, for: link)
        case .readTail(let request, let feed, let size):
            node.queue.submit { [node] storage in
                self.report(.tailRead(request, node.tail(of: feed, from: size, storage)))
            }
        case .keepFork(let proof):
            keep(proof, node: node)
        case .settleFork(let region):
            settle(region, node: node)
        case .replace(let request, let batches):
            replace(batches, request)
        case .visible(let feed, let count):
            node.becameVisible(feed, count: count)
        case .keepIndex(let index, let settled):
            node.heldIndexes.keep(index, settled: settled)
        case .wake(let time):
            wake(at: time)
        case .alarm(.storeFailed):
            // Said once, of the store and not of each feed: `StoreCare`.
            break
        case .alarm(let alarm):
            if let (kind, about) = alarm.subject { node.alarms.raise(kind, alarm.text, about: about) }
        case .endAlarm(let alarm):
            if let (kind, about) = alarm.subject { node.alarms.end(kind, about: about) }
        }
    }

    /// Queues the batches for the store; calls keep their order, so a feed's batches never overtake each other.
    private func store(_ batches: [ProvenBatch], base: Frontier?, skipped: [Hash256], _ request: RequestID) {
        let node = node
        if let last = batches.last { node.publisher.meet(last.feed, count: last.number + 1) }
        node.queue.submit { storage in
            do {
                try storage.append(batches, base: base, skipped: skipped)
                node.served.append(batches, base: base, skipped: skipped)
                node.publisher.join(batches)
                node.care.worked()
                self.report(.stored(request))
                // Expired ones are needed for what follows them, and never served.
                let now = node.clock.now.interval
                if batches.contains(where: { Expiry.isDropped(publishedAt: $0.publication, now: now) }) {
                    try node.dropExpired(storage, report: self.report)
                }
            } catch {
                node.care.failed(error)
                self.report(.storeFailed(request, reason: "\(error)"))
            }
        }
    }

    /// A feed begins earlier than it did.
    private func extend(_ feed: FeedID, base: Frontier, skipped: [Hash256], _ request: RequestID) {
        let node = node
        node.queue.submit { storage in
            do {
                try storage.extend(feed, base: base, skipped: skipped)
                node.served.replace(with: try storage.feeds().filter { $0.feed == feed })
                node.care.worked()
                self.report(.stored(request))
            } catch {
                node.care.failed(error)
                self.report(.storeFailed(request, reason: "\(error)"))
            }
        }
    }

    private func replace(_ batches: [ProvenBatch], _ request: RequestID) {
        let node = node
        node.queue.submit { storage in
            do {
                if try node.care.replace(batches, in: storage, publisher: node.publisher) { node.refreshIndex() }
                self.report(.stored(request))
            } catch {
                node.care.failed(error)
                self.report(.storeFailed(request, reason: "\(error)"))
            }
        }
    }

    /// Reads batches that a neighbour wants pushed: up to a few megabytes, the rest it asks for again.
    private func read(_ numbers: Range<UInt64>, of feed: FeedID, for link: LinkID) {
        let node = node
        node.queue.submit { storage in
            let batches = node.batchesToPush(numbers, of: feed, limit: ReplicationDriver.pulledBytes, storage)
            self.report(.batchesRead(link, batches))
        }
    }

    /// Keeps one timer, for the earliest wish.
    private func wake(at time: Timestamp) {
        if let wakeAt, wakeAt <= time { return }
        wakeTask?.cancel()
        wakeAt = time
        let pause = max(1, time.duration(since: node.clock.now))
        wakeTask = Task {
            do {
                try await Task.sleep(for: .milliseconds(pause))
            } catch {
                return
            }
            self.timerFired()
        }
    }

    private func timerFired() {
        wakeAt = nil
        wakeTask = nil
        handle(.tick)
    }

    /// Nothing is done after this: the store is about to close.
    private func stop() {
        isStopped = true
        wakeTask?.cancel()
        wakeTask = nil
        for link in links.values { link.outbox.close() }
        links = [:]
    }
}

/// Which regions have dialled this node.
extension ReplicationDriver {
    /// Tells a dialer now, and whenever it changes, whether there is a link that the region opened and has spoken on,
    /// until `unwatch`.
    func watch(_ peer: Region, _ dialer: AsyncStream<DialTurn.Event>.Continuation) {
        dialers[peer] = dialer
        tellDialer(of: peer)
    }

    func unwatch(_ peer: Region) {
        dialers.removeValue(forKey: peer)?.finish()
    }

    func isAccepted(_ peer: Region) -> Bool {
        links.values.contains { !$0.isDialled && $0.isHeard && $0.peer == peer }
    }

    private func tellDialer(of peer: Region?) {
        guard let peer, let dialer = dialers[peer] else { return }
        dialer.yield(.accepted(isAccepted(peer)))
    }
}
