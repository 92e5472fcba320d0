internal import Crypto
public import FeedFormat
internal import Foundation

/// Signs any text, so that mutated texts get past the signature to the parser behind it. Written from
/// docs/FEED-FORMAT.md, apart from the module under test.
public struct Notary {
    public let name: String
    public let type: UInt8
    private let seed: [UInt8]

    /// - Parameters:
    ///   - type: 1 signs the text, 4 a time and the text.
    ///   - seed: every byte of the private key.
    public init(name: String, type: UInt8, seed: UInt8) {
        self.name = name
        self.type = type
        self.seed = [UInt8](repeating: seed, count: 32)
    }

    /// Nil only if the name is not allowed in a note.
    public var verifier: NoteVerifier? {
        guard let key = publicKey, let algorithm = NoteVerifier.Algorithm(rawValue: type) else { return nil }
        return NoteVerifier(name: name, algorithm: algorithm, publicKey: key)
    }

    /// The text, an empty line and the signature line, followed by that of `other`.
    public func note(_ text: [UInt8], time: UInt64 = 1_602_000_000, with other: Notary? = nil) -> [UInt8] {
        let lines = [self, other].compactMap { $0?.line(under: text, time: time) }
        return text + Array(("\n" + lines.joined()).utf8)
    }

    private func line(under text: [UInt8], time: UInt64) -> String? {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed), let publicKey else { return nil }
        let identity = SHA256.hash(data: Array(name.utf8) + [0x0a, type] + publicKey).prefix(4)
        let stamped = type == 4
        let message = (stamped ? Array("cosignature/v1\ntime \(time)\n".utf8) : []) + text
        guard let signature = try? key.signature(for: message) else { return nil }
        let stamp = stamped ? (0..<8).map { UInt8(truncatingIfNeeded: time >> UInt64(56 - 8 * $0)) } : []
        return "— \(name) \(Notary.base64(Array(identity) + stamp + signature))\n"
    }

    public static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private var publicKey: [UInt8]? {
        (try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)).map { [UInt8]($0.publicKey.rawRepresentation) }
    }
}
