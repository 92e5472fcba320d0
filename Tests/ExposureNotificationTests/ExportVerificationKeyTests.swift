import Crypto
import ExposureNotification
import Testing

struct ExportVerificationKeyTests {
    @Test func derAndPEMAreTheSameKey() throws {
        let pem = try ExportVerificationKey(derOrPEM: Array(ExportArchiveTests.goldenKey.utf8))
        let der = try ExportVerificationKey(derOrPEM: pem.derRepresentation)
        #expect(der.derRepresentation == pem.derRepresentation && pem.derRepresentation.count == 91)
        #expect(try ExportVerificationKey(derOrPEM: Array(der.pemRepresentation.utf8)).derRepresentation.count == 91)
        let golden = try ExportArchive.open(ExportArchiveTests.goldenBytes())
        try golden.verify(with: der)
    }

    @Test func whatIsNoPublicKeyIsRefused() throws {
        let signer = ExportSigningKey()
        let der = signer.verificationKey.derRepresentation
        let refused: [[UInt8]] = [
            [], [0x30], Array(der.dropLast()), Array(der.dropFirst()), der + [0],
            [UInt8](repeating: 0x30, count: 10_000),
            Array("-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----".utf8),
            Array(signer.pemRepresentation.utf8),
            Array(P384.Signing.PrivateKey().publicKey.derRepresentation),
        ]
        for bytes in refused {
            #expect(code { _ = try ExportVerificationKey(derOrPEM: bytes) } == .badVerificationKey)
        }
        var offCurve = der
        offCurve[90] ^= 1
        #expect(code { _ = try ExportVerificationKey(derOrPEM: offCurve) } == .badVerificationKey)
    }

    @Test func signingKeysAreKeptAsPEM() throws {
        let signer = ExportSigningKey()
        let again = try ExportSigningKey(derOrPEM: Array(signer.pemRepresentation.utf8))
        #expect(again.verificationKey.derRepresentation == signer.verificationKey.derRepresentation)
        let bytes = try writer().archive(of: [], signedWith: again)
        _ = try ExportArchive.open(bytes, verifiedWith: signer.verificationKey)
        #expect(code { _ = try ExportSigningKey(derOrPEM: [1, 2]) } == .badSigningKey)
        let publicKey = signer.verificationKey.derRepresentation
        #expect(code { _ = try ExportSigningKey(derOrPEM: publicKey) } == .badSigningKey)
    }

    @Test func errorsAreEqualByCodeAndSayWhatHappened() {
        #expect(ExportError(.tooLarge, "one") == ExportError(.tooLarge, "other"))
        #expect(ExportError(.tooLarge, "one") != ExportError(.truncated, "one"))
        #expect("\(ExportError(.tooLarge, "what it was"))" == "tooLarge: what it was")
    }
}
