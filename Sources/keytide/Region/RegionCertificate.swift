import Crypto
import Foundation
import HTTP2
import NIOCore
import SwiftASN1
import X509

/// A certificate that a machine makes for itself, with its private key, and the hash by which a roster names it.
///
/// Self-signed, since nobody but the roster says whose it is (pinning; RFC 5280 for the form). P-256: all TLS stacks
/// have it, and its signatures are small.
struct RegionCertificate {
    let certificatePEM: String
    /// PKCS #8. Whoever has it can pose as the region towards other nodes.
    let keyPEM: String
    /// SHA-256 over the certificate's DER form.
    let derHash: CertificateHash

    /// Makes a key pair and the certificate for it.
    /// - Parameters:
    ///   - name: common name, 1 to 64 characters (RFC 5280, appendix A): for people; nothing is decided by it.
    ///   - hosts: names and addresses under which clients that check names reach it.
    ///   - validFrom: unix seconds.
    ///   - days: 1 to 36,500.
    /// - Throws: `CommandError` if name, hosts or days are none.
    static func makeSelfSigned(
        name: String,
        hosts: [String],
        validFrom: Int64,
        days: Int
    ) throws -> RegionCertificate {
        guard (1...64).contains(name.count), (1...36_500).contains(days) else {
            throw CommandError("a certificate needs a name of 1 to 64 characters and 1 to 36500 days")
        }
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName(name) }
        let begin = Date(timeIntervalSince1970: TimeInterval(validFrom))
        let alternatives = try SubjectAlternativeNames(hosts.map(generalName))
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: begin,
            notValidAfter: begin.addingTimeInterval(TimeInterval(days) * 86_400),
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                // Clients are given this very certificate as their trust root.
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                if !hosts.isEmpty { alternatives }
            },
            issuerPrivateKey: .init(key)
        )
        let pem = try certificate.serializeAsPEM()
        return RegionCertificate(
            certificatePEM: pem.pemString + "\n",
            keyPEM: key.pemRepresentation + "\n",
            derHash: CertificateHash(hashing: pem.derBytes)
        )
    }

    private static func generalName(_ host: String) throws -> GeneralName {
        if let address = try? SocketAddress(ipAddress: host, port: 0) {
            switch address {
            case .v4(let v4):
                return .ipAddress(
                    ASN1OctetString(contentBytes: withUnsafeBytes(of: v4.address.sin_addr) { [UInt8]($0)[...] })
                )
            case .v6(let v6):
                return .ipAddress(
                    ASN1OctetString(contentBytes: withUnsafeBytes(of: v6.address.sin6_addr) { [UInt8]($0)[...] })
                )
            case .unixDomainSocket:
                break
            }
        }
        let allowed = host.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        guard allowed, (1...253).contains(host.utf8.count) else {
            throw CommandError("'\(host)' is neither a host name nor an IP address")
        }
        return .dnsName(host)
    }
}
