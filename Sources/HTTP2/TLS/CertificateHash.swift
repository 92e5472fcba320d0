internal import Crypto

/// SHA-256 over the DER form of an X.509 certificate: 32 bytes that stand for it where it is pinned.
public struct CertificateHash: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// Nil unless there are 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == SHA256.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    public init(hashing der: [UInt8]) {
        bytes = Array(SHA256.hash(data: der))
    }

    /// The first eight digits, enough to tell certificates apart in a log.
    public var prefix: String { String(description.prefix(8)) }

    /// 64 hexadecimal digits.
    public var description: String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
