internal import Crypto

/// A SHA-256 value, kept inline.
public struct Hash256: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// - Returns: nil unless there are exactly 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        // Every digest and batch that comes over a link is parsed here: step by step, a collection whose type is not known
        // costs as much as all else that is done with the frame.
        let hash = bytes.withContiguousStorageIfAvailable { Hash256(UnsafeRawBufferPointer($0)) }
        self = hash ?? Array(bytes).withUnsafeBytes { Hash256($0) }
    }

    /// SHA-256 of `bytes`.
    public init(hashing bytes: ArraySlice<UInt8>) {
        self.init(SHA256.hash(data: bytes))
    }

    /// Leaf hash of RFC 6962, 2.1: SHA-256(0x00 || bytes).
    public init(leaf bytes: ArraySlice<UInt8>) {
        var hasher = SHA256()
        hasher.update(data: [0] as [UInt8])
        hasher.update(data: bytes)
        self.init(hasher.finalize())
    }

    /// Inner node of RFC 6962, 2.1: SHA-256(0x01 || left || right).
    public init(left: Hash256, right: Hash256) {
        var bytes: [UInt8] = [1]
        bytes.reserveCapacity(65)
        left.append(to: &bytes)
        right.append(to: &bytes)
        self.init(hashing: bytes[...])
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(to: &bytes)
        return bytes
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    public static func == (left: Hash256, right: Hash256) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

    func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: words.0)
        bytes.append(bigEndian: words.1)
        bytes.append(bigEndian: words.2)
        bytes.append(bigEndian: words.3)
    }

    private init(_ digest: SHA256.Digest) {
        self = digest.withUnsafeBytes { Hash256($0) }
    }

    /// - Parameter raw: 32 bytes.
    private init(_ raw: UnsafeRawBufferPointer) {
        words = (
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        )
    }
}
