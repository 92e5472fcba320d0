import ArgumentParser
import ExposureNotification
import Foundation

/// `keytide inspect`: what export archives hold, without publishing anything.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Check export archives and show what they hold."
    )

    @Option(help: "Public key of the archives' publisher, DER or PEM.", completion: .file())
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
        let verification = try ExportVerificationKey(derOrPEM: [UInt8](Files.read(key)))
        var lines: [Line] = []
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
            } catch let error as ExportError {
                throw CommandError("\(name): \(error)")
            }
        }
        if latestEnd { return Output.line("\(lines.map(\.end).max() ?? 0)") }
        if json { return try lines.forEach { try Output.json($0) } }
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
