import Foundation
import RegionalNode
import TestSupport

/// Nodes as they are in earnest: each region has made its keys and asked to be listed, two of three authorities have
/// signed the roster, clocks are right, and links follow from the roster's ring.
struct SignedCluster {
    let cluster: Cluster
    let authorities: Authorities

    /// Runs a test with such nodes, started, whose processes end with it.
    /// - Parameters:
    ///   - absent: regions that are listed, too, but have no node.
    ///   - list: the provinces after which regions are named.
    static func with(
        _ regions: String...,
        absent: [String] = [],
        list: String = "2025",
        body: (SignedCluster) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let cluster = try Cluster(regions, in: scratch)
        defer { cluster.end() }
        let made = SignedCluster(cluster: cluster, authorities: try await Authorities(in: scratch))
        for region in regions { try await made.makeRegion(region) }
        for region in absent {
            try await made.authorities.makeRegion(region, at: "https://127.0.0.1:1", peer: "https://127.0.0.1:1")
        }
        _ = try await made.authorities.make(
            "roster",
            ["--list", list] + (regions + absent).flatMap(made.authorities.request)
        )
        // One certificate of each node serves both listeners, so all of them are what a phone must know.
        let certificates = regions.map { scratch.text("\($0)/peer.pem") }
        try scratch.write(certificates.joined().utf8, "tls.pem")
        for region in regions { try await cluster.start(region) }
        try await body(made)
    }

    /// The port for phones of a region's node.
    func port(_ region: String) -> Int {
        cluster.basePort + 2 * (cluster.regions.firstIndex(of: region) ?? 0)
    }

    private func makeRegion(_ region: String) async throws {
        let address = "https://127.0.0.1"
        try await authorities.makeRegion(
            region,
            at: "\(address):\(port(region))",
            peer: "\(address):\(port(region) + 1)"
        )
        try writeSettings(region, keysIn: region)
    }

    /// Writes a node's settings, for its next start.
    /// - Parameter folder: of the files that `keytide region` made.
    func writeSettings(_ region: String, keysIn folder: String) throws {
        let scratch = cluster.scratch
        let settings: [String: Any] = [
            "region": region,
            "store": scratch.file("\(region).store"),
            "roster": scratch.file("roster"),
            "authorities": authorities.file,
            "key": scratch.file("\(folder)/region.key"),
            "listen": [
                "public": "127.0.0.1:\(port(region))", "peers": "127.0.0.1:\(port(region) + 1)",
                "metrics": "127.0.0.1:0",
            ],
            "tls": ["certificate": scratch.file("\(region)/peer.pem"), "key": scratch.file("\(region)/peer.key")],
            "peers": ["certificate": scratch.file("\(folder)/peer.pem"), "key": scratch.file("\(folder)/peer.key")],
            "admin": ["socket": cluster.socket(region)],
        ]
        try scratch.write(try JSONSerialization.data(withJSONObject: settings), "\(region).json")
    }

    /// Gives one node a roster, and waits until others have it.
    func install(_ roster: String, at region: String, version: UInt64, reaching regions: [String]) async throws -> Bool
    {
        let installed = try await authorities.run([
            "roster", "install", cluster.scratch.file(roster), "--socket", cluster.socket(region),
        ])
        guard installed.status == 0, installed.output.contains("version \(version) is in use") else {
            throw TestFailure(installed.output + installed.errors)
        }
        return try await eventually {
            for region in regions {
                guard try await cluster.status(region).rosterVersion == version else { return false }
            }
            return true
        }
    }

    /// The feeds that a node holds: their names, and how many batches.
    func feeds(_ region: String) async throws -> [String: UInt64] {
        let feeds = try await cluster.status(region).feeds.map { ($0.feed, $0.count) }
        return Dictionary(uniqueKeysWithValues: feeds)
    }

    /// The status with which a node answers phones that ask for a path.
    func answer(_ region: String, _ path: String) async throws -> String {
        let command = [
            "/usr/bin/curl", "-sS", "--cacert", cluster.path("tls.pem"), "-o", "/dev/null", "-w", "%{http_code}",
            "https://127.0.0.1:\(port(region))\(path)",
        ]
        let child = try Child(command, in: cluster.scratch)
        defer { child.kill() }
        guard try await child.end(within: 20) != nil else { throw TestFailure("curl did not end") }
        return child.output
    }
}
