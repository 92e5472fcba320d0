import ExposureKeys
import ExposureNotification
import Foundation
import TestSupport

/// Real export archives and their public key, in the directory that `KEYTIDE_DATA` names. Tests that need them are
/// skipped where it is not set.
enum RealExports {
    static let directory = ProcessInfo.processInfo.environment["KEYTIDE_DATA"]
    /// Named, not looked for: a directory that is set and not there fails the tests.
    static let areNamed = directory != nil

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory ?? ".")/\(name)")))
    }

    static func key() throws -> ExportVerificationKey {
        try ExportVerificationKey(derOrPEM: bytes("cwa-export-public-key.der"))
    }

    /// Names of all archives, ascending.
    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory ?? ".").filter { $0.hasSuffix(".zip") }.sorted()
    }
}

/// Keys of every kind that a `DiagnosisKey` can be, as far as the export format can carry them.
func randomKeys(_ count: Int, using random: inout SplitMix64) -> [DiagnosisKey] {
    (0..<count).compactMap { _ in
        let metadata = KeyMetadata(
            rollingStart: Interval(UInt32.random(in: 2_600_000...2_700_000, using: &random)),
            rollingPeriod: Int.random(in: KeyMetadata.rollingPeriods, using: &random),
            reportType: ReportType.allCases.randomElement(using: &random) ?? .unknown,
            transmissionRisk: Int.random(in: KeyMetadata.transmissionRisks, using: &random),
            daysSinceOnset: Bool.random(using: &random) ? Int.random(in: -14...4014, using: &random) : nil
        )
        let data = KeyData(high: random.next(), low: random.next())
        return metadata.map { DiagnosisKey(data: data, metadata: $0) }
    }
}

func writer() -> ExportArchiveWriter {
    ExportArchiveWriter(
        start: 1_608_681_600,
        end: 1_608_768_000,
        region: "VN",
        signatureInfo: SignatureInfo(verificationKeyVersion: "v1", verificationKeyID: "452")
    )
}

/// The code of the error that `body` throws, or nil if it throws none.
func code(of body: () throws -> Void) -> ExportError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ExportError)?.code
    }
}
