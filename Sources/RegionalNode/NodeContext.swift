internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Logging
internal import Replication
internal import Synchronization

/// What the parts of a node share.
final class NodeContext: Sendable {
    let region: Region
    let roster: Roster
    let clock: NodeClock
    let queue: StoreQueue
    let served: ServedFeeds
    let publisher: RegionPublisher
    let health: NodeHealth
    let wire: WireCounters
    let logger: Logger
    private let indexMaker: IndexMaker
    private let arrivals = Mutex<[Arrival]>([])

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
        roster: Roster,
        clock: NodeClock,
        queue: StoreQueue,
        served: ServedFeeds,
        publisher: RegionPublisher,
        signer: NoteSigner,
        logger: Logger
    ) {
        self.region = region
        self.roster = roster
        self.clock = clock
        self.queue = queue
        self.served = served
        self.publisher = publisher
        self.logger = logger
        health = NodeHealth()
        wire = WireCounters()
        indexMaker = IndexMaker(region: region, signer: signer)
    }

    /// A feed has grown and is durable: it enters the index.
    func becameVisible(_ feed: FeedID, count: UInt64) {
        let arrival = Arrival(feed: feed, count: count, milliseconds: NodeClock.system)
        arrivals.withLock { arrivals in
            if arrivals.count == NodeContext.arrivalsKept { arrivals.removeFirst() }
            arrivals.append(arrival)
        }
        logger.info("feed grew", metadata: ["feed": "\(feed)", "batches": "\(count)"])
        refreshIndex()
    }

    /// Signs the index anew, on the store's thread.
    func refreshIndex() {
        queue.submit { _ in
            do {
                let index = try self.indexMaker.index(of: self.served.all, time: self.clock.seconds)
                self.served.setIndex(index)
            } catch {
                self.raise("the index could not be signed: \(error)")
            }
        }
    }

    func raise(_ alarm: String) {
        if health.raise(alarm, at: clock.now) { logger.error("alarm", metadata: ["what": "\(alarm)"]) }
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
