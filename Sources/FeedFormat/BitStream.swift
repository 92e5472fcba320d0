/// Writes bits, most significant first; the last byte is filled up with zeros.
package struct BitWriter {
    private var bytes: [UInt8]
    /// The last bits written; what stands above the lowest `pendingCount` is of no meaning.
    private var pending: UInt64 = 0
    /// 0...63.
    private var pendingCount = 0

    /// - Parameter bytes: what the bits follow, at a whole byte.
    package init(after bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    /// Appends the low `count` bits of `value`; 0...64.
    @inline(__always)
    package mutating func write(_ value: UInt64, bits count: Int) {
        let value = count < 64 ? value & (1 &<< UInt64(count) &- 1) : value
        let surplus = pendingCount + count - 64
        if surplus < 0 {
            pending = pending &<< UInt64(count) | value
            pendingCount += count
        } else {
            // Smart shifts: with nothing pending all 64 bits are shifted out.
            append(word: pending << UInt64(count - surplus) | value &>> UInt64(surplus))
            pending = value
            pendingCount = surplus
        }
    }

    /// Appends `count` zeros and a one.
    @inline(__always)
    package mutating func writeUnary(_ count: Int) {
        var zeros = count
        while zeros >= 64 {
            write(0, bits: 64)
            zeros -= 64
        }
        write(1, bits: zeros + 1)
    }

    /// Exponential Golomb code of order `order` (0...15): see docs/FEED-FORMAT.md, "Numbers in bits".
    package mutating func writeExpGolomb(_ value: UInt64, order: Int) {
        let quotient = (value >> UInt64(order)) + 1
        let width = UInt64.bitWidth - quotient.leadingZeroBitCount
        writeUnary(width - 1)
        write(quotient, bits: width - 1)
        write(value, bits: order)
    }

    /// Fills the last byte with zeros and hands out all bytes, those before the bits included.
    package consuming func finish() -> [UInt8] {
        var rest = pendingCount == 0 ? 0 : pending &<< UInt64(64 - pendingCount)
        for _ in 0..<(pendingCount + 7) / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest &>> 56))
            rest &<<= 8
        }
        return bytes
    }

    @inline(__always)
    private mutating func append(word: UInt64) {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
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
        if count <= BitReader.atOnce { return try readAtOnce(bits: count) }
        let high = try readAtOnce(bits: count - 32)
        return high << 32 | (try readAtOnce(bits: 32))
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
        if fill > 0, try readAtOnce(bits: fill) != 0 {
            throw FormatError(.notCanonical, "\(what): padding bits are set")
        }
        return position - windowCount / 8
    }

    /// Bits that the window holds at least after a refill, unless the slice ends.
    private static let atOnce = 57

    @inline(__always)
    private mutating func readAtOnce(bits count: Int) throws(FormatError) -> UInt64 {
        refill()
        guard count <= windowCount else { throw FormatError(.truncated, "\(what): the bits end inside a number") }
        windowCount -= count
        return window >> UInt64(windowCount) & (1 << UInt64(count) - 1)
    }

    /// Fills the window with whole bytes as far as they go and fit.
    @inline(__always)
    private mutating func refill() {
        if windowCount >= BitReader.atOnce { return }
        guard bytes.endIndex - position >= 8 else { return refillBytewise() }
        let start = position - bytes.startIndex
        let next = bytes.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self)) }
        let count = (64 - windowCount) / 8
        // A smart shift: with an empty window all 64 bits are shifted out.
        window = window << UInt64(8 * count) | next &>> UInt64(64 - 8 * count)
        windowCount += 8 * count
        position += count
    }

    private mutating func refillBytewise() {
        while windowCount < BitReader.atOnce, position < bytes.endIndex {
            window = window << 8 | UInt64(bytes[position])
            windowCount += 8
            position += 1
        }
    }
}
