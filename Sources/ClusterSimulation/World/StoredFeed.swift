import ExposureKeys
import FeedFormat
import Replication

/// A feed as a simulated disk holds it.
struct StoredFeed {
    let feed: FeedID
    /// First batch still held.
    private(set) var first: UInt64 = 0
    private(set) var frontier = Frontier()
    /// The frontier at which it began here, and all leaf hashes since.
    private(set) var base = Frontier()
    private(set) var leaves: [Hash256] = []
    /// Batches from `first` on.
    private(set) var batches: [ProvenBatch] = []
    /// Numbers of batches that cannot be read.
    var damaged = SortedMap<UInt64, Bool>()

    init(feed: FeedID) {
        self.feed = feed
    }

    var count: UInt64 { frontier.size }
    /// Publication of the first batch held.
    var oldest: Interval? { batches.first?.publication }
    var isLiving: Bool { first < count }

    /// Appends what a replica handed over.
    /// - Returns: what is wrong with it, nil if it was appended.
    mutating func append(_ added: [ProvenBatch], base: Frontier?) -> String? {
        if let base {
            guard !isLiving else { return "\(feed): a base where batches are held" }
            self.base = base
            frontier = base
            leaves = []
            batches = []
            first = base.size
        }
        for batch in added {
            guard batch.number == frontier.size, batch.feed == feed else {
                return "\(feed): batch \(batch.number) stored after \(frontier.size) batches"
            }
            frontier.append(batch.leaf)
            leaves.append(batch.leaf)
            batches.append(batch)
        }
        return nil
    }

    mutating func drop(below number: UInt64) {
        guard number > first else { return }
        let next = min(number, count)
        batches.removeFirst(Int(next - first))
        for number in damaged.keys where number < next { damaged[number] = nil }
        first = next
    }

    /// Takes away the newest batches.
    mutating func cut(to size: UInt64) {
        guard first <= size, size < count, let frontier = frontier(at: size) else { return }
        self.frontier = frontier
        leaves.removeLast(leaves.count - Int(size - base.size))
        batches.removeLast(batches.count - Int(size - first))
    }

    /// The frontier at an earlier size; nil from before the feed began here.
    func frontier(at size: UInt64) -> Frontier? {
        guard base.size <= size, size <= count else { return nil }
        if size == count { return frontier }
        var result = base
        for leaf in leaves.prefix(Int(size - base.size)) { result.append(leaf) }
        return result
    }

    func batch(_ number: UInt64) -> ProvenBatch? {
        first <= number && number < count && damaged[number] == nil ? batches[Int(number - first)] : nil
    }

    func leaf(_ number: UInt64) -> Hash256? {
        base.size <= number && number < count ? leaves[Int(number - base.size)] : nil
    }

    /// Batches from the start of a range on, as far as they are held.
    func answer(_ range: Range<UInt64>) -> [ReceivedBatch] {
        guard first <= range.lowerBound, range.lowerBound < count else { return [] }
        let end = min(range.upperBound, count)
        return batches[Int(range.lowerBound - first)..<Int(end - first)].prefix { damaged[$0.number] == nil }.map {
            ReceivedBatch(bytes: $0.bytes, checkpoint: $0.checkpoint)
        }
    }

    /// Leaf hashes of a range; empty unless all are known.
    func leaves(_ range: Range<UInt64>) -> [Hash256] {
        guard base.size <= range.lowerBound, range.upperBound <= count else { return [] }
        return Array(leaves[Int(range.lowerBound - base.size)..<Int(range.upperBound - base.size)])
    }
}

/// A simulated disk. What is here is durable; what is on the way here belongs to the process.
struct SimulatedDisk {
    var feeds = SortedMap<FeedID, StoredFeed>()
    /// What of a transaction was on the disk when the power failed.
    var torn: PendingWrite?
    /// For the checks; no node knows of it.
    var record = DiskRecord()
    /// Proofs of forks.
    var forks = SortedMap<Region, ForkProof>()

    func count(of feed: FeedID) -> UInt64 { feeds[feed]?.count ?? 0 }

    /// What a replica learns when it starts: also of feeds of which all is dropped, so that nothing returns.
    var heldFeeds: [HeldFeed] {
        feeds.values.map { HeldFeed(feed: $0.feed, frontier: $0.frontier, first: $0.first) }
    }

    /// - Returns: what is wrong with it, nil if it was stored.
    mutating func commit(_ write: PendingWrite) -> String? {
        let feed = write.feed
        if feeds[feed] == nil { feeds[feed] = StoredFeed(feed: feed) }
        return feeds.update(feed) { $0.append(write.batches, base: write.base) } ?? nil
    }
}

/// A transaction that is under way to a disk.
struct PendingWrite {
    let feed: FeedID
    let batches: [ProvenBatch]
    let base: Frontier?
    /// The replica's request; nil for a publication of this node.
    let request: RequestID?
}
