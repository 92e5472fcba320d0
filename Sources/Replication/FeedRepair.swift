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
/// what matters most before the rest has come.
struct FeedRepair: Sendable {
    /// By number.
    private(set) var wanted = SortedMap<UInt64, Wanted>()
    /// No fetch before this time.
    var retryAt: Timestamp?

    struct Wanted: Sendable {
        let batch: DamagedBatch
        /// It was never here: nothing below it is shown to anybody.
        let isGap: Bool
        /// The fetch or the store under way, if any.
        var request: RequestID?
        /// It has come, and is not to be kept.
        var isRefused = false
        var isOpen: Bool { request == nil && !isRefused }
    }

    var isEmpty: Bool { wanted.isEmpty }

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

    /// The highest batches in a row that nobody was asked for yet, `limit` at most.
    /// - Parameter end: look below it.
    func newestRun(below end: UInt64, limit: UInt64) -> Range<UInt64>? {
        var run: Range<UInt64>?
        for position in wanted.keys.indices.reversed() where wanted.keys[position] < end {
            let number = wanted.keys[position]
            if let found = run {
                guard wanted.values[position].isOpen, number + 1 == found.lowerBound,
                    found.upperBound - number <= limit
                else { break }
                run = number..<found.upperBound
            } else if wanted.values[position].isOpen {
                run = number..<number + 1
            }
        }
        return run
    }

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
