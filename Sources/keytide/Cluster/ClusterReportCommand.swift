import ArgumentParser
import Foundation
import RegionalNode

/// `keytide cluster report`: what a demonstration showed, from what its commands printed.
struct ClusterReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Put the results of a demonstration together in one table, and judge them.",
        discussion: """
            Exit status: 0 all nodes hold the same and the phone found exactly what was planted, 1 otherwise.
            """
    )

    @Option(help: "What 'keytide import --json' printed.", completion: .file())
    var imported: String

    @Option(help: "What 'keytide cluster wait --json' printed.", completion: .file())
    var nodes: String

    @Option(help: "What 'keytide device sync --json' printed.", completion: .file())
    var sync: String

    @Option(help: "What 'keytide device match --json' printed.", completion: .file())
    var match: String

    @Option(help: "What 'keytide sample encounters' said must be found.", completion: .file())
    var expected: String

    func run() throws {
        let reports = try importReports()
        let statuses = try Files.decode([NodeStatus].self, nodes)
        let phone = try Files.decode(PhoneSync.self, sync)
        let matching = try Files.decode(Matches.self, match)
        let matches = matching.report
        let planted = try Files.decode(SampleEncountersCommand.Expected.self, expected)

        let same = sameFeeds(statuses)
        let found = matches.exposures.reduce(0) { $0 + $1.sightings }
        let times = Set(planted.times)
        let exact =
            matches.exposures.count == planted.keys && found == planted.times.count
            && matches.exposures.allSatisfy { times.contains($0.first) && times.contains($0.last) }
        Output.table(
            publicationRows(reports, statuses)
                + arrivalRows(statuses)
                + [
                    ["phone: keys synced", Output.grouped(phone.keys)],
                    ["phone: bytes on the wire per key", perKey(phone.bytes, phone.keys)],
                    ["phone: seconds to match", Output.fixed(matching.seconds, 2)],
                    ["meetings planted / found", "\(planted.keys) / \(matches.exposures.count)"],
                    ["sightings planted / found", "\(planted.times.count) / \(found)"],
                    ["all regions hold the same", same ? "yes" : "NO"],
                    ["exactly the planted encounters matched", exact ? "yes" : "NO"],
                ]
        )
        if !same || !exact { throw ExitCode.failure }
    }

    private struct PhoneSync: Decodable {
        var keys: Int
        var bytes: Int
    }

    private struct Matches: Decodable {
        struct Exposure: Decodable {
            var first: Int64
            var last: Int64
            var sightings: Int
        }
        struct Report: Decodable {
            var exposures: [Exposure]
        }
        var seconds: Double
        var report: Report
    }

    private struct ImportLine: Decodable {
        var seconds: Double
        var report: ImportReport?
    }

    private func importReports() throws -> [ImportLine] {
        let text = String(decoding: try Files.read(imported), as: UTF8.self)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(ImportLine.self, from: Data($0.utf8)) }
    }

    private func sameFeeds(_ statuses: [NodeStatus]) -> Bool {
        let views = statuses.map { node in node.feeds.map { "\($0.feed) \($0.count) \($0.root)" } }
        return views.first?.isEmpty == false && views.allSatisfy { $0 == views[0] }
    }

    private func publicationRows(_ lines: [ImportLine], _ statuses: [NodeStatus]) -> [[String]] {
        let reports = lines.compactMap(\.report)
        func sum(_ field: (ImportReport) -> Int) -> Int { reports.reduce(0) { $0 + field($1) } }
        let keys = sum(\.keys)
        let published = sum(\.published)
        // A node that has just been started first waits for its neighbours' clocks.
        let waited = reports.reduce(0.0) { $0 + Double($1.waitedMilliseconds) / 1000 }
        let seconds = lines.reduce(0.0) { $0 + $1.seconds } - waited
        let wire = statuses.reduce(0) { $0 + $1.wireBytesReceived + $1.wireBytesSent }
        return [
            ["", "this run"],
            ["keys in", Output.grouped(keys)],
            ["  expired (ended 15 days before)", Output.grouped(sum(\.expired))],
            ["  not yet ended", Output.grouped(sum(\.notYetEnded))],
            ["  malformed", Output.grouped(sum(\.malformed))],
            ["  duplicate", Output.grouped(sum(\.duplicates))],
            ["keys published", Output.grouped(published)],
            ["seconds waited for neighbours' clocks", String(format: "%.1f", waited)],
            ["keys imported per second", Output.grouped(seconds > 0 ? Int(Double(keys) / seconds) : 0)],
            ["batches", Output.grouped(sum(\.batches))],
            ["bytes per key, encoded and signed", perKey(sum(\.bytes), published)],
            ["bytes on the wire per key and region", perKey(wire, published * max(1, statuses.count - 1))],
        ]
    }

    /// Per region, how long batches took from being durable where they were published to being durable there.
    private func arrivalRows(_ statuses: [NodeStatus]) -> [[String]] {
        var first: [String: Int64] = [:]
        for node in statuses {
            for arrival in node.arrivals {
                let name = "\(arrival.feed) \(arrival.count)"
                first[name] = min(first[name] ?? .max, arrival.milliseconds)
            }
        }
        return statuses.map { node in
            let delays = node.arrivals.compactMap { arrival in
                first["\(arrival.feed) \(arrival.count)"].map { arrival.milliseconds - $0 }
            }.sorted()
            guard let last = delays.last else { return ["ms to \(node.region)", "nothing arrived"] }
            return ["ms to \(node.region), median / most", "\(delays[delays.count / 2]) / \(last)"]
        }
    }

    private func perKey(_ bytes: Int, _ keys: Int) -> String {
        keys > 0 ? Output.fixed(Double(bytes) / Double(keys), 2) : "-"
    }
}
