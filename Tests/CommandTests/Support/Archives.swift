import ExposureKeys
import ExposureNotification
import Foundation
import TestSupport

/// Archives of synthetic keys by one publisher.
struct Archives {
    /// 2020-12-24T00:00:00Z: where the clocks of nodes under test stand.
    static let time: Int64 = 1_608_768_000
    static let timeText = "2020-12-24T00:00:00Z"

    let signer = ExportSigningKey()
    let keyPath: String
    private let scratch: Scratch
    private let time: Int64

    /// - Parameter time: unix seconds at which the archives end.
    init(in scratch: Scratch, time: Int64 = Archives.time) throws {
        self.scratch = scratch
        self.time = time
        keyPath = try scratch.write(signer.verificationKey.derRepresentation, "publisher.der")
    }

    struct Archive: Sendable {
        let path: String
        let keys: [DiagnosisKey]
        var data: Set<KeyData> { Set(keys.map(\.data)) }
        let bytes: [UInt8]
    }

    /// Writes an archive whose keys are all to be published, about eight a patient.
    func make(_ name: String, patients: Int) throws -> Archive {
        var random = SystemRandomNumberGenerator()
        let end = Interval(unixSeconds: time - 7200)
        let keys = ExportSynthesis(patients: patients, end: end).keys(using: &random).filter { key in
            key.metadata.end <= end
                && Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: end.advanced(by: Interval.perDay))
        }
        let bytes = try archive(of: keys)
        return Archive(path: try scratch.write(bytes, name), keys: keys, bytes: bytes)
    }

    /// Writes an archive that revokes keys.
    func revoke(_ name: String, _ keys: [DiagnosisKey]) throws -> Archive {
        let revoked = keys.map { DiagnosisKey(data: $0.data, metadata: $0.metadata.with(reportType: .revoked)) }
        let bytes = try archive(of: [], revised: revoked)
        return Archive(path: try scratch.write(bytes, name), keys: revoked, bytes: bytes)
    }

    func archive(of keys: [DiagnosisKey], revised: [DiagnosisKey] = []) throws -> [UInt8] {
        let writer = ExportArchiveWriter(
            start: time - 86_400,
            end: time,
            region: "VN",
            signatureInfo: SignatureInfo(verificationKeyVersion: "v1", verificationKeyID: "452")
        )
        return try writer.archive(of: keys, revised: revised, signedWith: signer)
    }
}
