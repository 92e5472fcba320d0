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
    /// Below this number nothing is to return: the feed began anew here.
    private(set) var floor: UInt64 = 0
    /// Batches from `first` on; nil where one has never come.
    private var slots: [ProvenBatch?] = [] {
        didSet { oldest = (slots.first { $0 != nil } ?? nil)?.publication }
    }
    private var missing = 0
    /// Numbers of batches that cannot be read.
    var damaged = SortedMap<UInt64, Bool>()

    init(feed: FeedID) {
        self.feed = feed
    }

    var count: UInt64 { frontier.size }
    /// Those held.
    var batches: [ProvenBatch] { slots.compactMap { $0 } }
    /// Bytes of those held.
    var bytes: UInt64 { slots.reduce(0) { $0 + UInt64($1?.bytes.count ?? 0) } }
    /// Publication of the first batch held. Kept, as it is asked for every minute of every feed.
    private(set) var oldest: Interval?
    /// Publication of the newest batch.
    var newest: Interval? { slots.last??.publication }
    var isLiving: Bool { first < count }

    /// Appends what a replica handed over.
    /// - Returns: what is wrong with it, nil if it was appended.
    mutating func append(_ added: [ProvenBatch], base: Frontier?, skipped: [Hash256]) -> String? {
        if let base {
            guard !isLiving else { return "\(feed): a base where batches are held" }
            floor = max(floor, count)
            self.base = base
            frontier = base
            leaves = []
            slots = []
            first = base.size
        }
        for leaf in skipped {
            frontier.append(leaf)
            leaves.append(leaf)
            slots.append(nil)
        }
        missing += skipped.count
        for batch in added {
            guard batch.number == frontier.size, batch.feed == feed else {
                return "\(feed): batch \(batch.number) stored after \(frontier.size.counted("batch"))"
            }
            frontier.append(batch.leaf)
            leaves.append(batch.leaf)
            slots.append(batch)
        }
        return nil
    }

    mutating func drop(below number: UInt64) {
        guard number > first else { return }
        let next = min(number, count)
        missing -= slots.prefix(Int(next - first)).count { $0 == nil }
        slots.removeFirst(Int(next - first))
        for number in damaged.keys where number < next { damaged[number] = nil }
        first = next
    }

    /// Takes away the newest batches.
    mutating func cut(to size: UInt64) {
        guard first <= size, size < count, let frontier = frontier(at: size) else { return }
        self.frontier = frontier
        leaves.removeLast(leaves.count - Int(size - base.size))
        missing -= slots.dropFirst(Int(size - first)).count { $0 == nil }
        slots.removeLast(slots.count - Int(size - first))
    }

    /// What lies behind a size counts no more; what was dropped before it stays so.
    /// - Returns: false if nothing is known at that size.
    mutating func end(at size: UInt64) -> Bool {
        guard base.size < size, size < count, let frontier = frontier(at: size) else { return false }
        self.frontier = frontier
        leaves.removeLast(leaves.count - Int(size - base.size))
        slots.removeLast(slots.count - Int(max(size, first) - first))
        missing = slots.count { $0 == nil }
        for number in damaged.keys where number >= size { damaged[number] = nil }
        first = min(first, size)
        return true
    }

    /// Puts leaf hashes before the place where the feed begins.
    /// - Returns: what is wrong with it, nil if it was done.
    mutating func extend(from start: Frontier, _ skipped: [Hash256]) -> String? {
        guard first == base.size, start.size >= floor else { return "\(feed): is extended to what was dropped" }
        var frontier = start
        for leaf in skipped { frontier.append(leaf) }
        guard frontier == base else { return "\(feed): is extended by another history" }
        base = start
        first = start.size
        leaves = skipped + leaves
        slots = [ProvenBatch?](repeating: nil, count: skipped.count) + slots
        missing += skipped.count
        return nil
    }

    /// Puts a batch where one is missing.
    mutating func fill(_ batch: ProvenBatch) {
        guard first <= batch.number, batch.number < count else { return }
        if slots[Int(batch.number - first)] == nil { missing -= 1 }
        slots[Int(batch.number - first)] = batch
    }

    /// Numbers of batches that have never come.
    var gaps: [UInt64] { missing == 0 ? [] : (first..<count).filter { slots[Int($0 - first)] == nil } }

    /// Numbers of batches that may yet come: those, and all before the place where the feed began here, unless batches from
    /// there on were dropped since, as what comes before them has expired as well.
    var lacking: [UInt64] { first == base.size && floor < first ? (floor..<first) + gaps : gaps }

    /// The first batch that index and routes show.
    var shown: UInt64 { IndexEntry.first(from: first, lacking: gaps) }

    /// As a replica is told of it.
    var held: HeldFeed {
        var gaps: [DamagedBatch] = []
        if missing > 0 {
            var tree = base
            for (offset, leaf) in leaves.enumerated() {
                tree.append(leaf)
                let number = base.size + UInt64(offset)
                guard number >= first, slots[Int(number - first)] == nil else { continue }
                gaps.append(DamagedBatch(number: number, leaf: leaf, root: tree.root))
            }
        }
        return HeldFeed(
            feed: feed,
            frontier: frontier,
            first: first,
            begin: base,
            floor: floor,
            gaps: gaps,
            bytes: bytes
        )
    }

    /// Below this number everything held has expired.
    func end(ofExpired now: Interval) -> UInt64 {
        var end = first
        for case let batch? in slots {
            guard Expiry.isDropped(publishedAt: batch.publication, now: now) else { break }
            end = batch.number + 1
        }
        return end
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
        first <= number && number < count && damaged[number] == nil ? slots[Int(number - first)] : nil
    }

    func leaf(_ number: UInt64) -> Hash256? {
        base.size <= number && number < count ? leaves[Int(number - base.size)] : nil
    }

    /// The batches of a range, nil for each that cannot be given.
    func answer(_ range: Range<UInt64>) -> [ReceivedBatch?] {
        range.map { number in
            batch(number).map { ReceivedBatch(bytes: $0.bytes, checkpoint: $0.checkpoint) }
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
    /// The newest that the node was given; nil for the first one.
    var roster: SignedRoster?
    /// Proofs of forks.
    var forks = SortedMap<Region, ForkProof>()
    /// What its region is to publish later.
    var held: [HeldKey] = []
    /// Which of its region's batches came from a clock that was ahead.
    var ahead: [BatchesAhead] = []

    func count(of feed: FeedID) -> UInt64 { feeds[feed]?.count ?? 0 }

    /// What a replica learns when it starts: also of feeds of which all is dropped, so that nothing returns.
    var heldFeeds: [HeldFeed] { feeds.values.map(\.held) }

    /// - Returns: what is wrong with it, nil if it was stored.
    mutating func commit(_ write: PendingWrite) -> String? {
        let feed = write.feed
        if feeds[feed] == nil { feeds[feed] = StoredFeed(feed: feed) }
        return feeds.update(feed) { stored in
            if let base = write.base, write.batches.isEmpty { return stored.extend(from: base, write.skipped) }
            return stored.append(write.batches, base: write.base, skipped: write.skipped)
        } ?? nil
    }
}

/// A transaction that is under way to a disk.
struct PendingWrite {
    let feed: FeedID
    /// None if only hashes come, before the place where the feed begins.
    let batches: [ProvenBatch]
    let base: Frontier?
    /// Hashes of batches before these that are left out.
    var skipped: [Hash256] = []
    /// The replica's request; nil for a publication of this node.
    let request: RequestID?
    /// Version of the roster under which it was asked for; nil for the one at hand.
    var rosterVersion: UInt64?
    /// What has waited and is published with it.
    var due: DuePublication?
    /// Nothing is stored, but what this entry of the roster has closed is cut off.
    var review: RosterRegion?

    /// Held keys that are published, and when.
    struct DuePublication {
        let waiting: [HeldKey]
        /// Of those, what is to wait longer.
        let held: [HeldKey]
        let time: Interval
    }

    static func review(_ entry: RosterRegion) -> PendingWrite {
        let feed = FeedID(region: entry.id, epoch: Epoch(0))
        return PendingWrite(feed: feed, batches: [], base: nil, request: nil, review: entry)
    }
}
