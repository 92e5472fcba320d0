import ArgumentParser
import Foundation

/// Processor time a request, beside the fastest servers there are.
struct ServeBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Microseconds of processor time a request, for ranges of four sizes, beside nghttpd, nginx and h2o.",
        discussion: """
            Each server runs alone on one core with one worker, h2load on another core. Rounds of the servers alternate. \
            All serve the same bytes under the same paths.
            """
    )

    @Option(help: "Rounds of each server.")
    var rounds = 9

    @Option(help: "Sizes to measure, separated by commas.")
    var sizes = ServedSize.all.map(\.name).joined(separator: ",")

    @Option(help: "Servers beside the node, separated by commas.")
    var peers = "nghttpd,nginx,h2o"

    @Flag(help: "Without TLS.")
    var cleartext = false

    @Option(help: "Share of the usual number of requests a round; less is noisier.")
    var share = 1.0

    func validate() throws {
        guard (1...1000).contains(rounds), (0.001...100).contains(share) else {
            throw ValidationError("--rounds must be 1 to 1000, --share 0.001 to 100")
        }
    }

    func run() throws {
        let cores = try ServerCores()
        let chosen = try chosenSizes()
        let workplace = try Workplace()
        let site = try ServedSite(in: workplace.path, isCleartext: cleartext, sizes: chosen)
        var kinds = [ServerKind.keytide]
        for name in peers.split(separator: ",") {
            guard let kind = ServerKind(rawValue: String(name)) else { throw BenchError("no server is called \(name)") }
            kinds.append(kind)
        }
        for range in site.ranges {
            let requests = max(100, Int(Double(range.size.requests) * share))
            var times = [Rounds](repeating: Rounds(), count: kinds.count)
            for round in 1...rounds {
                for (position, kind) in kinds.enumerated() {
                    times[position].add(try measure(kind, site, range, requests: requests, cores) * 1e6)
                }
                Progress.report("serve \(range.size.name), round \(round) of \(rounds)")
            }
            for position in kinds.indices.dropFirst() {
                line(range, kinds[position], ours: times[0], theirs: times[position], requests).print()
            }
        }
    }

    private func chosenSizes() throws -> [ServedSize] {
        try sizes.split(separator: ",").map { name in
            guard let size = ServedSize.all.first(where: { $0.name == name }) else {
                throw BenchError("no size is called \(name)")
            }
            return size
        }
    }

    /// - Returns: seconds of processor time a request.
    private func measure(
        _ kind: ServerKind,
        _ site: ServedSite,
        _ range: ServedRange,
        requests: Int,
        _ cores: ServerCores
    ) throws -> Double {
        // A server of its own for every round: memory that one round left does not colour the next.
        let server = try site.start(kind, core: cores.server)
        defer { server.stop() }
        let load = LoadGenerator(core: cores.client, url: site.url(server.port, range.path))
        // The first requests bring the range into the node's cache and the files into those of the others.
        try load.send(1000, connections: 8, streams: 16, bodyBytes: range.bytes.count)
        let before = try server.processorTime()
        try load.send(requests, connections: 8, streams: 16, bodyBytes: range.bytes.count)
        return (try server.processorTime() - before) / Double(requests)
    }

    private func line(
        _ range: ServedRange,
        _ peer: ServerKind,
        ours: Rounds,
        theirs: Rounds,
        _ requests: Int
    ) -> ResultLine {
        ResultLine(
            bench: "serve",
            case: range.size.name + (cleartext ? " cleartext" : ""),
            peer: peer.rawValue,
            ours: ours.median,
            theirs: theirs.median,
            limit: theirs.median * peer.factor(isSmall: range.size.isSmall),
            ratio: ours.median / theirs.median,
            unit: "us/request",
            further: [
                ("bytes", Double(range.bytes.count)), ("requests", Double(requests)), ("rounds", Double(rounds)),
            ] + ours.spread("ours") + theirs.spread("theirs")
        )
    }
}

extension ServerKind {
    /// What the node may take of this server's processor time.
    fileprivate func factor(isSmall: Bool) -> Double {
        switch self {
        case .keytide, .nghttpd: 1
        case .nginx: isSmall ? 0.4 : 1
        case .h2o: isSmall ? 1.25 : 1.15
        }
    }
}

/// Two cores of those that this process may use.
struct ServerCores {
    let server: Int
    let client: Int

    init() throws {
        let cores = try ThisProcess.allowedCores()
        guard let first = cores.first, let last = cores.last, first != last else {
            throw BenchError("the server and its load need a core each, and this process may use \(cores.count)")
        }
        client = first
        server = last
    }
}
