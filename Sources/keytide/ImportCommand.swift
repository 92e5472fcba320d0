import ArgumentParser
import ExposureKeys
import Foundation
import RegionalNode

/// `keytide import`: hands export archives to a running node.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Publish the keys of Apple/Google export archives through a running node.",
        discussion: """
            The node checks each archive's signature against the given key and says what it took and what it left out. \
            Keys that are in use, or ended less than two hours ago, are held and published when their time has come. While \
            the clocks of most neighbours differ from the node's by more than ten minutes, nothing is taken. Exit status: 0 all archives were taken, 1 at least one was refused (the others are published).
            """
    )

    @Option(help: "Admin socket of the node.", completion: .file())
    var socket: String

    @Option(
        help: "Public key of the archives' publisher: DER, PEM, a line of base64, or a certificate.",
        completion: .file()
    )
    var key: String

    @Flag(help: "Publish although neighbours' clocks differ: only if you know that this node's clock is right.")
    var trustClock = false

    @Flag(help: "Publish also what this region has said before and since corrected.")
    var restate = false

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
        var options = ImportOptions()
        options.trustsClock = trustClock
        options.restates = restate
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
                line.report = try await client.importArchive(Files.read(path), verifiedWith: keyBytes, options)
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

    private static let columns: [(title: String, value: @Sendable (ImportReport) -> Int)] = [
        ("keys", { $0.keys }), ("published", { $0.published }), ("expired", { $0.expired }),
        ("in use", { $0.notYetEnded }), ("malformed", { $0.malformed }), ("duplicate", { $0.duplicates }),
        ("superseded", { $0.superseded }), ("bytes", { $0.bytes }),
    ]

    private func show(_ lines: [Line]) {
        var rows = [["archive"] + ImportCommand.columns.map(\.title)]
        var total = [Int](repeating: 0, count: ImportCommand.columns.count)
        for line in lines {
            guard let report = line.report else {
                rows.append([line.archive, "refused"])
                continue
            }
            let numbers = ImportCommand.columns.map { $0.value(report) }
            rows.append([line.archive] + numbers.map(Output.grouped))
            total = zip(total, numbers).map(Output.sum)
        }
        if lines.count > 1 { rows.append(["total"] + total.map(Output.grouped)) }
        Output.table(rows)
        if lines.contains(where: { $0.report?.clock == "notCompared" && $0.report?.published != 0 }) {
            Output.progress("fewer than two neighbours have told the time: published by this node's own clock")
        }
        for line in lines {
            if let error = line.error { Output.progress("\(line.archive): \(error)") }
            line.report.map(ImportCommand.remarks)?.forEach { Output.progress("\(line.archive): \($0)") }
        }
    }

    /// What the table does not say.
    private static func remarks(_ report: ImportReport) -> [String] {
        var remarks: [String] = []
        func remark(_ count: Int, _ one: String, _ many: String) {
            if count > 0 { remarks.append(count == 1 ? "1 key \(one)" : "\(Output.grouped(count)) keys \(many)") }
        }
        let until =
            report.heldUntil.map { ", the first at \(Date(timeIntervalSince1970: Double($0)).ISO8601Format())" } ?? ""
        remark(
            report.notYetEnded,
            "is held and published two hours after its end\(until)",
            "are held and published two hours after their end\(until)"
        )
        remark(
            report.corrections,
            "corrects what was published in these ten minutes; it is held and published in the next\(until)",
            "correct what was published in these ten minutes; they are held and published in the next\(until)"
        )
        remark(
            report.superseded,
            "was left out: this region has said that before and corrected it since; --restate publishes it again",
            "were left out: this region has said that before and corrected it since; --restate publishes them again"
        )
        remark(
            report.withdrawnBefore,
            "was left out: this region has revoked it in another form",
            "were left out: this region has revoked them in other forms"
        )
        remark(
            report.endTooFarAhead,
            "was refused: it ends more than 26 hours from now",
            "were refused: they end more than 26 hours from now"
        )
        if report.furtherRevocations > 0 {
            remarks.append(
                "published besides: revocations of \(report.furtherRevocations.counted("other form")) of these keys"
            )
        }
        if report.clock == "trusted" { remarks.append("published although neighbours' clocks differ, as asked") }
        return remarks + report.named
    }
}
