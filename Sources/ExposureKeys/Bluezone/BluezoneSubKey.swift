/// A sub-key of Bluezone's key schedule: 32 bytes, kept as four big-endian words so that comparing values and comparing
/// bytes give the same order.
///
/// From a sub-key follow the later ones of its day and nothing else: neither earlier ones, nor the daily key above it,
/// nor another day.
public struct BluezoneSubKey: Hashable, Comparable, Sendable {
    /// Bytes 0 to 7, 8 to 15, 16 to 23 and 24 to 31, big-endian.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    @inlinable
    public init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        words = (word0, word1, word2, word3)
    }

    /// - Returns: nil unless there are exactly 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        func word(_ number: Int) -> UInt64 {
            bytes.dropFirst(8 * number).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(word(0), word(1), word(2), word(3))
    }

    /// The 32 bytes in their published order.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    @inlinable
    public static func == (left: BluezoneSubKey, right: BluezoneSubKey) -> Bool {
        left.words == right.words
    }

    @inlinable
    public static func < (left: BluezoneSubKey, right: BluezoneSubKey) -> Bool {
        left.words < right.words
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
