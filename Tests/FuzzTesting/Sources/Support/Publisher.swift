internal import Crypto

/// Puts any bytes into an export archive, so that mutated messages get past the ZIP records to the parsers behind them.
/// Written from PKWARE's APPNOTE and the export format, apart from the module under test.
public struct Publisher: Sendable {
    private let key: P256.Signing.PrivateKey

    /// - Parameter seed: every byte of the private key, 1...254. Nil if that is no key.
    public init?(seed: UInt8) {
        guard let key = try? P256.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: seed, count: 32)) else {
            return nil
        }
        self.key = key
    }

    /// DER, as `ExportVerificationKey` takes it.
    public var publicKey: [UInt8] { [UInt8](key.publicKey.derRepresentation) }

    /// An `export.sig` with one signature over these bytes, without labels. Empty if signing fails.
    public func signatures(over export: [UInt8]) -> [UInt8] {
        guard let signature = try? key.signature(for: export) else { return [] }
        // At most 72 bytes: every length is a single byte.
        let der = [UInt8](signature.derRepresentation)
        return [0x0a, UInt8(der.count + 2), 0x22, UInt8(der.count)] + der
    }

    /// What every `export.bin` begins with.
    public static let header = Array("EK Export v1    ".utf8)

    /// An archive of these two members, stored.
    public static func archive(export: [UInt8], signatures: [UInt8]) -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in [("export.bin", export), ("export.sig", signatures)] {
            let size = little(content.count, bytes: 4)
            // Version 2.0, no flags, stored, no date.
            let common =
                [20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + little(Int(checksum(content)), bytes: 4) + size + size
                + little(name.utf8.count, bytes: 2) + [0, 0]
            directory += Array("PK\u{1}\u{2}".utf8) + [20, 0] + common + [UInt8](repeating: 0, count: 10)
            directory += little(archive.count, bytes: 4) + Array(name.utf8)
            archive += Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8) + content
        }
        let end =
            Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0, 2, 0, 2, 0] + little(directory.count, bytes: 4)
            + little(archive.count, bytes: 4) + [0, 0]
        return archive + directory + end
    }

    private static func little(_ value: Int, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// CRC-32, four bits at a time.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            let low = (sum ^ UInt32(byte)) >> 4 ^ table[Int((sum ^ UInt32(byte)) & 15)]
            return low >> 4 ^ table[Int(low & 15)]
        }
    }

    private static let table: [UInt32] = (0..<16).map { index in
        (0..<4).reduce(UInt32(index)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xedb8_8320 : 0) }
    }
}
