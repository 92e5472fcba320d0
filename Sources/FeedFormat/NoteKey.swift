internal import Crypto
internal import Foundation

/// A public key that verifies notes, with the name under which it signs.
public struct NoteVerifier: Hashable, Sendable {
    /// How a signature is made over a note's text.
    public enum Algorithm: UInt8, Sendable {
        /// Ed25519 over the text (C2SP signed-note, type 0x01).
        case ed25519 = 0x01
        /// Ed25519 over a time and the text (C2SP cosignature/v1, type 0x04).
        case cosignature = 0x04
    }

    public let name: String
    public let algorithm: Algorithm
    /// 32 bytes.
    public let publicKey: [UInt8]

    /// - Returns: nil if the name is not allowed in a note or the key is not 32 bytes.
    public init?(name: String, algorithm: Algorithm, publicKey: [UInt8]) {
        guard NoteKeyName.isValid(name), publicKey.count == 32 else { return nil }
        self.name = name
        self.algorithm = algorithm
        self.publicKey = publicKey
    }

    /// Reads the text form `name+hash+base64`.
    public init?(_ text: some StringProtocol) {
        let parts = String(text).unicodeScalars.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
            .map { String($0) }
        guard parts.count == 3, let raw = Base64.decode(parts[2]), raw.count == 33,
            let algorithm = Algorithm(rawValue: raw[0])
        else { return nil }
        self.init(name: parts[0], algorithm: algorithm, publicKey: Array(raw.dropFirst()))
        guard parts[1] == keyIDText else { return nil }
    }

    /// The text form `name+hash+base64` of C2SP signed-note.
    public var text: String {
        "\(name)+\(keyIDText)+\(Base64.encode([algorithm.rawValue] + publicKey))"
    }

    /// First four bytes of SHA-256(name || 0x0A || type || key), big-endian.
    package var keyID: UInt32 {
        let input = Array(name.utf8) + [0x0a, algorithm.rawValue] + publicKey
        return Hash256(hashing: input[...]).bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    fileprivate var keyIDText: String {
        let digits = String(keyID, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Checks this key's signature on a note.
    /// - Returns: unix time of the signature in seconds; nil under `.ed25519`, which has none.
    /// - Throws: `.missingSignature` if the note has no signature by this key, `.wrongSignature` if it does not fit.
    package func verify(_ note: SignedNote) throws(FormatError) -> Int64? {
        guard let signature = note.signatures.first(where: { $0.name == name && $0.keyID == keyID }) else {
            throw FormatError(.missingSignature, "the note bears no signature of \(name)")
        }
        let timeSize = algorithm == .cosignature ? 8 : 0
        let wrong = FormatError(.wrongSignature, "the signature of \(name) does not fit the note")
        guard signature.body.count == timeSize + 64 else { throw wrong }
        var time: UInt64?
        if algorithm == .cosignature { time = signature.body.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
        guard (time ?? 0) <= UInt64(Int64.max),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey),
            key.isValidSignature(signature.body.dropFirst(timeSize), for: NoteSigner.message(note.text, time: time))
        else { throw wrong }
        return time.map { Int64($0) }
    }
}

/// A private key that signs notes.
public struct NoteSigner: Sendable {
    public let verifier: NoteVerifier
    private let seed: [UInt8]

    /// - Parameter seed: the 32 bytes of an Ed25519 private key.
    /// - Returns: nil if the name is not allowed in a note or the seed is not 32 bytes.
    public init?(name: String, algorithm: NoteVerifier.Algorithm, seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let verifier = NoteVerifier(
                name: name,
                algorithm: algorithm,
                publicKey: [UInt8](key.publicKey.rawRepresentation)
            )
        else { return nil }
        self.verifier = verifier
        self.seed = seed
    }

    /// Reads the text form `PRIVATE+KEY+name+hash+base64`, as `text` gives it.
    public init?(_ text: some StringProtocol) {
        // By code point, as for the public key.
        let scalars = String(text).unicodeScalars
        guard scalars.starts(with: NoteSigner.mark.unicodeScalars) else { return nil }
        let parts = scalars.dropFirst(NoteSigner.mark.unicodeScalars.count)
            .split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 3, let raw = Base64.decode(parts[2]), raw.count == 33,
            let algorithm = NoteVerifier.Algorithm(rawValue: raw[0])
        else { return nil }
        self.init(name: parts[0], algorithm: algorithm, seed: Array(raw.dropFirst()))
        guard verifier.keyIDText == parts[1] else { return nil }
    }

    /// The text form of the private key. A secret: for a key file that only its owner can read.
    public var text: String {
        "\(NoteSigner.mark)\(verifier.name)+\(verifier.keyIDText)+\(Base64.encode([verifier.algorithm.rawValue] + seed))"
    }

    private static let mark = "PRIVATE+KEY+"

    /// - Parameter time: unix seconds; used under `.cosignature` only.
    package func sign(_ text: String, time: Int64) throws(FormatError) -> SignedNote.Signature {
        let stamp = verifier.algorithm == .cosignature ? UInt64(max(0, time)) : nil
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let signature = try? key.signature(for: NoteSigner.message(text, time: stamp))
        else { throw FormatError(.wrongSignature, "\(verifier.name) could not sign: its private key is unusable") }
        var body: [UInt8] = []
        if let stamp { body.append(bigEndian: stamp) }
        body.append(contentsOf: signature)
        return SignedNote.Signature(name: verifier.name, keyID: verifier.keyID, body: body)
    }

    /// The bytes that are signed.
    fileprivate static func message(_ text: String, time: UInt64?) -> Data {
        if let time { return Data("cosignature/v1\ntime \(time)\n\(text)".utf8) }
        return Data(text.utf8)
    }
}
