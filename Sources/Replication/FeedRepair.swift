import ExposureKeys
public import FeedFormat

/// A batch that the store does not hold, though its leaf hash is proven: its bytes are damaged, or it has yet to come.
public struct DamagedBatch: Equatable, Sendable {
    public let number: UInt64
    public let leaf: Hash256
    /// Merkle root at `number + 1`, which its checkpoint must state.
    public let root: Hash256

    public init(number: UInt64, leaf: Hash256, root: Hash256) {
        self.number = number
        self.leaf = leaf
        self.root = root
    }
}

/// What is lacking of one feed below its end, and which of it is under way. Newest first: whoever has been away serves
/// what matters most before the rest has come. A batch is asked of each peer once in a round; a round in vain is followed by
/// a pause, in which older ones have their turn.
struct FeedRepair: Sendable {
    /// By number.
    private(set) var wanted = SortedMap<UInt64, Wanted>()
    /// When to look again without any event.
    var retryAt: Timestamp?
    /// The store failed: no fetch before this time.
    var pausedUntil: Timestamp?
    /// Peers that did not give what they were asked for.
    private(set) var sources = SortedMap<Region, Source>()

    struct Wanted: Sendable {
        let batch: DamagedBatch
        /// It was never here: nothing below it is shown to anybody.
        let isGap: Bool
        /// The fetch or the store under way, if any.
        var request: RequestID?
        /// It has come, and is not to be kept.
        var isRefused = false
        /// Who was asked for it in this round and did not give it.
        var vain: [Region] = []
        /// Rounds in vain, and when the next one may begin.
        var rounds = 0
        var notBefore: Timestamp?

        func isDue(now: Timestamp) -> Bool {
            request == nil && !isRefused && notBefore.map { $0 <= now } ?? true
        }
    }

    struct Source: Sendable {
        /// Fetches in a row without any answer.
        var failures = 0
        /// It is not asked before this time.
        var until: Timestamp
    }

    var isEmpty: Bool { wanted.isEmpty }

    /// When something is to be done without an event.
    var due: Timestamp? { pausedUntil ?? retryAt }

    mutating func want(_ batch: DamagedBatch, isGap: Bool) {
        guard wanted[batch.number] == nil else { return }
        wanted[batch.number] = Wanted(batch: batch, isGap: isGap)
    }

    /// What goes before the first batch that may be shown: one behind the last gap, 0 without one.
    var shownFrom: UInt64 { wanted.values.last { $0.isGap }.map { $0.batch.number + 1 } ?? 0 }

    /// Batches that were never here.
    var gaps: Int { wanted.values.count { $0.isGap } }

    func isGap(_ number: UInt64) -> Bool { wanted[number]?.isGap ?? false }

    subscript(number: UInt64) -> DamagedBatch? { wanted[number]?.batch }

    // MARK: What to ask for

    /// The highest batch below a number that may be asked for.
    func newestDue(below end: UInt64, now: Timestamp) -> UInt64? {
        guard end > 0 else { return nil }
        let position = wanted.positions(from: 0, through: end - 1).last { wanted.values[$0].isDue(now: now) }
        return position.map { wanted.keys[$0] }
    }

    /// A batch that may be asked for, and those before it in a row that may be asked of the same peer, `limit` at most.
    func run(upTo number: UInt64, of peer: Region, limit: UInt64, now: Timestamp) -> Range<UInt64> {
        var start = number
        while start > 0, number - start + 1 < limit, let next = wanted[start - 1], next.isDue(now: now),
            !next.vain.contains(peer)
        {
            start -= 1
        }
        return start..<number + 1
    }

    func isVain(_ number: UInt64, of peer: Region) -> Bool { wanted[number]?.vain.contains(peer) ?? false }

    /// A peer says that it has these now: it is asked for them without any pause.
    mutating func offer(_ numbers: Range<UInt64>, by peer: Region) {
        guard !numbers.isEmpty else { return }
        for position in wanted.positions(from: numbers.lowerBound, through: numbers.upperBound - 1) {
            wanted.update(wanted.keys[position]) { wanted in
                wanted.vain.removeAll { $0 == peer }
                wanted.notBefore = nil
            }
        }
    }

    func rounds(of number: UInt64) -> Int { wanted[number]?.rounds ?? 0 }

    /// Everybody was asked for a batch in vain.
    mutating func endRound(of number: UInt64, until: Timestamp) {
        wanted.update(number) { wanted in
            wanted.vain = []
            wanted.notBefore = until
            wanted.rounds = min(wanted.rounds + 1, 64)
        }
    }

    /// The next time at which something may be asked for that may not now.
    func nextDue(after now: Timestamp) -> Timestamp? {
        let pauses = wanted.values.lazy.compactMap(\.notBefore).filter { now < $0 }
        let sources = sources.values.lazy.map(\.until).filter { now < $0 }
        return [pauses.min(), sources.min()].compactMap { $0 }.min()
    }

    // MARK: Peers

    func isPaused(_ peer: Region, now: Timestamp) -> Bool { sources[peer].map { now < $0.until } ?? false }

    func failures(of peer: Region) -> Int { sources[peer]?.failures ?? 0 }

    /// A peer did not give these.
    mutating func noteVain(_ numbers: some Sequence<UInt64>, of peer: Region) {
        for number in numbers where !isVain(number, of: peer) { wanted.update(number) { $0.vain.append(peer) } }
    }

    mutating func pause(_ peer: Region, _ source: Source) { sources[peer] = source }

    mutating func resume(_ peer: Region) { sources[peer] = nil }

    // MARK: What is under way

    mutating func begin(_ request: RequestID, for numbers: some Sequence<UInt64>) {
        for number in numbers { wanted.update(number) { $0.request = request } }
    }

    /// What was under way with a request is to be asked for again.
    mutating func end(_ request: RequestID) {
        for position in wanted.keys.indices where wanted.values[position].request == request {
            wanted.update(wanted.keys[position]) { $0.request = nil }
        }
    }

    mutating func end(where isOver: (RequestID) -> Bool) {
        for position in wanted.keys.indices {
            guard let request = wanted.values[position].request, isOver(request) else { continue }
            wanted.update(wanted.keys[position]) { $0.request = nil }
        }
    }

    /// These are asked for no more, though they are not here.
    mutating func refuse(_ numbers: some Sequence<UInt64>) {
        for number in numbers { wanted.update(number) { $0.isRefused = true } }
    }

    mutating func remove(_ numbers: some Sequence<UInt64>) {
        for number in numbers { wanted[number] = nil }
    }

    /// Forgets what is not in a range any more.
    mutating func keep(_ numbers: Range<UInt64>) {
        remove(wanted.keys.filter { !numbers.contains($0) })
    }
}
