import ArgumentParser
import Foundation

/// Processor time a request, beside the fastest servers there are.
struct ServeBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Instructions and processor time a request, for ranges of four sizes, beside nghttpd, nginx and h2o.",
        discussion: """
            Instructions come first, of small ranges, beside h2o, without what the libraries of TLS take. Then time: \
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

    /// A peer whose rounds differ by a larger part of their median is not a measure of anything.
    private static let steady = 0.1

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
            if range.size.isSmall, kinds.contains(.h2o) { try countInstructions(site, range, cores).print() }
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

    private func countInstructions(
        _ site: ServedSite,
        _ range: ServedRange,
        _ cores: ServerCores
    ) throws -> ResultLine {
        let ours = try InstructionCount(of: .keytide, site, range, requests: 4000, cores)
        let theirs = try InstructionCount(of: .h2o, site, range, requests: 4000, cores)
        return ResultLine(
            bench: "serve",
            case: range.size.name + (cleartext ? " cleartext" : "") + " instructions",
            peer: ServerKind.h2o.rawValue,
            ours: ours.rest,
            theirs: theirs.rest,
            limit: theirs.rest,
            ratio: ours.rest / theirs.rest,
            unit: "instructions/request",
            further: [
                ("oursProgram", ours.program), ("oursHTTP2", ours.http2), ("oursLibc", ours.libc),
                ("oursRuntime", ours.runtime), ("oursCrypto", ours.crypto), ("theirsProgram", theirs.program),
                ("theirsLibc", theirs.libc), ("theirsCrypto", theirs.crypto),
            ] + ours.parts.map { ($0.name, $0.instructions) }
        )
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
            limit: theirs.relativeSpread < ServeBench.steady ? theirs.median * peer.factor(range.size) : nil,
            ratio: ours.median / theirs.median,
            unit: "us/request",
            further: [
                ("bytes", Double(range.bytes.count)), ("requests", Double(requests)), ("rounds", Double(rounds)),
                ("theirsSpread", theirs.relativeSpread),
            ] + ours.spread("ours") + theirs.spread("theirs")
        )
    }
}

extension ServerKind {
    /// What the node may take of this server's processor time.
    fileprivate func factor(_ size: ServedSize) -> Double {
        switch self {
        case .keytide, .nghttpd: 1
        case .nginx: size.isSmall ? 0.4 : 1
        case .h2o: size.isSmall ? 1.15 : 0.9
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
