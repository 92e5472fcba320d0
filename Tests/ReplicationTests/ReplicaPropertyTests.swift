import FeedFormat
import Replication
import Testing
import TestSupport

/// Random networks under random faults; once all is healed, all nodes are equal within a bound of virtual time.
@Suite struct ReplicaPropertyTests {
    static let seeds: ClosedRange<UInt64> = 1...60

    @Test(arguments: seeds)
    func allNodesEndEqual(seed: UInt64) throws {
        let network = try Self.run(seed)
        #expect(network.isConverged, "seed \(seed): \(network.gaps)")
        #expect(network.violations.isEmpty, "seed \(seed)")
        let rejections = network.nodes.flatMap(\.alarms).filter { if case .rejected = $0 { true } else { false } }
        #expect(rejections.isEmpty, "seed \(seed): honest nodes distrust each other")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func equalSeedsGiveEqualRuns(seed: UInt64) throws {
        let first = try Self.run(seed)
        let second = try Self.run(seed)
        #expect(first.trace == second.trace)
        #expect(first.events == second.events)
        #expect(try Self.run(seed + 1000).trace != first.trace)
    }

    private static func run(_ seed: UInt64) throws -> InMemoryNetwork {
        var random = SplitMix64(seed: seed &* 977)
        var options = NetworkOptions.random(Int.random(in: 2...7, using: &random), seed: seed)
        options.failingFetches = Int.random(in: 0...3, using: &random) * 10
        options.latency = 1...Int64.random(in: 1...400, using: &random)
        options.storeDelay = 1...Int64.random(in: 1...300, using: &random)
        options.settings.batchesPerFetch = UInt64.random(in: 1...32, using: &random)
        let network = try InMemoryNetwork(options)
        try network.startAll()
        for _ in 0..<50 {
            try fault(network, &random)
            network.run(for: Int64.random(in: 0...1500, using: &random))
        }
        network.failingFetches = 0
        for index in network.nodes.indices {
            network.nodes[index].isDiskFull = false
            if network.nodes[index].replica == nil { try network.start(index) }
        }
        for (feed, floor) in zip(network.floors.keys, network.floors.values) {
            for index in network.nodes.indices { network.drop(feed, below: floor, at: index) }
        }
        for edge in options.edges { network.heal(edge.dialler, edge.other) }
        // A fetch that never answers, a pause of a full disk, a peer avoided as long as can be.
        _ = network.run(within: 150_000) { network.isConverged }
        return network
    }

    private static func fault(
        _ network: InMemoryNetwork,
        _ random: inout SplitMix64
    ) throws {
        let index = Int.random(in: network.nodes.indices, using: &random)
        let edge = network.options.edges[Int.random(in: network.options.edges.indices, using: &random)]
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<10:
            try network.publish(index, batches: Int.random(in: 1...6, using: &random))
        case 10, 11:
            network.cut(edge.dialler, edge.other)
        case 12, 13:
            network.heal(edge.dialler, edge.other)
        case 14:
            network.crash(index, storesFinish: Bool.random(using: &random))
        case 15, 16:
            if network.nodes[index].replica == nil { try network.start(index, linked: true) }
        case 17:
            network.nodes[index].isDiskFull.toggle()
        case 18:
            guard let feed = network.truth.keys.randomElement(using: &random) else { return }
            let floor = UInt64.random(in: 0...(network.truth[feed]?.frontier.size ?? 0), using: &random)
            for place in network.nodes.indices where Bool.random(using: &random) {
                network.drop(feed, below: floor, at: place)
            }
        default:
            network.run(for: 20_000)
        }
    }
}
