internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Logging
internal import Replication

/// Runs the replica: takes its events in turn and carries out its effects on links, store, timer and fetches.
actor ReplicationDriver {
    private var replica: Replica
    private var random = SystemRandomNumberGenerator()
    private var outboxes: [LinkID: LinkOutbox] = [:]
    private var lastLink: UInt64 = 0
    private var wakeAt: Timestamp?
    private var wakeTask: Task<Void, Never>?
    private let node: NodeContext
    private let fetcher: PeerFetcher
    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let jobsContinuation: AsyncStream<@Sendable () async -> Void>.Continuation

    init(replica: Replica, node: NodeContext, fetcher: PeerFetcher) {
        self.replica = replica
        self.node = node
        self.fetcher = fetcher
        (jobs, jobsContinuation) = AsyncStream.makeStream()
    }

    /// Runs fetches until cancelled. Their number is bounded by the replica: one per feed.
    nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
        await stopTimer()
    }

    func handle(_ event: ReplicaEvent) {
        let effects = replica.handle(event, now: node.clock.now, random: &random)
        for effect in effects { perform(effect) }
    }

    /// Registers a new link.
    func open(_ outbox: LinkOutbox, expected: Region?) -> LinkID {
        lastLink += 1
        let link = LinkID(lastLink)
        outboxes[link] = outbox
        handle(.linkOpened(link, expected: expected))
        return link
    }

    func closed(_ link: LinkID) {
        outboxes.removeValue(forKey: link)?.close()
        handle(.linkClosed(link))
    }

    /// Links and lag, for status.
    var status: (peers: [Region], lag: UInt64) { (replica.linkedPeers, replica.lag) }

    private func perform(_ effect: ReplicaEffect) {
        switch effect {
        case .send(let link, let frame):
            guard let outbox = outboxes[link] else { return }
            if !outbox.enqueue(frame) {
                node.logger.warning("a link was closed: its peer does not read what is sent")
                closed(link)
            }
        case .close(let link, let reason):
            node.logger.warning("a link was closed", metadata: ["reason": "\(reason)"])
            outboxes.removeValue(forKey: link)?.close()
        case .fetchFrontier(let request, let peer, let feed, let size):
            jobsContinuation.yield { [fetcher] in
                let frontier = await fetcher.frontier(of: feed, at: size, from: peer)
                await self.handle(.frontierFetched(request, frontier))
            }
        case .fetchBatches(let request, let peer, let feed, let numbers):
            jobsContinuation.yield { [fetcher] in
                let batches = await fetcher.batches(numbers, of: feed, from: peer)
                await self.handle(.batchesFetched(request, batches))
            }
        case .store(let request, let batches, let base):
            store(batches, base: base, request)
        case .visible(let feed, let count):
            node.becameVisible(feed, count: count)
        case .wake(let time):
            wake(at: time)
        case .alarm(let alarm):
            node.raise(alarm.description)
        }
    }

    /// Queues the batches for the store; calls keep their order, so a feed's batches never overtake each other.
    private func store(_ batches: [ProvenBatch], base: Frontier?, _ request: RequestID) {
        let node = node
        node.queue.submit { storage in
            let stored = batches.map { StoredBatch($0) }
            do {
                if let base, let feed = stored.first?.feed { try storage.begin(feed, base: base) }
                try storage.append(stored)
                node.served.append(stored, base: base)
                node.publisher.join(stored)
                node.health.trouble = nil
                Task { await self.handle(.stored(request)) }
            } catch {
                node.health.trouble = "the store does not take batches: \(error)"
                Task { await self.handle(.storeFailed(request, reason: "\(error)")) }
            }
        }
    }

    /// Keeps one timer, for the earliest wish.
    private func wake(at time: Timestamp) {
        if let wakeAt, wakeAt <= time { return }
        wakeTask?.cancel()
        wakeAt = time
        let pause = max(1, time.milliseconds - node.clock.now.milliseconds)
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

    private func stopTimer() {
        wakeTask?.cancel()
        wakeTask = nil
    }
}

extension StoredBatch {
    init(_ batch: ProvenBatch) {
        self.init(
            feed: batch.feed,
            number: batch.number,
            publication: batch.publication,
            bytes: batch.bytes,
            leaf: batch.leaf,
            checkpoint: batch.checkpoint
        )
    }
}
