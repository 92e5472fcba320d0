internal import ExposureKeys

/// For which intervals a key's identifiers are compared with sightings.
package enum KeyReach: Sendable {
    /// Those of its validity: when the key itself was seen.
    case validity
    /// Also those for which other forms of the same bytes may be valid, so that reports are found that bear on a sighting
    /// of one of them: of the UTC days that the validity touches, and for a revocation, which reaches each form that it
    /// overlaps, of the longest rolling period before and after. For a whole day in UTC, as nearly all keys are, these
    /// are the same as those of its validity. A form of another UTC day is not found by this, though a run may reach
    /// there: phones change their key at midnight UTC, so no form of a phone's key does.
    case otherForms

    /// - Returns: interval numbers, the first one and the one after the last.
    func intervals(of metadata: KeyMetadata) -> Range<UInt32> {
        let (start, end) = (metadata.rollingStart, metadata.end)
        guard self == .otherForms else { return start.number..<end.number }
        if metadata.reportType == .revoked {
            let longest = Interval.perDay - 1
            return start.advanced(by: -longest).number..<end.advanced(by: longest).number
        }
        let day = Interval.perDay
        let first = Int64(start.number) / day * day
        let after = (Int64(end.number) + day - 1) / day * day
        return UInt32(clamping: first)..<UInt32(clamping: after)
    }
}

/// Keys of equal validity, wherever they stand among others: all of them have identifiers for the same intervals.
struct KeyRun {
    /// Interval numbers: the first one that is compared, and the first one after the last.
    let start: UInt32
    let end: UInt32
    /// Positions of the keys, ascending.
    private(set) var ranges: [Range<Int>]

    func contains(_ interval: UInt32) -> Bool { start <= interval && interval < end }

    /// - Parameter keys: any; with equal metadata side by side there are few ranges.
    /// - Returns: ascending by validity.
    static func runs(of keys: [DiagnosisKey], reach: KeyReach = .validity) -> [KeyRun] {
        var groups: [(start: UInt32, end: UInt32, range: Range<Int>)] = []
        var lower = 0
        while lower < keys.count {
            let metadata = keys[lower].metadata
            var upper = lower + 1
            while upper < keys.count, keys[upper].metadata == metadata { upper += 1 }
            let intervals = reach.intervals(of: metadata)
            groups.append((intervals.lowerBound, intervals.upperBound, lower..<upper))
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
