import ArgumentParser
import Foundation
import RegionalNode

/// What a link costs on which nothing happens.
struct IdleLinkBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle-link",
        abstract: "Bytes a second on the link of two nodes that hold the same and publish nothing.",
        discussion: """
            Real nodes, linked in a line over mutual TLS, each with a living feed of every province. The link is that \
            of the first two. HTTP/2 bytes are those of frames, before TLS, in both directions, as the node counts \
            them that opened the connection; TCP payload is what ss says of the same connection's socket.
            """
    )

    @Option(help: "Nodes that run. The link relays what those behind the second one say.")
    var nodes = 2

    @Option(help: "Seconds between publication slots; indexes are signed anew after half of it.")
    var slot = 3600

    @Option(help: "Seconds to measure.")
    var seconds = 120

    @Option(help: "Seconds of rest before that.")
    var settle = 90

    /// HTTP/2 bytes a second, both directions.
    private static let limit = 100.0

    func validate() throws {
        guard (2...63).contains(nodes), (1...86_400).contains(slot), (10...86_400).contains(seconds),
            (0...3600).contains(settle)
        else {
            throw ValidationError(
                "--nodes must be 2 to 63, --slot 1 to 86400, --seconds 10 to 86400, --settle 0 to 3600"
            )
        }
    }

    func run() throws {
        let workplace = try Workplace()
        let cluster = try IdleCluster(in: workplace.path, slot: slot)
        let servers = try cluster.start(nodes)
        defer { servers.forEach { $0.stop() } }
        try cluster.waitUntilAllHoldAll(nodes)
        Progress.report("\(nodes) nodes hold the feeds of all \(cluster.regions.count) regions")
        Thread.sleep(forTimeInterval: Double(settle))
        let began = ContinuousClock.now
        let before = try LinkBytes(of: cluster, servers[1].port)
        // Signed anew is what has another time; none is so soon replaced that a second misses it.
        var times = try (0..<nodes).map(cluster.indexTime)
        var signings = 0
        while Rounds.seconds(since: began) < Double(seconds) {
            Thread.sleep(forTimeInterval: 1)
            guard slot < 2 * seconds else { continue }
            for node in 0..<nodes {
                let time = try cluster.indexTime(node)
                if time != times[node] { signings += 1 }
                times[node] = time
            }
        }
        let after = try LinkBytes(of: cluster, servers[1].port)
        line(after.since(before), seconds: Rounds.seconds(since: began), signings: signings).print()
    }

    private func line(_ bytes: LinkBytes, seconds: Double, signings: Int) -> ResultLine {
        let rate = Double(bytes.sent + bytes.received) / seconds
        return ResultLine(
            bench: "idle-link",
            case: "nodes=\(nodes) feeds=63 slot=\(slot)",
            peer: "none",
            ours: rate,
            theirs: nil,
            limit: IdleLinkBench.limit,
            ratio: rate / IdleLinkBench.limit,
            unit: "bytes/s",
            further: [
                ("sent", Double(bytes.sent) / seconds), ("received", Double(bytes.received) / seconds),
                ("tcpSent", Double(bytes.socketSent) / seconds),
                ("tcpReceived", Double(bytes.socketReceived) / seconds), ("seconds", seconds),
                ("signings", Double(signings)),
            ]
        )
    }
}

/// What has crossed the link since it opened, as seen from the node that opened it.
private struct LinkBytes {
    /// Of HTTP/2 frames.
    private(set) var sent: Int
    private(set) var received: Int
    /// Of TCP payload.
    private(set) var socketSent: Int
    private(set) var socketReceived: Int

    /// - Parameter port: the peer listener of the second node.
    init(of cluster: IdleCluster, _ port: Int) throws {
        let status = try cluster.status(0)
        (sent, received) = (status.wireBytesSent, status.wireBytesReceived)
        let socket = try SocketBytes(to: port)
        (socketSent, socketReceived) = (socket.sent, socket.received)
    }

    func since(_ before: LinkBytes) -> LinkBytes {
        var bytes = self
        bytes.sent -= before.sent
        bytes.received -= before.received
        bytes.socketSent -= before.socketSent
        bytes.socketReceived -= before.socketReceived
        return bytes
    }
}
