import Foundation
import RegionalNode
import TestSupport

/// Nodes on this machine, each a process, made by `keytide cluster create`. The first links with the second, that
/// with the third.
final class Cluster {
    let scratch: Scratch
    let archives: Archives
    let basePort: Int
    let regions: [String]
    /// Where the clocks of nodes and phones begin; nil for those that are right.
    let asOf: String?
    private let folder: String
    private var nodes: [String: Child] = [:]

    /// Runs a test with a cluster, whose processes end with it.
    /// - Parameter options: for `keytide cluster create`.
    static func with(
        _ regions: String...,
        options: [String] = [],
        body: (Cluster) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let cluster = try await Cluster(regions, options, in: scratch)
        defer { cluster.end() }
        try await body(cluster)
    }

    /// Nodes whose files somebody else makes, under right clocks.
    init(_ regions: [String], in scratch: Scratch) throws {
        self.scratch = scratch
        self.regions = regions
        folder = scratch.path
        asOf = nil
        archives = try Archives(in: scratch, time: TestCertificate.now)
        basePort = try Ports.block(of: 3 * regions.count)
    }

    /// Kills all nodes.
    func end() { nodes.values.forEach { $0.kill() } }

    private init(_ regions: [String], _ options: [String], in scratch: Scratch) async throws {
        self.scratch = scratch
        self.regions = regions
        folder = scratch.file("c")
        asOf = Archives.timeText
        archives = try Archives(in: scratch)
        basePort = try Ports.block(of: 3 * regions.count)
        let command = [
            Keytide.executable, "cluster", "create", "--directory", folder, "--base-port", "\(basePort)",
            "--regions", regions.joined(separator: ","), "--publication-slot", "3600",
        ]
        let made = try Child(command + options, in: scratch)
        defer { made.kill() }
        guard try await made.end(within: 30) == 0 else { throw TestFailure(made.errors) }
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
    func socket(_ region: String) -> String { path("\(region).socket") }
    func node(_ region: String) throws -> Child {
        guard let node = nodes[region] else { throw TestFailure("\(region) was never started") }
        return node
    }

    /// Starts a node and waits until it is ready.
    /// - Parameters:
    ///   - name: under which the test speaks of it, and of its files, if there are two of a region.
    ///   - wrapper: a command that runs another command, and its arguments.
    ///   - options: further ones of `keytide node`.
    func start(_ region: String, as name: String? = nil, under wrapper: [String] = [], _ options: String...)
        async throws
    {
        let command =
            wrapper + [Keytide.executable, "node", "--config", path("\(region).json")]
            + (options.contains("--as-of") ? [] : asOf.map { ["--as-of", $0] } ?? []) + options
        let node = try Child(command, in: scratch)
        let name = name ?? region
        nodes[name]?.kill()
        nodes[name] = node
        let isUp = try await eventually { node.output.contains("ready") || !node.isRunning }
        guard isUp, node.isRunning else { throw TestFailure("\(name) did not start: \(node.errors)") }
    }

    /// Stops a node by SIGTERM.
    /// - Returns: its exit status, nil if it still runs.
    func stop(_ region: String, within seconds: Double = 20) async throws -> Int32? {
        let node = try node(region)
        node.signal(SIGTERM)
        return try await node.end(within: seconds)
    }

    func kill(_ region: String) {
        nodes[region]?.kill()
    }

    /// Imports archives, with the publisher's key unless another is given.
    func `import`(_ region: String, _ paths: String..., key: String? = nil) async throws -> (
        reports: [ImportLine], outcome: Keytide.Outcome
    ) {
        let child = try Child(importCommand(region, paths, key: key), in: scratch)
        defer { child.kill() }
        guard let status = try await child.end(within: 60) else { throw TestFailure("the import did not end") }
        let outcome = Keytide.Outcome(status: status, output: child.output, errors: child.errors)
        return (try ImportLine.parse(child.output), outcome)
    }

    func importCommand(_ region: String, _ paths: [String], key: String? = nil) -> [String] {
        [Keytide.executable, "import", "--json", "--socket", socket(region), "--key", key ?? archives.keyPath] + paths
    }

    func status(_ region: String) async throws -> NodeStatus {
        let outcome = try await Keytide.run("status", "--json", "--socket", socket(region), in: scratch)
        guard outcome.status == 0 else { throw TestFailure(outcome.errors) }
        return try JSONDecoder().decode(NodeStatus.self, from: Data(outcome.output.utf8))
    }

    /// Waits until all these nodes hold the same feeds.
    func converge(_ regions: String..., seconds: Int = 20) async throws -> Bool {
        let sockets = regions.map(socket)
        let child = try Child(
            [Keytide.executable, "cluster", "wait", "--timeout", "\(seconds)"] + sockets,
            in: scratch
        )
        defer { child.kill() }
        return try await child.end(within: Double(seconds) + 10) == 0
    }
}

/// One line of `keytide import --json`.
struct ImportLine: Decodable {
    var archive: String
    var report: ImportReport?
    var error: String?

    /// Complete lines only.
    static func parse(_ output: String) throws -> [ImportLine] {
        try output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .map { try JSONDecoder().decode(ImportLine.self, from: Data($0.utf8)) }
    }
}
