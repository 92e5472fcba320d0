import ExposureKeys
import FeedFormat

/// An encoder of diagnosis keys that checks nothing, for payloads that lie. Lists of numbers are written under order 0.
/// Starts as one confirmed key that ends at `Samples.publication`; docs/FEED-FORMAT.md has the layout.
struct RawKeys {
    struct Column {
        var width: Int
        var first: UInt64
        /// Gaps between further values, less 1.
        var gaps: [UInt64] = []
        var steps: [UInt64] = []
        /// Number of values that is claimed.
        var claimed: UInt64?
    }

    var groupCount: UInt64 = 1
    var reportType = Column(width: 3, first: 4)
    var rollingPeriod = Column(width: 8, first: 144)
    var transmissionRisk = Column(width: 4, first: 0)
    var daysSinceOnset = Column(width: 14, first: 0)
    var rollingStart = Column(width: 32, first: UInt64(Samples.publication.number) - 144)
    /// Keys of each group, less 1.
    var counts: [UInt64] = [0]
    var tablePadding: UInt8 = 0
    var lows: [UInt64] = [7]
    /// Per key: gap of the high half, and the Rice parameter.
    var highs: [(gap: UInt64, parameter: Int)] = [(gap: 1 << 63 | 5, parameter: 63)]
    var highPadding: UInt8 = 0
    var trailing: [UInt8] = []

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varint: groupCount)
        var table = BitWriter()
        for column in [reportType, rollingPeriod, transmissionRisk, daysSinceOnset, rollingStart] {
            table.writeExpGolomb(column.claimed ?? UInt64(column.gaps.count), order: 3)
            table.write(column.first, bits: column.width)
            guard !column.gaps.isEmpty else { continue }
            RawKeys.write(column.gaps, to: &table)
            RawKeys.write(column.steps, to: &table)
        }
        RawKeys.write(counts, to: &table)
        bytes.append(contentsOf: RawKeys.finish(&table, padding: tablePadding))
        for low in lows { bytes.append(bigEndian: low) }
        var high = BitWriter()
        for (gap, parameter) in highs {
            high.writeUnary(Int(gap >> UInt64(parameter)))
            high.write(gap, bits: parameter)
        }
        bytes.append(contentsOf: RawKeys.finish(&high, padding: highPadding))
        return bytes + trailing
    }

    /// Two groups that differ in the report type only, 0 then 1, with one key each.
    static var twoGroups: RawKeys {
        var raw = RawKeys()
        raw.groupCount = 2
        raw.reportType = Column(width: 3, first: 0, gaps: [0], steps: [0, 1])
        raw.counts = [0, 0]
        raw.lows = [7, 7]
        raw.highs = [(gap: 5, parameter: 63), (gap: 5, parameter: 63)]
        return raw
    }

    /// One confirmed Bluezone day key of the last day that is over at `Samples.publication`. What stands whole of a key are
    /// three numbers in `lows`.
    static var bluezone: RawKeys {
        var raw = RawKeys()
        raw.rollingStart.first = UInt64(Samples.publication.number) / 144 * 144 - 144
        raw.lows = [7, 8, 9]
        return raw
    }

    /// Two Bluezone day keys of one group.
    static func twoBluezone(_ lows: [UInt64], _ highs: [UInt64]) -> RawKeys {
        var raw = bluezone
        raw.counts = [1]
        raw.lows = lows
        raw.highs = highs.map { (gap: $0, parameter: 62) }
        return raw
    }

    /// Two keys of one group, with these gaps between their high halves.
    mutating func makeOneGroup(lows: [UInt64], highs: [UInt64]) {
        self = RawKeys()
        counts = [UInt64(lows.count - 1)]
        self.lows = lows
        self.highs = highs.map { (gap: $0, parameter: 62) }
    }

    private static func write(_ list: [UInt64], to bits: inout BitWriter) {
        bits.write(0, bits: 4)
        for value in list { bits.writeExpGolomb(value, order: 0) }
    }

    private static func finish(_ bits: inout BitWriter, padding: UInt8) -> [UInt8] {
        var bytes = bits.finish()
        if let last = bytes.popLast() { bytes.append(last | padding) }
        return bytes
    }
}
