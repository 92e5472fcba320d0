/// One unbroken life of a region's feed: its start time in unix seconds (high 32 bits) and 32 random bits.
///
/// Written as 16 lower-case hexadecimal digits; in files and on the wire as 8 bytes, big-endian, so that text, bytes
/// and numbers sort alike and by start time.
public struct Epoch: Hashable, Comparable, Sendable {
    public let value: UInt64

    public init(_ value: UInt64) {
        self.value = value
    }

    /// - Parameters:
    ///   - startUnixSeconds: when the feed began; clamped to the range of 32 bits.
    ///   - random: 32 bits that no second copy of the region's node would draw as well.
    public init(startUnixSeconds: Int64, random: UInt32) {
        self.value = UInt64(UInt32(clamping: startUnixSeconds)) << 32 | UInt64(random)
    }

    /// - Returns: nil unless `text` is exactly 16 digits of lower-case hexadecimal.
    public init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8
        guard digits.count == 16 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self.value = value
    }

    public var startUnixSeconds: Int64 { Int64(value >> 32) }

    public static func < (left: Epoch, right: Epoch) -> Bool { left.value < right.value }
}

extension Epoch: CustomStringConvertible {
    public var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
