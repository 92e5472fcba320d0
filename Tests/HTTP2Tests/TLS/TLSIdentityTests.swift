import Foundation
import HTTP2
import TestSupport
import Testing

@Suite("Certificates and keys")
struct TLSIdentityTests {
    /// The reason for which the two files are refused.
    private func refusal(
        _ certificate: [UInt8]?,
        _ key: [UInt8]?,
        now: Int64 = TestCertificate.now
    ) throws -> (HTTPError?, TLSFiles) {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        if let certificate { try folder.file("chain.pem", Data(certificate)) }
        if let key { try folder.file("key.pem", Data(key)) }
        let files = TLSFiles(certificate: folder.path("chain.pem"), key: folder.path("key.pem"))
        do {
            _ = try files.load(now: now)
            return (nil, files)
        } catch {
            return (error, files)
        }
    }

    @Test("A pair gives hash and validity, a chain those of its first certificate")
    func pair() throws {
        let (certificate, other) = (try TestCertificate(), try TestCertificate())
        let chain = certificate.certificatePEM + other.certificatePEM
        let hash = try certificate.certificateHash()
        let identity = try TLSIdentity(certificates: chain, key: certificate.keyPEM)
        #expect(identity.hash == hash)
        #expect(identity.validity.contains(TestCertificate.now))
        #expect(identity.validity.upperBound - identity.validity.lowerBound == 2 * 86_400)
        #expect(try refusal(chain, certificate.keyPEM).0 == nil)
    }

    @Test("A key of another certificate is named with both files")
    func wrongKey() throws {
        let (error, files) = try refusal(try TestCertificate().certificatePEM, try TestCertificate().keyPEM)
        #expect(error?.code == .certificate)
        #expect(error?.reason.contains(files.key) == true && error?.reason.contains(files.certificate) == true)
        #expect(error?.reason.contains("is not the key of") == true, "\(String(describing: error))")
    }

    @Test("What is missing, empty or no PEM is named with its file")
    func noFiles() throws {
        let good = try TestCertificate()
        let cases: [(certificate: [UInt8]?, key: [UInt8]?, isKey: Bool)] = [
            (nil, good.keyPEM, false), (good.certificatePEM, nil, true), ([], good.keyPEM, false),
            (good.certificatePEM, [], true), (good.keyPEM, good.keyPEM, false),
            (good.certificatePEM, good.certificatePEM, true),
            (Array(good.certificatePEM.dropLast(40)), good.keyPEM, false),
            (good.certificatePEM, Array(good.keyPEM.prefix(60)), true),
            ([UInt8](repeating: 65, count: TLSFiles.sizeLimit + 1), good.keyPEM, false),
        ]
        for (number, example) in cases.enumerated() {
            let (error, files) = try refusal(example.certificate, example.key)
            #expect(error?.code == .certificate, "case \(number)")
            let path = example.isKey ? files.key : files.certificate
            #expect(error?.reason.contains(path) == true, "case \(number): \(String(describing: error))")
        }
    }

    @Test("Too many certificates are no chain")
    func longChain() throws {
        let good = try TestCertificate()
        let chain = Array(repeatElement(good.certificatePEM, count: 11).joined())
        #expect(try refusal(chain, good.keyPEM).0?.reason.contains("11 certificates") == true)
        #expect(try refusal(Array(chain.dropFirst(good.certificatePEM.count)), good.keyPEM).0 == nil)
    }

    @Test("An expired certificate is told by its days, one that is not valid yet by its time")
    func validity() throws {
        let now = TestCertificate.now
        let good = try TestCertificate(validity: (now - 10 * 86_400)...(now + 10 * 86_400))
        let late = try refusal(good.certificatePEM, good.keyPEM, now: now + 13 * 86_400).0
        #expect(late?.reason.contains("expired 3 days ago") == true, "\(String(describing: late))")
        let early = try refusal(good.certificatePEM, good.keyPEM, now: now - 11 * 86_400).0
        #expect(early?.reason.contains("not valid yet") == true)
        #expect(try refusal(good.certificatePEM, good.keyPEM, now: now + 10 * 86_400 - 1).0 == nil)
    }

    @Test("A key that others can read earns a warning", arguments: [(0o600, false), (0o640, true), (0o604, true)])
    func permissions(mode: Int, isWarned: Bool) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let key = try folder.file("key.pem", Data("x".utf8))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key.path)
        let warning = TLSFiles(certificate: "none", key: key.path).warning
        #expect((warning != nil) == isWarned)
        #expect(warning?.contains(key.path) ?? true)
    }
}
