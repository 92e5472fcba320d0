import ArgumentParser
import ExposureNotification
import Foundation

/// `keytide inspect`: what export archives hold, without publishing anything.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Check export archives and show what they hold.",
        discussion: """
            All that are good are shown. Exit status: 0 all are good, 1 at least one is not (named on standard error).
            """
    )

    @Option(
        help: "Public key of the archives' publisher: DER, PEM, a line of base64, or a certificate.",
        completion: .file()
    )
    var key: String

    @Flag(help: "Print only the end of the latest archive, in unix seconds: the earliest sensible --as-of.")
    var latestEnd = false

    @Flag(help: "One JSON object per archive.")
    var json = false

    @Argument(help: "Export archives.", completion: .file())
    var archives: [String]

    private struct Line: Encodable {
        var archive: String
        var region: String
        var start: Int64
        var end: Int64
        var keys: Int
        var malformed: Int
    }

    func run() throws {
        let verification = try ExportVerificationKey(derOrPEM: PublisherKey.read(key))
        var lines: [Line] = []
        var faults: [String] = []
        var bad = 0
        for path in archives {
            let name = (path as NSString).lastPathComponent
            do {
                let export = try ExportArchive.open([UInt8](Files.read(path)), verifiedWith: verification)
                lines.append(
                    Line(
                        archive: name,
                        region: export.region,
                        start: export.start,
                        end: export.end,
                        keys: export.keys.count,
                        malformed: export.rejected.count
                    )
                )
                faults += InspectCommand.malformed(export.rejected).map { "\(name): \($0)" }
            } catch let error as ExportError {
                faults.append("\(name): \(error)")
                bad += 1
            } catch {
                faults.append("\(error)")
                bad += 1
            }
        }
        try show(lines, isWhole: bad == 0)
        for fault in faults { Output.progress(fault) }
        if bad > 0 {
            throw CommandError("\(bad) of \(archives.count) archives cannot be used")
        }
    }

    /// What is wrong with entries that are no keys, a line for each kind.
    private static func malformed(_ rejected: [RejectedKey]) -> [String] {
        RejectedKey.Reason.allCases.compactMap { reason in
            let count = rejected.count { $0.reason == reason }
            return count == 0 ? nil : "\(Output.grouped(count)) malformed: \(reason.text)"
        }
    }

    private func show(_ lines: [Line], isWhole: Bool) throws {
        if latestEnd {
            // Of some of them it would be another time.
            if isWhole { Output.line("\(lines.map(\.end).max() ?? 0)") }
            return
        }
        if json { return try lines.forEach { try Output.json($0) } }
        guard !lines.isEmpty else { return }
        Output.table(
            [["archive", "region", "from", "to", "keys", "malformed"]]
                + lines.map { line in
                    let times = [line.start, line.end].map {
                        Date(timeIntervalSince1970: Double($0)).formatted(.iso8601)
                    }
                    return [line.archive, line.region] + times + [Output.grouped(line.keys), "\(line.malformed)"]
                }
        )
    }
}
