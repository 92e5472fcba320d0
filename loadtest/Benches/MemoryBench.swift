import ArgumentParser
import Foundation

/// Memory of connections that wait.
struct MemoryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "Bytes of memory for each idle TLS connection, beside nghttpd.",
        discussion: """
            Each connection has made one request. Memory is the proportional set size (Pss), the growth from the first \
            connections to all, divided by how many more there are. Connections come from many loopback addresses, \
            since an address may have a limited number.
            """
    )

    @Option(help: "Connections at once.")
    var connections = 10_000

    @Option(help: "Rounds of each server.")
    var rounds = 3

    /// What the node may take of nghttpd's memory.
    private static let factor = 1.2
    /// Connections after which counting begins, so that what all of them share is there.
    private static let first = 200

    func validate() throws {
        guard (400...10_000).contains(connections), (1...100).contains(rounds) else {
            throw ValidationError("--connections must be 400 to 10000, --rounds 1 to 100")
        }
    }

    func run() async throws {
        try ThisProcess.raiseOpenFiles(to: connections + 1000)
        let cores = try ServerCores()
        let workplace = try Workplace()
        let site = try ServedSite(in: workplace.path, isCleartext: false, sizes: [ServedSize.all[0]])
        let kinds: [ServerKind] = [.keytide, .nghttpd]
        var bytes = [Rounds](repeating: Rounds(), count: kinds.count)
        for round in 1...rounds {
            for (position, kind) in kinds.enumerated() {
                bytes[position].add(try await measure(kind, site, cores))
            }
            Progress.report("memory, round \(round) of \(rounds)")
        }
        ResultLine(
            bench: "memory",
            case: "idle TLS connections=\(connections)",
            peer: "nghttpd",
            ours: bytes[0].median,
            theirs: bytes[1].median,
            limit: bytes[1].median * MemoryBench.factor,
            ratio: bytes[0].median / bytes[1].median,
            unit: "bytes/connection",
            further: [("rounds", Double(rounds))] + bytes[0].spread("ours") + bytes[1].spread("theirs")
        ).print()
    }

    private func measure(_ kind: ServerKind, _ site: ServedSite, _ cores: ServerCores) async throws -> Double {
        let server = try site.start(kind, core: cores.server)
        defer { server.stop() }
        let clients = try IdleConnections(to: server.port, path: site.ranges[0].path)
        do {
            try await clients.open(MemoryBench.first, bodyBytes: site.ranges[0].bytes.count)
            let before = try server.memory()
            try await clients.open(connections - MemoryBench.first, bodyBytes: site.ranges[0].bytes.count)
            try await Task.sleep(for: .seconds(1))
            guard clients.count == connections else {
                throw BenchError("\(kind.rawValue) closed \(connections - clients.count) of \(connections) connections")
            }
            let after = try server.memory()
            await clients.close()
            return (after - before) / Double(connections - MemoryBench.first)
        } catch {
            await clients.close()
            throw error
        }
    }
}
