import ExposureKeys
import ArgumentParser
import RegionalNode

/// `keytide cluster wait`: waits until nodes hold the same feeds.
struct ClusterWaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until all nodes hold the same feeds.",
        discussion: "Exit status: 0 they do, 1 they do not within the given time."
    )

    @Option(help: "Seconds to wait at most.")
    var timeout: Double = 30

    @Flag(help: "A JSON array with the nodes' status.")
    var json = false

    @Argument(help: "Admin sockets of the nodes.", completion: .file())
    var sockets: [String]

    func validate() throws {
        guard timeout >= 0, timeout <= ClusterWaitCommand.longest else {
            throw ValidationError("--timeout is 0 to \(Output.fixed(ClusterWaitCommand.longest, 0)) seconds")
        }
    }

    /// A day.
    private static let longest = 86_400.0
    /// What a node is given to answer at least, however little is left of the time.
    private static let least = Duration.seconds(1)

    func run() async throws {
        let deadline = ContinuousClock.now + .seconds(timeout)
        var clients: [AdminClient] = []
        for socket in sockets { clients.append(try await AdminClient(socket: socket)) }
        while true {
            var all: [NodeStatus] = []
            for client in clients {
                let left = max(deadline - .now, ClusterWaitCommand.least)
                all.append(try await client.status(within: min(left, AdminClient.patience)))
            }
            let views = all.map { node in node.feeds.map { "\($0.feed) \($0.count) \($0.root)" } }
            let same = views.dropFirst().allSatisfy { $0 == views[0] }
            if same || ContinuousClock.now > deadline {
                for client in clients { await client.close() }
                if json { try Output.json(all) }
                if !same {
                    throw CommandError(
                        "the nodes do not hold the same after \(timeout) s; see 'keytide status' of each"
                    )
                }
                let (nodes, feeds) = (all.count.counted("node"), (views.first?.count ?? 0).counted("feed"))
                if !json { Output.line("\(nodes) \(all.count == 1 ? "holds" : "hold") the same \(feeds)") }
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
