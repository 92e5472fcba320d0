/// The 16 bytes that a phone broadcasts for ten minutes (rolling proximity identifier), kept as two big-endian halves
/// so that comparing values and comparing bytes give the same order.
public struct ProximityIdentifier: Hashable, Comparable, Sendable {
    /// Bytes 0 to 7, big-endian.
    public let high: UInt64
    /// Bytes 8 to 15, big-endian.
    public let low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Returns: nil unless there are exactly 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
        )
    }

    /// The 16 bytes in the order in which they are broadcast.
    public var bytes: [UInt8] {
        [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
        }
    }

    @inlinable
    public static func < (left: ProximityIdentifier, right: ProximityIdentifier) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}
