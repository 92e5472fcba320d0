import ArgumentParser
import ExposureKeys
import ExposureNotification
import FeedStore
import Foundation
import RegionalNode

/// `keytide sample exports`: signed archives of synthetic keys, one a day.
struct SampleExportsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exports",
        abstract: "Make signed export archives of synthetic keys, one a day, and the public key that verifies them."
    )

    @Option(help: "Directory for the archives and publisher.der.", completion: .directory)
    var directory: String

    @Option(help: "End of the last archive.")
    var end: String = "2020-12-24T00:00:00Z"

    @Option(help: "Number of daily archives.")
    var days: Int = 7

    @Option(help: "People who tested positive each day; one gives about eight keys.")
    var patients: Int = 4000

    func run() throws {
        guard let end = NodeConfiguration.time(end), (1...14).contains(days), (1...60_000).contains(patients) else {
            throw ValidationError("--end must be a time, --days 1 to 14, --patients 1 to 60000")
        }
        try refuseUsedDirectory()
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw CommandError("the directory \(directory) cannot be made: \(SystemReason.text(error))")
        }
        let signer = ExportSigningKey()
        var random = SystemRandomNumberGenerator()
        for day in (0..<days).reversed() {
            let dayEnd = end - Int64(day) * 86_400
            let keys = ExportSynthesis(patients: patients, end: Interval(unixSeconds: dayEnd)).keys(using: &random)
            let writer = ExportArchiveWriter(
                start: dayEnd - 86_400,
                end: dayEnd,
                region: "VN",
                signatureInfo: SignatureInfo(verificationKeyVersion: "v1", verificationKeyID: "452")
            )
            let archive = try writer.archive(of: keys, signedWith: signer)
            let date = Date(timeIntervalSince1970: Double(dayEnd - 86_400)).formatted(.iso8601.year().month().day())
            try write(archive, "sample-\(date).zip")
        }
        try write(signer.verificationKey.derRepresentation, "publisher.der")
    }

    /// Archives of before would be signed by another key than the one that is written beside them.
    private func refuseUsedDirectory() throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let former = names.filter { $0 == "publisher.der" || $0.hasPrefix("sample-") && $0.hasSuffix(".zip") }.sorted()
        guard let first = former.first else { return }
        throw CommandError(
            "\(directory) holds \(first) and so samples of before, of another key: name another directory"
        )
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try Files.write(bytes, "\(directory)/\(name)")
        Output.progress("wrote \(directory)/\(name), \(Output.counted(bytes.count, "byte"))")
    }
}
