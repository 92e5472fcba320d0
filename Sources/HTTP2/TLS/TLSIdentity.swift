internal import NIOCore
internal import NIOSSL

/// A certificate chain with the private key of its first certificate, checked against each other.
public struct TLSIdentity: Sendable {
    /// The hash of the first certificate: what a roster or a client pins.
    public let hash: CertificateHash
    /// Unix seconds from which and up to which the first certificate is valid.
    public let validity: ClosedRange<Int64>

    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey

    /// Certificates in a chain.
    static let maxChain = 10

    /// Reads both from PEM text (RFC 7468).
    /// - Parameters:
    ///   - certificates: the chain, the own certificate first.
    ///   - key: an unencrypted private key, PKCS #8 or SEC 1.
    ///   - origin: what the two are called in errors, as file names.
    /// - Throws: `HTTPError` with `certificate`: no PEM, no or too many certificates, or a key of another certificate.
    public init(
        certificates: [UInt8],
        key: [UInt8],
        origin: (certificates: String, key: String) = ("the certificate", "the key")
    ) throws(HTTPError) {
        let (chain, leaf) = try Self.chain(certificates, origin.certificates)
        do {
            self.key = try NIOSSLPrivateKey(bytes: key, format: .pem)
        } catch {
            throw HTTPError(
                .certificate,
                "\(origin.key) holds no private key in PEM form without a password: put the certificate's key there",
                cause: error
            )
        }
        self.chain = chain
        hash = leaf.hash
        validity = leaf.validity
        do {
            // BoringSSL compares the two when it takes the key.
            _ = try NIOSSLContext(configuration: TLSIdentity.configuration(chain, self.key))
        } catch {
            throw HTTPError(
                .certificate,
                "\(origin.key) is not the key of the certificate in \(origin.certificates): give the two of one pair",
                cause: error
            )
        }
    }

    private static func chain(
        _ bytes: [UInt8],
        _ origin: String
    ) throws(HTTPError) -> ([NIOSSLCertificate], PeerCertificate) {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw HTTPError(
                .certificate,
                "\(origin) holds no certificate in PEM form: a block BEGIN CERTIFICATE belongs there",
                cause: error
            )
        }
        guard let first = chain.first, chain.count <= maxChain, let leaf = PeerCertificate(first) else {
            throw HTTPError(
                .certificate,
                "\(origin) holds \(chain.count) certificates: give 1 to \(maxChain), the own one first"
            )
        }
        return (chain, leaf)
    }

    /// - Throws: `certificate` if the certificate is not valid at `now`, unix seconds.
    public func check(now: Int64, origin: String) throws(HTTPError) {
        if now > validity.upperBound {
            let days = (now - validity.upperBound) / 86_400
            throw HTTPError(.certificate, "the certificate in \(origin) expired \(days) days ago: put a new one there")
        }
        if now < validity.lowerBound {
            throw HTTPError(
                .certificate,
                "the certificate in \(origin) is not valid yet, only in \((validity.lowerBound - now) / 60 + 1) minutes: is the "
                    + "clock right?"
            )
        }
    }

    private static func configuration(_ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) -> TLSConfiguration {
        .makeServerConfiguration(certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    }
}

/// What both ends have in common.
extension TLSConfiguration {
    /// TLS 1.3 only (RFC 8446); X25519 first, P-256 and P-384 for those that have nothing else.
    mutating func restrict() {
        minimumTLSVersion = .tlsv13
        maximumTLSVersion = .tlsv13
        curves = [.x25519, .secp256r1, .secp384r1]
        // As long as a cleartext connection gets to close after its last byte.
        shutdownTimeout = .seconds(1)
    }
}
