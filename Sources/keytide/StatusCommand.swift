import ArgumentParser
import RegionalNode

/// `keytide status`: what a running node says of itself.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a running node's feeds, links and alarms."
    )

    @Option(help: "Admin socket of the node.", completion: .file())
    var socket: String

    @Flag(help: "One JSON object.")
    var json = false

    func run() async throws {
        let client = try await AdminClient(socket: socket)
        let status = try await client.status()
        await client.close()
        if json { return try Output.json(status) }
        Output.line("\(status.region)  unix time \(status.time)  own keys \(Output.grouped(status.ownKeys))")
        Output.line(
            "links: \(status.links.isEmpty ? "none" : status.links.joined(separator: ", "))  lag: \(status.lag)"
        )
        Output.table(
            [["feed", "first", "batches", "root"]]
                + status.feeds.map { [$0.feed, "\($0.first)", "\($0.count)", String($0.root.prefix(16))] }
        )
        for feed in status.feeds {
            if let damaged = feed.damaged { Output.line("DAMAGED: \(damaged.count) batches of \(feed.feed)") }
        }
        if let trouble = status.trouble { Output.line("TROUBLE: \(trouble)") }
        for alarm in status.alarms {
            Output.line("alarm (\(alarm.times)×\(alarm.ended == nil ? "" : ", over")): \(alarm.what)")
        }
    }
}
