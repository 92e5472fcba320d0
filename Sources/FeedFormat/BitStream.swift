/// Writes bits, most significant first; the last byte is filled up with zeros.
package struct BitWriter {
    package private(set) var bytes: [UInt8] = []
    private var pending: UInt64 = 0
    private var pendingCount = 0

    package init() {}

    /// Appends the low `count` bits of `value`; 0...64.
    package mutating func write(_ value: UInt64, bits count: Int) {
        if count > 32 {
            writeUpTo32(value >> 32, bits: count - 32)
            writeUpTo32(value, bits: 32)
        } else {
            writeUpTo32(value, bits: count)
        }
    }

    /// Appends `count` zeros and a one.
    package mutating func writeUnary(_ count: Int) {
        var zeros = count
        while zeros >= 32 {
            writeUpTo32(0, bits: 32)
            zeros -= 32
        }
        writeUpTo32(1, bits: zeros + 1)
    }

    /// Exponential Golomb code of order `order` (0...15): see docs/FEED-FORMAT.md, "Numbers in bits".
    package mutating func writeExpGolomb(_ value: UInt64, order: Int) {
        let quotient = (value >> UInt64(order)) + 1
        let width = UInt64.bitWidth - quotient.leadingZeroBitCount
        writeUnary(width - 1)
        write(quotient, bits: width - 1)
        write(value, bits: order)
    }

    /// Fills the last byte with zeros and hands out all bytes.
    package mutating func finish() -> [UInt8] {
        if pendingCount > 0 { bytes.append(UInt8(truncatingIfNeeded: pending << UInt64(8 - pendingCount))) }
        pendingCount = 0
        return bytes
    }

    private mutating func writeUpTo32(_ value: UInt64, bits count: Int) {
        pending = pending << UInt64(count) | value & (1 << UInt64(count) - 1)
        pendingCount += count
        while pendingCount >= 8 {
            pendingCount -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> UInt64(pendingCount)))
        }
    }
}

/// Reads what `BitWriter` wrote. Reading past the end throws; nothing is read ahead of the slice.
package struct BitReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private var window: UInt64 = 0
    private var windowCount = 0
    private let what: StaticString

    package init(_ bytes: ArraySlice<UInt8>, reading what: StaticString) {
        self.bytes = bytes
        self.position = bytes.startIndex
        self.what = what
    }

    /// The next `count` bits as a number; 0...64.
    @inline(__always)
    package mutating func read(bits count: Int) throws(FormatError) -> UInt64 {
        if count <= 32 { return try readUpTo32(bits: count) }
        let high = try readUpTo32(bits: count - 32)
        return high << 32 | (try readUpTo32(bits: 32))
    }

    /// The number of zeros before the next one, which is consumed too.
    /// - Parameter limit: more zeros than this are an error.
    @inline(__always)
    package mutating func readUnary(upTo limit: Int) throws(FormatError) -> Int {
        var zeros = 0
        while true {
            refill()
            if windowCount == 0 { throw FormatError(.truncated, "\(what): the bits end inside a number") }
            let run = min((window << UInt64(64 - windowCount)).leadingZeroBitCount, windowCount)
            zeros += run
            if zeros > limit { throw FormatError(.outOfRange, "\(what): a number exceeds its range") }
            windowCount -= run
            if windowCount > 0 {
                windowCount -= 1
                return zeros
            }
        }
    }

    /// An exponential Golomb code of at most 32 value bits.
    package mutating func readExpGolomb(order: Int) throws(FormatError) -> UInt64 {
        let width = try readUnary(upTo: 32)
        let quotient = 1 << UInt64(width) | (try read(bits: width))
        return (quotient - 1) << UInt64(order) | (try read(bits: order))
    }

    /// Consumes the zeros that fill the last byte read from.
    /// - Returns: index of the first byte not read.
    package mutating func align() throws(FormatError) -> Int {
        let fill = windowCount % 8
        if fill > 0, try readUpTo32(bits: fill) != 0 {
            throw FormatError(.notCanonical, "\(what): padding bits are set")
        }
        return position - windowCount / 8
    }

    @inline(__always)
    private mutating func readUpTo32(bits count: Int) throws(FormatError) -> UInt64 {
        refill()
        guard count <= windowCount else { throw FormatError(.truncated, "\(what): the bits end inside a number") }
        windowCount -= count
        return window >> UInt64(windowCount) & (1 << UInt64(count) - 1)
    }

    @inline(__always)
    private mutating func refill() {
        while windowCount <= 56, position < bytes.endIndex {
            window = window << 8 | UInt64(bytes[position])
            windowCount += 8
            position += 1
        }
    }
}
