import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// Anti-entropy: what it costs where nothing is missing, and what it finds where something is.
@Suite struct ReplicaDigestTests {
    /// Nothing is compared but when links open.
    private static func rare(_ options: NetworkOptions) -> NetworkOptions {
        var options = options
        options.settings.digestPause = 100_000_000
        options.settings.digestLimit = 100_000_000
        return options
    }

    private func sent(_ network: InMemoryNetwork, since before: [NetworkNode.SentFrames]) -> [[Int]] {
        zip(network.nodes, before).map { node, before in
            [
                node.sent.digests - before.digests, node.sent.holdings - before.holdings,
                node.sent.adverts - before.adverts,
            ]
        }
    }

    /// Whether each of two neighbours knows what the other holds, no more and no less.
    private func isExact(_ network: InMemoryNetwork, _ left: Int, _ right: Int) throws -> Bool {
        let nodes = network.nodes
        let (one, other) = try (#require(nodes[left].replica), #require(nodes[right].replica))
        return one.holdings(of: other.region) == other.held && other.holdings(of: one.region) == one.held
    }

    @Test func equalEndsCostADigestEach() throws {
        let network = try InMemoryNetwork(Self.rare(.mesh(2)))
        try network.startAll()
        for index in 0..<2 { try network.publish(index, batches: 3) }
        network.run(for: 3000)
        #expect(network.isConverged)
        network.cut(0, 1)
        network.run(for: 1000)
        let before = network.nodes.map(\.sent)
        network.heal(0, 1)
        network.run(for: 1000)
        #expect(sent(network, since: before) == [[1, 0, 0], [1, 0, 0]])
        #expect(try isExact(network, 0, 1))
        // What is published next is known to follow, and told.
        try network.publish(0)
        network.run(for: 1000)
        #expect(network.isConverged)
        #expect(network.violations.isEmpty)
    }

    @Test func aPartitionEndsWithOneExchange() throws {
        let network = try InMemoryNetwork(Self.rare(.line(4)))
        try network.startAll()
        for index in 0..<4 { try network.publish(index, batches: 3) }
        network.run(for: 3000)
        network.cut(1, 2)
        network.run(for: 1000)
        try network.publish(0, batches: 5)
        try network.publish(3, batches: 2)
        network.run(for: 3000)
        let (before, nodes) = (network.nodes.map(\.sent), network.nodes)
        network.heal(1, 2)
        network.run(for: 200)
        let frames = sent(network, since: before)
        #expect(frames[1].prefix(2) == [1, 1] && frames[2].prefix(2) == [1, 1])
        #expect(frames[0].prefix(2) == [0, 0] && frames[3].prefix(2) == [0, 0])
        network.run(for: 3000)
        #expect(network.isConverged)
        #expect(network.nodes[1].fetched + network.nodes[1].pushed == nodes[1].fetched + nodes[1].pushed + 2)
        #expect(network.nodes[2].fetched + network.nodes[2].pushed == nodes[2].fetched + nodes[2].pushed + 5)
        #expect(network.nodes[1].fetches == nodes[1].fetches + 1)
        #expect(network.nodes[2].fetches == nodes[2].fetches + 1)
        #expect(network.violations.isEmpty)
    }

    /// Both ends begin again after 1 s, 2 s and so on up to five minutes: a link where nothing happens carries next to
    /// nothing.
    @Test func pausesGrow() throws {
        let network = try InMemoryNetwork(.mesh(2))
        try network.startAll()
        for index in 0..<2 { try network.publish(index) }
        network.run(for: 10_000)
        #expect((2...6).contains(network.nodes[0].sent.digests))
        network.run(for: 900_000)
        let before = network.nodes.map(\.sent)
        network.run(for: 3_600_000)
        for frames in sent(network, since: before) {
            #expect((8...13).contains(frames[0]), "\(frames)")
            #expect(frames[1...] == [0, 0])
        }
        #expect(network.nodes[0].sent.bytes - before[0].bytes < 1000)
    }

    /// A batch whose advert and push are lost, the last one of its feed: nothing else would tell of it.
    @Test func whatWasLostOnTheWayIsFound() throws {
        let network = try InMemoryNetwork(.mesh(2))
        try network.startAll()
        try network.publish(0)
        network.run(for: 60_000)
        network.nodes[0].loses = { frame in
            switch frame {
            case .adverts, .batch: true
            default: false
            }
        }
        try network.publish(0, batches: 2)
        let digests = network.nodes.map(\.sent.digests)
        #expect(!network.isConverged)
        #expect(network.run(within: 100_000) { network.isConverged } != nil)
        #expect(network.nodes.map(\.sent.digests) != digests)
        // That gave something to fetch: the next one comes soon.
        let before = network.nodes.map(\.sent)
        network.run(for: 5000)
        #expect(sent(network, since: before)[0][0] >= 1)
    }

    /// The digest or the holdings of one end are lost when the link opens.
    @Test(arguments: [0, 1]) func lostFramesAreMadeUpFor(kind: Int) throws {
        let network = try InMemoryNetwork(.mesh(2))
        network.nodes[0].loses = { frame in
            switch frame {
            case .digest: kind == 0
            case .holdings: kind == 1
            default: false
            }
        }
        try network.startAll()
        for index in 0..<2 { try network.publish(index, batches: 3) }
        network.cut(0, 1)
        network.run(for: 100)
        network.heal(0, 1)
        network.run(for: 300)
        network.nodes[0].loses = nil
        network.run(for: 20_000)
        #expect(network.isConverged)
        #expect(try isExact(network, 0, 1))
        #expect(network.violations.isEmpty)
    }

    @Test(arguments: 0..<3) func olderReleasesGetAdverts(older: Int) throws {
        let network = try InMemoryNetwork(.line(3))
        network.nodes[older].isOlder = true
        try network.startAll()
        for index in 0..<3 { try network.publish(index, batches: 3) }
        network.cut(0, 1)
        network.cut(1, 2)
        for index in 0..<3 { try network.publish(index) }
        network.run(for: 1000)
        network.heal(0, 1)
        network.heal(1, 2)
        network.run(for: 20_000)
        #expect(network.isConverged)
        #expect(network.violations.isEmpty)
        #expect(network.nodes.allSatisfy { $0.alarms.isEmpty })
        #expect(network.nodes[older].sent.digests == 0 && network.nodes[older].sent.holdings == 0)
        #expect(network.nodes[older].sent.adverts > 0)
    }

    /// One release without digests, one with features and frames that nobody else knows, in any place.
    @Test(arguments: [[0, 1], [1, 0], [0, 2], [1, 2]])
    func releasesGoTogether(places: [Int]) throws {
        let network = try InMemoryNetwork(.line(3))
        network.nodes[places[0]].isOlder = true
        network.nodes[places[1]].isNewer = true
        try network.startAll()
        for _ in 0..<5 {
            for index in 0..<3 {
                try network.publish(index, batches: 3)
                try network.signIndex(index)
            }
            network.cut(0, 1)
            network.run(for: 1000)
            for index in 0..<3 { try network.publish(index) }
            network.heal(0, 1)
            network.run(for: 20_000)
        }
        #expect(network.isConverged, "\(network.gaps)")
        #expect(network.violations.isEmpty)
        #expect(
            network.nodes.allSatisfy {
                $0.alarms.isEmpty && $0.links.count == ($0.region == network.nodes[1].region ? 2 : 1)
            }
        )
    }

    /// Whatever two nodes went through, and although neither gets anything from the other: after one exchange each knows
    /// exactly what the other holds.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func oneExchangeTellsAll(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let network = try InMemoryNetwork(Self.rare(.random(Int.random(in: 2...5, using: &random), seed: seed)))
        try network.startAll()
        let edges = network.options.edges
        for _ in 0..<40 {
            let index = Int.random(in: network.nodes.indices, using: &random)
            let edge = edges[Int.random(in: edges.indices, using: &random)]
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3: try network.publish(index, batches: Int.random(in: 1...4, using: &random))
            case 4: network.cut(edge.dialler, edge.other)
            case 5: network.heal(edge.dialler, edge.other)
            case 6:
                guard let feed = network.truth.keys.randomElement(using: &random) else { continue }
                let floor = UInt64.random(in: 0...(network.truth[feed]?.frontier.size ?? 0), using: &random)
                network.drop(feed, below: floor, at: index)
            default:
                network.crash(index, storesFinish: Bool.random(using: &random))
                network.run(for: 100)
                try network.start(index, linked: true)
            }
            network.run(for: Int64.random(in: 0...700, using: &random))
        }
        for edge in edges { network.cut(edge.dialler, edge.other) }
        network.run(for: 40_000)
        network.failingFetches = 100
        let before = network.nodes.map(\.sent)
        for edge in edges { network.heal(edge.dialler, edge.other) }
        network.run(for: 140)
        for edge in edges { #expect(try isExact(network, edge.dialler, edge.other), "seed \(seed), \(edge)") }
        let digests = sent(network, since: before).reduce(0) { $0 + $1[0] }
        #expect(digests == 2 * edges.count, "seed \(seed)")
        #expect(network.violations.isEmpty, "seed \(seed)")
    }
}
