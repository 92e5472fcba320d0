/// The name of a region that publishes keys: a country and a code of its own for a province (`VN-01`), a further part for a district
/// (`VN-01-001`), or a country alone (`DE`).
///
/// Two to sixteen bytes: groups of `A-Z` and `0-9` joined by single hyphens, the first group letters only. A value of
/// this type is therefore safe in a path, a log line, a metric label and a file name.
public struct Region: Hashable, Comparable, Sendable {
    /// The code as written, for example `VN-01`.
    public let code: String

    /// - Returns: nil if `code` is not of the form above.
    public init?(_ code: some StringProtocol) {
        guard Region.isValid(code.utf8) else { return nil }
        self.code = String(code)
    }

    /// - Returns: nil if the bytes are not a region code in ASCII.
    public init?(ascii bytes: some Collection<UInt8>) {
        guard Region.isValid(bytes) else { return nil }
        self.code = String(decoding: bytes, as: UTF8.self)
    }

    public static func < (left: Region, right: Region) -> Bool {
        left.code.utf8.lexicographicallyPrecedes(right.code.utf8)
    }

    /// Longest code in bytes.
    public static let maximumLength = 16

    private static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        guard (2...maximumLength).contains(bytes.count) else { return false }
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
