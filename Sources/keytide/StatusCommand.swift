import ArgumentParser
import ExposureKeys
import Foundation
import RegionalNode

/// `keytide status`: what a running node says of itself.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a running node's feeds, lag, links, alarms and disk."
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
        Self.print(status)
    }

    private static func print(_ status: NodeStatus) {
        Output.line("\(status.region)  \(moment(status.time))")
        Output.table([
            ["part", "is", "and"],
            ["own keys", Output.grouped(status.ownKeys), ""],
            ["roster", "version \(status.rosterVersion)", "until \(moment(status.rosterExpires))"],
            [
                "index", status.indexTime.map { "signed \(Output.seconds(from: $0, to: status.time)) s ago" } ?? "none",
                "",
            ],
            [
                "clock", status.clockDifference.map(difference) ?? "not compared",
                status.keepsExpired ? "nothing is dropped" : "",
            ],
            ["store", Output.bytes(status.storeBytes), "\(Output.bytes(status.diskFreeBytes)) free on its disk"],
            ["memory", Output.bytes(Int64(status.residentBytes)), ""],
            ["connections", "\(status.publicConnections) public", "\(status.peerConnections) of peers"],
        ])
        Output.table(
            [["neighbour", "link", "round trip"]]
                + status.neighbours.map { neighbour in
                    let time = neighbour.roundTrip.map { "\(Output.fixed($0 * 1000, 1)) ms" }
                    return [neighbour.region, neighbour.isLinked ? "up" : "down", time ?? ""]
                }
        )
        Output.table(
            [["feed", "first", "batches", "last published", "root"]]
                + status.feeds.map { feed in
                    let published = moment(Interval(feed.lastPublication).unixSeconds)
                    return [feed.feed, "\(feed.first)", "\(feed.count)", published, String(feed.root.prefix(16))]
                }
        )
        if !status.neighbours.isEmpty, !status.neighbours.contains(where: \.isLinked) {
            Output.line("no neighbour is linked, so what is missing here is not known")
        } else if status.lags.isEmpty {
            Output.line("nothing is missing that a linked neighbour has")
        } else {
            Output.table([["region", "batches missing here"]] + status.lags.map { [$0.region, "\($0.batches)"] })
        }
        if !status.forks.isEmpty {
            Output.table(
                [["FORKED", "since", "batches", "root", "batches", "other root"]]
                    + status.forks.map { fork in
                        let (one, other) = (fork.olderRoot.prefix(16), fork.newerRoot.prefix(16))
                        return [
                            fork.feed, moment(fork.found), "\(fork.olderSize)", String(one), "\(fork.newerSize)",
                            String(other),
                        ]
                    }
            )
        }
        for feed in status.feeds {
            if let damaged = feed.damaged { Output.line("DAMAGED: \(damaged.count.counted("batch")) of \(feed.feed)") }
        }
        if let trouble = status.trouble { Output.line("TROUBLE: \(trouble)") }
        for alarm in status.alarms {
            let end = alarm.ended.map { ", over since \(moment($0))" } ?? ""
            Output.line("alarm (\(alarm.times)×, last \(moment(alarm.last))\(end)): \(alarm.what)")
        }
    }

    private static func difference(_ seconds: Int64) -> String {
        seconds == 0 ? "as the neighbours'" : "\(seconds.magnitude) s \(seconds < 0 ? "behind" : "ahead")"
    }

    private static func moment(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
    }
}
