public import ExposureKeys
public import FeedFormat
import Synchronization

/// A store that lasts as long as the process: for simulations and tests, under the same rules as the one on disk.
public final class MemoryFeedStore: FeedStorage {
    private let state = Mutex(State())

    public init() {}

    public func feeds() throws(StoreError) -> [StoredFeed] {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            return state.feeds.sorted { $0.key < $1.key }.compactMap { $0.value.stored($0.key) }
        }
    }

    public func append(_ batches: [ProvenBatch], base: Frontier?, skipped: [Hash256]) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            let beginning = base.flatMap { base in batches.first.map { (feed: $0.feed, base: base) } }
            if let (feed, base) = beginning {
                let known = state.feeds[feed]
                let count = known?.count ?? 0
                try AppendRules.admit(base, of: feed, held: count - (known?.first ?? 0), count: count)
            }
            var rules = AppendRules()
            for batch in batches {
                let start = beginning.flatMap { $0.feed == batch.feed ? $0.base.size : nil }
                let left = batch.feed == batches.first?.feed ? UInt64(skipped.count) : 0
                try rules.admit(batch, count: (start ?? state.feeds[batch.feed]?.count ?? 0) + left)
            }
            if let (feed, base) = beginning {
                state.feeds[feed] = Feed(base: base, floor: state.feeds[feed]?.count ?? 0)
            }
            if let feed = batches.first?.feed {
                for leaf in skipped { state.feeds[feed, default: Feed(base: Frontier())].skip(leaf) }
            }
            for batch in batches { state.feeds[batch.feed, default: Feed(base: Frontier())].append(batch) }
        }
    }

    public func extend(_ feed: FeedID, base: Frontier, skipped: [Hash256]) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            guard let held = state.feeds[feed] else {
                throw StoreError(.outOfSequence, "\(feed) cannot be extended: it is not here")
            }
            try AppendRules.admit(
                extending: feed,
                from: base,
                by: skipped,
                to: held.base,
                first: held.first,
                floor: held.floor
            )
            state.feeds[feed]?.extend(from: base, skipped)
        }
    }

    public func batch(_ feed: FeedID, _ number: UInt64) throws(StoreError) -> ProvenBatch? {
        guard number < .max else { return nil }
        return try batches(feed, number..<number + 1).first
    }

    public func batches(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [ProvenBatch] {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            guard let held = state.feeds[feed] else { return [] }
            let wanted = numbers.clamped(to: held.first..<held.count)
            return held.slots[Int(wanted.lowerBound - held.first)..<Int(wanted.upperBound - held.first)].compactMap {
                $0
            }
        }
    }

    /// Memory is taken not to rot.
    public func damaged(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [UInt64] {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            return []
        }
    }

    public func replace(_ batches: [ProvenBatch]) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            for batch in batches { try AppendRules.checkLimits(of: batch) }
            for batch in batches { state.feeds[batch.feed]?.replace(batch) }
        }
    }

    public func drop(publishedAtOrBefore limit: Interval) throws(StoreError) -> Int {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            var dropped = 0
            for feed in state.feeds.keys.sorted() {
                dropped += state.feeds[feed]?.drop(publishedAtOrBefore: limit) ?? 0
            }
            return dropped
        }
    }

    public func cut(_ cuts: [FeedCut]) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            for cut in cuts {
                state.feeds[cut.feed]?.cut(to: cut.count)
                if state.feeds[cut.feed]?.leaves.isEmpty == true { state.feeds[cut.feed] = nil }
            }
        }
    }

    public func setting(_ name: String) throws(StoreError) -> [UInt8]? {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            return state.settings[name]
        }
    }

    public func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            state.settings[name] = value
        }
    }

    public func close() throws(StoreError) {
        state.withLock { $0 = State(isOpen: false) }
    }
}

private struct State {
    var feeds: [FeedID: Feed] = [:]
    var settings: [String: [UInt8]] = [:]
    var isOpen = true

    func checkOpen() throws(StoreError) {
        guard isOpen else { throw StoreError(.closed, "the feed store in memory has been closed") }
    }
}

private struct Feed {
    private(set) var base: Frontier
    let floor: UInt64
    private(set) var leaves: [Hash256] = []
    /// Numbers `first..<count`; nil where only the leaf hash has come.
    private(set) var slots: [ProvenBatch?] = []
    private var lastPublication = Interval(0)

    init(base: Frontier, floor: UInt64 = 0) {
        self.base = base
        self.floor = floor
    }

    var count: UInt64 { base.size + UInt64(leaves.count) }
    var first: UInt64 { count - UInt64(slots.count) }

    mutating func append(_ batch: ProvenBatch) {
        leaves.append(batch.leaf)
        slots.append(batch)
        lastPublication = batch.publication
    }

    mutating func skip(_ leaf: Hash256) {
        leaves.append(leaf)
        slots.append(nil)
    }

    mutating func extend(from start: Frontier, _ skipped: [Hash256]) {
        base = start
        leaves = skipped + leaves
        slots = [ProvenBatch?](repeating: nil, count: skipped.count) + slots
    }

    mutating func replace(_ batch: ProvenBatch) {
        guard (first..<count).contains(batch.number) else { return }
        slots[Int(batch.number - first)] = batch
        leaves[Int(batch.number - base.size)] = batch.leaf
    }

    /// Up to the first batch that stays; of gaps before that it is not known whether they have expired.
    mutating func drop(publishedAtOrBefore limit: Interval) -> Int {
        let stays = slots.firstIndex { $0.map { $0.publication > limit } ?? false }
        let expired = stays.map { slots[..<$0].lastIndex { $0 != nil }.map { $0 + 1 } ?? 0 } ?? slots.count
        let dropped = slots.prefix(expired).count { $0 != nil }
        slots.removeFirst(expired)
        return dropped
    }

    mutating func cut(to end: UInt64) {
        guard end < count else { return }
        let kept = end > first ? Int(end - first) : 0
        leaves.removeLast(min(leaves.count, Int(count - end)))
        slots.removeLast(slots.count - kept)
        if case let last?? = slots.last { lastPublication = last.publication }
    }

    /// - Returns: nil for a feed that has begun and has no batch yet.
    func stored(_ feed: FeedID) -> StoredFeed? {
        guard !leaves.isEmpty else { return nil }
        return StoredFeed(
            feed: feed,
            base: base,
            leaves: leaves,
            first: first,
            gaps: (first..<count).filter { slots[Int($0 - first)] == nil },
            floor: floor,
            bytes: slots.reduce(0) { $0 + UInt64($1?.bytes.count ?? 0) },
            lastPublication: lastPublication
        )
    }
}
