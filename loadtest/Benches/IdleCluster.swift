import ExposureKeys
import ExposureNotification
import FeedFormat
import FeedStore
import Foundation
import RegionalNode

/// Nodes of a roster with all 63 provinces, linked in a line, that hold a feed of each.
struct IdleCluster {
    let regions = VietnamProvince.until2025.map(\.region)
    private let directory: String
    private let firstPort: Int

    /// - Parameter workplace: an empty directory.
    init(in workplace: String, slot: Int) throws {
        directory = workplace + "/cluster"
        firstPort = try Ports.free()
        let create = [
            "cluster", "create", "--directory", directory, "--regions", regions.map(\.code).joined(separator: ","),
            "--base-port", String(firstPort), "--publication-slot", String(slot),
        ]
        try Command.run([try Command.keytide()] + create)
    }

    /// Starts the first regions' nodes, each with its own feed in its store and the first with those of the regions that
    /// do not run, so that all the others come over the links.
    func start(_ count: Int) throws -> [ServerProcess] {
        for position in regions.indices { try publish(position, in: position < count ? position : 0) }
        let core = try ServerCores().server
        var servers: [ServerProcess] = []
        do {
            for position in 0..<count {
                // The lowest region dials.
                let names = [position - 1, position + 1].filter((0..<count).contains).map { regions[$0].code }
                let command = [
                    try Command.keytide(), "node", "--config", "\(directory)/\(regions[position]).json",
                    "--neighbours", names.joined(separator: ","), "--log-level", "warning",
                ]
                let port = firstPort + 2 * position + 1
                let log = "\(directory)/\(regions[position]).log"
                let server = try ServerProcess(command, core: core, port: port, log: log)
                servers.append(server)
                try server.waitUntilReady()
            }
        } catch {
            servers.forEach { $0.stop() }
            throw error
        }
        return servers
    }

    /// One batch of a region's feed, as its node would publish it.
    /// - Parameter holder: in whose store.
    private func publish(_ position: Int, in holder: Int) throws {
        let region = regions[position]
        let text = try String(contentsOfFile: "\(directory)/\(region).key", encoding: .utf8)
        guard let signer = NoteSigner(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchError("keytide cluster create left no signing key of \(region)")
        }
        var random = SystemRandomNumberGenerator()
        let end = Interval(unixSeconds: Int64(Date().timeIntervalSince1970) - 7200)
        let keys = ExportSynthesis(patients: 20, end: end).keys(using: &random).filter { key in
            key.metadata.end <= end
                && Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: end.advanced(by: Interval.perDay))
        }
        let path = "\(directory)/\(regions[holder]).store"
        let store = try SQLiteFeedStore(path: path)
        let held = try HeldKeyStore(path: HeldKeyStore.path(besideStore: path))
        let publisher = RegionPublisher(region: region, signer: signer, clock: NodeClock(asOf: nil))
        let publication = try publisher.publish(keys, storage: store, held: held, living: [])
        try held.close()
        try store.close()
        guard !publication.batches.isEmpty else { throw BenchError("no key of \(region) could be published") }
    }

    func status(_ position: Int) throws -> NodeStatus {
        let command = [
            try Command.keytide(), "status", "--json", "--socket", "\(directory)/\(regions[position]).socket",
        ]
        return try JSONDecoder().decode(NodeStatus.self, from: Data(try Command.run(command).utf8))
    }

    /// Unix seconds at which a node's index was signed.
    func indexTime(_ position: Int) throws -> Int64? { try status(position).indexTime }

    func waitUntilAllHoldAll(_ count: Int, seconds: Double = 120) throws {
        let began = ContinuousClock.now
        for position in 0..<count {
            while try status(position).feeds.count < regions.count {
                guard Rounds.seconds(since: began) < seconds else {
                    throw BenchError("\(regions[position]) does not get the feeds of all regions")
                }
                Thread.sleep(forTimeInterval: 0.2)
            }
        }
    }
}
