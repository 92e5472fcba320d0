internal import ExposureKeys
package import FeedFormat
package import FeedStore
internal import HTTP2
internal import NIOCore
internal import Replication
internal import Synchronization

/// What the routes may serve at this moment: only what is durable. Written by replication, read by every event loop.
final class ServedFeeds: Sendable {
    private let state: Mutex<State>
    private let drops = Atomic<UInt64>(0)

    private struct State {
        var feeds: [FeedID: ServedFeed] = [:]
        var index: ServedIndex?
        /// Grows with every change of `feeds`.
        var version: UInt64 = 0
    }

    init(_ stored: [StoredFeed]) {
        var state = State()
        for feed in stored { state.feeds[feed.feed] = ServedFeed(feed) }
        self.state = Mutex(state)
    }

    func feed(_ feed: FeedID) -> ServedFeed? { state.withLock { $0.feeds[feed] } }

    func knows(_ region: Region) -> Bool { state.withLock { $0.feeds.keys.contains { $0.region == region } } }

    var index: ServedIndex? { state.withLock { $0.index } }

    func setIndex(_ index: ServedIndex) { state.withLock { $0.index = index } }

    /// Differs whenever the feeds do.
    var version: UInt64 { state.withLock { $0.version } }

    /// Grows when batches leave, so that what was kept of them elsewhere leaves too.
    var generation: UInt64 { drops.load(ordering: .acquiring) }

    /// Ascending.
    var all: [ServedFeed] { state.withLock { $0.feeds.values.sorted { $0.feed < $1.feed } } }

    /// Takes in batches that have just become durable.
    /// - Parameter skipped: leaf hashes of batches before the first of these that have yet to come.
    func append(_ batches: [ProvenBatch], base: Frontier?, skipped: [Hash256] = []) {
        state.withLock { state in
            // A base is given only with the first batches of a feed, or where it begins anew.
            if let base, let id = batches.first?.feed { state.feeds[id] = ServedFeed(id, base: base) }
            state.version += 1
            if let id = batches.first?.feed, !skipped.isEmpty {
                state.feeds[id, default: ServedFeed(id, base: Frontier())].skip(skipped)
            }
            for batch in batches {
                // Taken out while it grows: a second reference would have all leaf hashes copied.
                var feed = state.feeds.removeValue(forKey: batch.feed) ?? ServedFeed(batch.feed, base: Frontier())
                feed.append(batch)
                state.feeds[batch.feed] = feed
            }
        }
    }

    /// Takes over all that the store holds of a region after feeds were cut off. Called on the store's thread.
    func replace(_ region: Region, with stored: [StoredFeed]) {
        state.withLock { state in
            state.version += 1
            let former = state.feeds
            for feed in former.keys.filter({ $0.region == region }) { state.feeds[feed] = nil }
            for feed in stored {
                let damaged = former[feed.feed]?.damaged ?? []
                state.feeds[feed.feed] = ServedFeed(feed, damaged: damaged.filter { $0 < feed.count })
            }
        }
        drops.wrappingAdd(1, ordering: .releasing)
    }

    /// Takes over what the store holds after batches were dropped. Called on the store's thread, or what was appended
    /// meanwhile would be lost.
    func replace(with stored: [StoredFeed]) {
        state.withLock { state in
            state.version += 1
            for feed in stored {
                let damaged = state.feeds[feed.feed]?.damaged ?? []
                state.feeds[feed.feed] = ServedFeed(feed, damaged: damaged.filter { $0 >= feed.first })
            }
        }
        drops.wrappingAdd(1, ordering: .releasing)
    }

    /// Takes batches out of service. Called on the store's thread.
    /// - Returns: those that were in service until now, and how to tell them again.
    func quarantine(_ id: FeedID, _ numbers: [UInt64]) -> [DamagedBatch] {
        if numbers.isEmpty { return [] }
        return state.withLock { state in
            guard var feed = state.feeds[id] else { return [] }
            let new = numbers.filter {
                feed.first <= $0 && $0 < feed.count && !feed.damaged.contains($0) && !feed.gaps.contains($0)
            }
            let identities = feed.identities(of: new)
            feed.damaged = (feed.damaged + new).sorted()
            state.feeds[id] = feed
            return identities
        }
    }

    /// Puts batches into service, or back into it, that were replaced. Called on the store's thread.
    /// - Returns: how many of them were damaged, and whether more of the feed may be shown than before.
    func release(_ id: FeedID, _ numbers: [UInt64]) -> (damaged: Int, isMore: Bool) {
        state.withLock { state in
            guard var feed = state.feeds[id] else { return (0, false) }
            let (before, shown) = (feed.damaged.count, feed.shown)
            feed.damaged.removeAll { numbers.contains($0) }
            feed.fill(numbers)
            state.feeds[id] = feed
            if feed.shown != shown { state.version += 1 }
            return (before - feed.damaged.count, feed.shown != shown)
        }
    }
}

/// One feed as the routes need it.
package struct ServedFeed: Sendable {
    let feed: FeedID
    let base: Frontier
    private(set) var leaves: [Hash256]
    private(set) var first: UInt64
    private(set) var lastPublication: Interval
    private(set) var root: Hash256
    private var frontier: Frontier
    /// The frontier after each `markDistance` leaves.
    private var marks: [Frontier] = []
    private static let markDistance = 1024
    /// Batches that are held no more as they were, ascending: not served until they are replaced.
    fileprivate(set) var damaged: [UInt64] = []
    /// Batches from `first` on that have never been here, ascending.
    private(set) var gaps: [UInt64] = []
    /// Below this number nothing is to come.
    let floor: UInt64

    var count: UInt64 { frontier.size }
    var isLiving: Bool { first < count }
    /// The first batch that the index shows.
    package var shown: UInt64 { IndexEntry.first(from: first, lacking: gaps) }
    /// Batches held.
    var held: UInt64 { count - first - UInt64(gaps.count) }

    /// What a replica learns of it when it starts.
    /// - Parameter bytes: of the batches held.
    func heldFeed(bytes: UInt64) -> HeldFeed {
        HeldFeed(
            feed: feed,
            frontier: frontier,
            first: first,
            begin: base,
            floor: floor,
            gaps: identities(of: gaps),
            bytes: bytes
        )
    }

    package init(_ stored: StoredFeed, damaged: [UInt64] = []) {
        self.damaged = damaged
        gaps = stored.gaps
        floor = stored.floor
        feed = stored.feed
        base = stored.base
        leaves = []
        leaves.reserveCapacity(stored.leaves.count)
        first = stored.first
        lastPublication = stored.lastPublication
        frontier = stored.base
        root = frontier.root
        for leaf in stored.leaves { append(leaf) }
        root = frontier.root
    }

    init(_ feed: FeedID, base: Frontier) {
        self.feed = feed
        self.base = base
        // What it was before it began here is not known any more; the store knows at the next start.
        floor = base.size
        leaves = []
        first = base.size
        lastPublication = Interval(0)
        frontier = base
        root = base.root
    }

    /// Batches that are left out; an append follows, so the root is made then.
    mutating func skip(_ hashes: [Hash256]) {
        for leaf in hashes {
            gaps.append(count)
            append(leaf)
        }
    }

    mutating func fill(_ numbers: [UInt64]) { gaps.removeAll { numbers.contains($0) } }

    mutating func append(_ batch: ProvenBatch) {
        guard batch.number == count else { return }
        append(batch.leaf)
        lastPublication = batch.publication
        root = frontier.root
    }

    private mutating func append(_ leaf: Hash256) {
        leaves.append(leaf)
        frontier.append(leaf)
        if leaves.count % ServedFeed.markDistance == 0 { marks.append(frontier) }
    }

    /// The newest batch that is held as it was and whose checkpoint is of no fewer than `size` batches.
    package func newestWhole(from size: UInt64) -> UInt64? {
        (max(first, max(1, size) - 1)..<count).last { !damaged.contains($0) && !gaps.contains($0) }
    }

    func isDamaged(_ range: FeedRange) -> Bool {
        (damaged + gaps).contains { range.lowerBound <= $0 && $0 < range.upperBound }
    }

    /// Leaf hash and root of each of these batches, which must ascend.
    fileprivate func identities(of numbers: [UInt64]) -> [DamagedBatch] {
        if numbers.isEmpty { return [] }
        var frontier = base
        return numbers.map { number in
            for leaf in leaves[Int(frontier.size - base.size)...Int(number - base.size)] { frontier.append(leaf) }
            return DamagedBatch(number: number, leaf: leaves[Int(number - base.size)], root: frontier.root)
        }
    }

    /// The frontier at `size`; nil outside [base, count].
    package func frontier(at size: UInt64) -> Frontier? {
        guard base.size <= size, size <= count else { return nil }
        let count = Int(size - base.size)
        let mark = count / ServedFeed.markDistance
        var frontier = mark > 0 ? marks[mark - 1] : base
        for leaf in leaves[mark * ServedFeed.markDistance..<count] { frontier.append(leaf) }
        return frontier
    }

    /// Leaf hashes with these numbers; nil if some are unknown here.
    func hashes(_ numbers: Range<UInt64>) -> ArraySlice<Hash256>? {
        guard base.size <= numbers.lowerBound, numbers.upperBound <= count else { return nil }
        return leaves[Int(numbers.lowerBound - base.size)..<Int(numbers.upperBound - base.size)]
    }
}

/// The signed index with its entity tags, ready to send.
struct ServedIndex: Sendable {
    let index: FeedIndex
    /// SHA-256 of its bytes.
    let hash: Hash256
    let document: PreparedDocument
    let settled: ByteBuffer
    let settledHash: Hash256
}
