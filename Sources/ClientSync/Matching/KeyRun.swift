internal import ExposureKeys

/// Keys of equal validity, wherever they stand among others: all of them have identifiers for the same intervals.
struct KeyRun {
    /// Interval numbers: the first one of the validity, and the first one after it.
    let start: UInt32
    let end: UInt32
    /// Positions of the keys, ascending.
    private(set) var ranges: [Range<Int>]

    func contains(_ interval: UInt32) -> Bool { start <= interval && interval < end }

    /// - Parameter keys: any; with equal metadata side by side there are few ranges.
    /// - Returns: ascending by validity.
    static func runs(of keys: [DiagnosisKey]) -> [KeyRun] {
        var groups: [(start: UInt32, end: UInt32, range: Range<Int>)] = []
        var lower = 0
        while lower < keys.count {
            let metadata = keys[lower].metadata
            var upper = lower + 1
            while upper < keys.count, keys[upper].metadata == metadata { upper += 1 }
            groups.append((metadata.rollingStart.number, metadata.end.number, lower..<upper))
            lower = upper
        }
        groups.sort { ($0.start, $0.end, $0.range.lowerBound) < ($1.start, $1.end, $1.range.lowerBound) }
        var runs: [KeyRun] = []
        for group in groups {
            if let last = runs.last, last.start == group.start, last.end == group.end {
                runs[runs.count - 1].ranges.append(group.range)
            } else {
                runs.append(KeyRun(start: group.start, end: group.end, ranges: [group.range]))
            }
        }
        return runs
    }
}

/// Keys side by side, as the kernel takes them.
package struct KeyChunk {
    /// Two words a key, which in memory are its 16 bytes.
    private(set) var words: [UInt64] = []
    /// Where each of them stands among the batch's keys.
    private(set) var positions: [Int] = []

    /// 4096 keys are 64 KiB: small enough for the second cache, large enough that what a call costs does not count.
    package static let capacity = 4096

    init() {
        words.reserveCapacity(2 * KeyChunk.capacity)
        positions.reserveCapacity(KeyChunk.capacity)
    }

    var isFull: Bool { positions.count == KeyChunk.capacity }

    mutating func append(_ data: KeyData, at position: Int) {
        words.append(data.high.bigEndian)
        words.append(data.low.bigEndian)
        positions.append(position)
    }

    mutating func removeAll() {
        words.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
    }
}
