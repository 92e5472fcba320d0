import Crypto

/// The P-256 public key of an export's publisher.
public struct ExportVerificationKey: Sendable {
    private let key: P256.Signing.PublicKey

    /// - Parameter derOrPEM: a SubjectPublicKeyInfo, as DER, as PEM (`-----BEGIN PUBLIC KEY-----`, with whatever text
    ///   and ends of line around it), or as the base64 of the DER alone, as publishers hand it out.
    /// - Throws: `badVerificationKey`.
    public init(derOrPEM bytes: [UInt8]) throws(ExportError) {
        let file = KeyFile(bytes, label: "PUBLIC KEY")
        do {
            switch file {
            case .none: throw KeyFile.Failure()
            case .pem(let text): key = try P256.Signing.PublicKey(pemRepresentation: text)
            case .der(let bytes): key = try P256.Signing.PublicKey(derRepresentation: bytes)
            }
        } catch {
            throw ExportError(.badVerificationKey, KeyFile.fault(in: bytes), cause: error)
        }
    }

    init(_ key: P256.Signing.PublicKey) {
        self.key = key
    }

    /// The key as DER SubjectPublicKeyInfo, 91 bytes.
    public var derRepresentation: [UInt8] { Array(key.derRepresentation) }
    public var pemRepresentation: String { key.pemRepresentation }

    /// Succeeds if one of the signatures was made by this key over a file of this digest. The labels beside a signature
    /// are its author's claim and decide nothing, except that algorithms other than ECDSA with SHA-256 are passed over.
    /// - Throws: `noSignature`, `wrongSignature`.
    func check(_ signatures: [ExportSignature], over digest: SHA256.Digest) throws(ExportError) {
        let algorithms = ["", SignatureInfo.ecdsaWithSHA256]
        let usable = signatures.filter { algorithms.contains($0.info.signatureAlgorithm) && !$0.der.isEmpty }
        guard !usable.isEmpty else {
            throw ExportError(
                .noSignature,
                "none of \(signatures.count) signatures in export.sig is ECDSA with SHA-256; refuse the archive"
            )
        }
        for candidate in usable {
            guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: candidate.der) else { continue }
            if key.isValidSignature(signature, for: digest) { return }
        }
        throw ExportError(
            .wrongSignature,
            "the key given made none of \(usable.count) signatures over export.bin; check it or refuse the archive"
        )
    }
}

/// The P-256 private key of a publisher, for `ExportArchiveWriter`. Keep it offline or in the node's own storage.
public struct ExportSigningKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// A new key from the system's random generator.
    public init() {
        key = P256.Signing.PrivateKey()
    }

    /// - Parameter derOrPEM: SEC 1 or PKCS#8, as DER or PEM.
    /// - Throws: `badSigningKey`. Its cause names no key bytes.
    public init(derOrPEM bytes: [UInt8]) throws(ExportError) {
        do {
            switch KeyFile(bytes, label: nil) {
            case .none: throw KeyFile.Failure()
            case .pem(let text): key = try P256.Signing.PrivateKey(pemRepresentation: text)
            case .der(let bytes): key = try P256.Signing.PrivateKey(derRepresentation: bytes)
            }
        } catch {
            throw ExportError(
                .badSigningKey,
                "\(bytes.count) bytes are no P-256 private key in DER or PEM",
                cause: error
            )
        }
    }

    public var verificationKey: ExportVerificationKey { ExportVerificationKey(key.publicKey) }
    /// PKCS#8 in PEM. Secret.
    public var pemRepresentation: String { key.pemRepresentation }

    func signature(over bytes: [UInt8]) throws(ExportError) -> [UInt8] {
        do {
            return Array(try key.signature(for: bytes).derRepresentation)
        } catch {
            throw ExportError(.internalFailure, "signing \(bytes.count) bytes failed", cause: error)
        }
    }
}
