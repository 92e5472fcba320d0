/// The name of a region that publishes keys: a country and a code of its own for a province (`VN-01`), a further part for a district
/// (`VN-01-001`), or a country alone (`DE`).
///
/// Two to sixteen bytes: groups of `A-Z` and `0-9` joined by single hyphens, the first group letters only. A value of
/// this type is therefore safe in a path, a log line, a metric label and a file name.
public struct Region: Hashable, Comparable, Sendable {
    /// Up to eight bytes of the code each, the first one highest, zeros behind the last: kept inline, since regions are
    /// compared and copied all the time.
    private let high: UInt64
    private let low: UInt64

    /// The code as written, for example `VN-01`.
    public var code: String {
        String(unsafeUninitializedCapacity: Region.maximumLength) { buffer in
            var count = 0
            for half in 0..<2 {
                var word = half == 0 ? high : low
                while word != 0 {
                    buffer[count] = UInt8(truncatingIfNeeded: word >> 56)
                    word <<= 8
                    count += 1
                }
            }
            return count
        }
    }

    /// - Returns: nil if `code` is not of the form above.
    public init?(_ code: some StringProtocol) {
        self.init(ascii: code.utf8)
    }

    /// - Returns: nil if the bytes are not a region code in ASCII.
    public init?(ascii bytes: some Collection<UInt8>) {
        // Whatever comes from elsewhere may be long.
        guard (2...Region.maximumLength).contains(bytes.count) else { return nil }
        // Frames are full of regions: bytes that lie together are read without asking their collection for each.
        let region = bytes.withContiguousStorageIfAvailable { Region(parsing: $0) }
        guard let region = region ?? Array(bytes).withUnsafeBufferPointer({ Region(parsing: $0) }) else { return nil }
        self = region
    }

    /// - Parameter bytes: no more than `maximumLength`.
    private init?(parsing bytes: UnsafeBufferPointer<UInt8>) {
        guard Region.isValid(bytes) else { return nil }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for position in bytes.indices {
            let byte = bytes[position]
            let shift = UInt64(56 - 8 * (position % 8))
            if position < 8 { words.high |= UInt64(byte) << shift } else { words.low |= UInt64(byte) << shift }
        }
        (high, low) = words
    }

    public static func < (left: Region, right: Region) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    /// Longest code in bytes.
    public static let maximumLength = 16

    private static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var inFirstGroup = true
        var groupIsEmpty = true
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                groupIsEmpty = false
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if inFirstGroup { return false }
                groupIsEmpty = false
            case UInt8(ascii: "-"):
                if groupIsEmpty { return false }
                groupIsEmpty = true
                inFirstGroup = false
            default:
                return false
            }
        }
        return !groupIsEmpty
    }
}

extension Region: CustomStringConvertible {
    public var description: String { code }
}
