public import ExposureKeys

/// The 12 bytes that a Bluezone phone broadcasts for a quarter of an hour (BLID), kept as two big-endian numbers so that
/// comparing values and comparing bytes give the same order.
public struct BluezoneIdentifier: Hashable, Comparable, Sendable {
    /// Bytes 0 to 7, big-endian.
    public let high: UInt64
    /// Bytes 8 to 11, big-endian.
    public let low: UInt32

    @inlinable
    public init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }

    /// - Returns: nil unless there are exactly 12 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 12 else { return nil }
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
        )
    }

    /// What is broadcast while a sub-key lasts: its bytes 0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28 and 30.
    public init(_ subKey: BluezoneSubKey) {
        func byte(_ number: Int, of word: UInt64) -> UInt64 { word >> UInt64(56 - 8 * number) & 0xff }
        let (word0, word1, word2, word3) = subKey.words
        let fromThird = (0..<4).reduce(0) { $0 << 8 | byte(2 * $1, of: word2) }
        let fromFourth = (0..<4).reduce(0) { $0 << 8 | byte(2 * $1, of: word3) }
        let first = byte(0, of: word0) << 24 | byte(4, of: word0) << 16 | byte(0, of: word1) << 8 | byte(4, of: word1)
        self.init(high: first << 32 | fromThird, low: UInt32(fromFourth))
    }

    /// The 12 bytes in the order in which they are broadcast.
    public var bytes: [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: high >> UInt64($0)) }
            + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: low >> UInt32($0)) }
    }

    @inlinable
    public static func < (left: BluezoneIdentifier, right: BluezoneIdentifier) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}
