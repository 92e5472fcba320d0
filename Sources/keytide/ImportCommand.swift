import ArgumentParser
import Foundation
import RegionalNode

/// `keytide import`: hands export archives to a running node.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Publish the keys of Apple/Google export archives through a running node.",
        discussion: """
            The node checks each archive's signature against the given key and says what it took and what it left out. \
            Exit status: 0 all archives were taken, 1 at least one was refused (the others are published).
            """
    )

    @Option(help: "Admin socket of the node.", completion: .file())
    var socket: String

    @Option(
        help: "Public key of the archives' publisher: DER, PEM, a line of base64, or a certificate.",
        completion: .file()
    )
    var key: String

    @Flag(help: "One JSON object per archive.")
    var json = false

    @Argument(help: "Export archives, in the order in which they are to be published.", completion: .file())
    var archives: [String]

    private struct Line: Encodable {
        var archive: String
        var seconds: Double
        var report: ImportReport?
        var error: String?
    }

    func run() async throws {
        let keyBytes: Data
        // A key that is none is told of each archive, as a refusal by the node is.
        var refusal: String?
        do {
            keyBytes = Data(try PublisherKey.read(key))
        } catch {
            keyBytes = Data()
            refusal = "\(error)"
        }
        let client = try await AdminClient(socket: socket)
        var lines: [Line] = []
        for (number, path) in archives.enumerated() {
            if !json { Output.progress("[\(number + 1)/\(archives.count)] \(path)") }
            let began = ContinuousClock.now
            var line = Line(archive: (path as NSString).lastPathComponent, seconds: 0)
            if let refusal {
                line.error = refusal
                if json { try Output.json(line) }
                lines.append(line)
                continue
            }
            do {
                line.report = try await client.importArchive(Files.read(path), verifiedWith: keyBytes)
            } catch {
                line.error = "\(error)"
                // Each further archive would be waited for as long.
                if error is SilentNode { refusal = "was not sent: the node behind \(socket) gives no answer" }
            }
            let elapsed = ContinuousClock.now - began
            line.seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            if json { try Output.json(line) }
            lines.append(line)
        }
        await client.close()
        if !json { show(lines) }
        if lines.contains(where: { $0.error != nil }) { throw ExitCode.failure }
    }

    private func show(_ lines: [Line]) {
        var rows = [["archive", "keys", "published", "expired", "not ended", "malformed", "duplicate", "bytes"]]
        var total = [0, 0, 0, 0, 0, 0, 0]
        for line in lines {
            guard let report = line.report else {
                rows.append([line.archive, "refused"])
                continue
            }
            let numbers = [
                report.keys, report.published, report.expired, report.notYetEnded, report.malformed,
                report.duplicates, report.bytes,
            ]
            rows.append([line.archive] + numbers.map(Output.grouped))
            total = zip(total, numbers).map(Output.sum)
        }
        if lines.count > 1 { rows.append(["total"] + total.map(Output.grouped)) }
        Output.table(rows)
        for line in lines {
            if let error = line.error { Output.progress("\(line.archive): \(error)") }
        }
    }
}
