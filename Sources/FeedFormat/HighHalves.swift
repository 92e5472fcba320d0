/// The code for the first eight bytes of a group's keys, as ascending numbers: gaps in Golomb-Rice code. Every bit:
/// docs/FEED-FORMAT.md, "High halves".
package struct HighHalves {
    private let parameter: Int
    /// The largest quotient that a gap of 64 bits can have.
    private let longestRun: Int
    private var previous: UInt64 = 0

    /// - Parameter count: keys of the group, at least 1.
    @inline(__always)
    package init(count: Int) {
        parameter = HighHalves.riceParameter(count: count)
        longestRun = Int(UInt64.max >> UInt64(parameter))
    }

    /// - Parameter high: not less than the one before.
    @inline(__always)
    package mutating func write(_ high: UInt64, to bits: inout BitWriter) {
        let gap = high - previous
        previous = high
        bits.writeUnary(Int(gap >> UInt64(parameter)))
        bits.write(gap, bits: parameter)
    }

    @inline(__always)
    package mutating func read(from bits: inout BitReader) throws(FormatError) -> UInt64 {
        let quotient = try bits.readUnary(upTo: longestRun)
        let gap = UInt64(quotient) << UInt64(parameter) | (try bits.read(bits: parameter))
        let (high, overflow) = previous.addingReportingOverflow(gap)
        if overflow { throw FormatError(.outOfRange, "high halves of keys: a gap leads beyond 64 bits") }
        previous = high
        return high
    }

    /// The Rice parameter for a group: the gap between neighbours of `count` uniform 64-bit numbers, 2^64 / count on
    /// average, is then coded within 0.14 bits of its entropy.
    package static func riceParameter(count: Int) -> Int {
        64 - (Int.bitWidth - count.leadingZeroBitCount)
    }
}
