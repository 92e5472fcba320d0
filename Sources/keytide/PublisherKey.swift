import Crypto
import ExposureNotification
import Foundation
import SwiftASN1
import X509

/// The file with the public key of an archive's publisher, in whatever form the publisher hands it out.
enum PublisherKey {
    /// - Returns: the key as DER.
    /// - Throws: `CommandError` that names the file.
    static func read(_ path: String) throws -> [UInt8] {
        let bytes = [UInt8](try Files.read(path))
        do throws(ExportError) {
            return try ExportVerificationKey(derOrPEM: bytes).derRepresentation
        } catch {
            if let key = try certifiedKey(bytes, path) { return Array(key.derRepresentation) }
            throw CommandError("\(path): \(error.reason)")
        }
    }

    /// Certificates are of some kilobytes; a chain, of several.
    private static let limit = 65_536

    /// The key of the first certificate in a file. Whether it is valid, and who has signed it, says nothing of archives:
    /// the operator vouches for the file.
    /// - Returns: nil if there is no certificate.
    private static func certifiedKey(_ bytes: [UInt8], _ path: String) throws -> P256.Signing.PublicKey? {
        guard bytes.count <= limit, let certificate = certificate(bytes) else { return nil }
        guard let key = P256.Signing.PublicKey(certificate.publicKey) else {
            throw CommandError(
                "\(path) is a certificate of a key that is not of curve P-256, the only one that archives use"
            )
        }
        return key
    }

    private static func certificate(_ bytes: [UInt8]) -> Certificate? {
        let text = String(decoding: bytes, as: UTF8.self)
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
        var der: [UInt8]? = bytes.first == 0x30 ? bytes : nil
        if let start = text.firstRange(of: begin), let stop = text[start.upperBound...].firstRange(of: end) {
            der = decoded(text[start.upperBound..<stop.lowerBound])
        } else if der == nil {
            der = decoded(text[...])
        }
        return der.flatMap { try? Certificate(derEncoded: $0) }
    }

    private static func decoded(_ base64: Substring) -> [UInt8]? {
        let digits = base64.unicodeScalars.filter { !$0.properties.isWhitespace && $0 != "\u{feff}" }
        return Data(base64Encoded: String(String.UnicodeScalarView(digits))).map { [UInt8]($0) }
    }
}
