internal import Crypto
internal import Foundation
internal import SwiftASN1
internal import X509

/// A self-signed certificate with any validity, and its key.
package struct TestCertificate: Sendable {
    package let certificatePEM: [UInt8]
    package let keyPEM: [UInt8]
    /// SHA-256 over the DER form.
    package let hash: [UInt8]

    /// Unix seconds now.
    package static var now: Int64 { Int64(Date().timeIntervalSince1970) }

    /// - Parameters:
    ///   - host: DNS name for which it is.
    ///   - validity: unix seconds; a day around now unless given.
    package init(_ host: String = "localhost", validity: ClosedRange<Int64>? = nil) throws {
        let validity = validity ?? (TestCertificate.now - 86_400)...(TestCertificate.now + 86_400)
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("test \(host)") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: TimeInterval(validity.lowerBound)),
            notValidAfter: Date(timeIntervalSince1970: TimeInterval(validity.upperBound)),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                SubjectAlternativeNames([.dnsName(host)])
            },
            issuerPrivateKey: .init(key)
        )
        let pem = try certificate.serializeAsPEM()
        certificatePEM = Array((pem.pemString + "\n").utf8)
        keyPEM = Array((key.pemRepresentation + "\n").utf8)
        hash = Array(SHA256.hash(data: pem.derBytes))
    }
}
