import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// Two nodes with one region's key at the same time, and neighbours whose address leads elsewhere.
@Suite struct ReplicaCopyTests {
    /// Nodes 0 and 3 are copies. All fetches from their region end at node 0.
    private func copies(seed: UInt64 = 1) throws -> InMemoryNetwork {
        var options = NetworkOptions.line(3, seed: seed)
        options.nodes = 4
        options.copies = [3: 0]
        options.edges.append(.init(dialler: 3, other: 1))
        let network = try InMemoryNetwork(options)
        for index in 0..<3 { try network.start(index, linked: true) }
        network.run(for: 500)
        return network
    }

    private func isAccused(_ network: InMemoryNetwork) -> Bool {
        network.nodes.contains { node in
            node.hasAlarm { if case .rejected = $0 { true } else { false } }
                || node.hasAlarm { if case .malformedFeed = $0 { true } else { false } }
        }
    }

    @Test func whatTheCopyPublishesIsUnitedWithTheRest() throws {
        let network = try copies()
        try network.publish(0, batches: 3)
        network.run(for: 2000)
        network.nodes[3].disk = network.nodes[0].disk
        try network.start(3, linked: true)
        // Before and after the link is there, more than one answer holds, and at both at once.
        try network.publish(3, batches: 40)
        try network.publish(0, batches: 2)
        #expect(network.run(within: 20_000) { network.isConverged } != nil, "\(network.gaps)")
        for _ in 0..<5 {
            try network.publish(3)
            try network.publish(0)
            network.run(for: 700)
        }
        #expect(network.run(within: 20_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.truth.count == 2 + 0)
        #expect(network.violations.isEmpty)
        #expect(!isAccused(network))
    }

    /// A neighbour that can dial but not be dialled gives all it has.
    @Test func aNodeThatCannotBeReachedIsAskedOverItsLink() throws {
        let network = try copies()
        try network.start(3)
        try network.publish(3, batches: 100)
        let feed = try #require(network.nodes[3].writer?.feed)
        network.connect(3)
        #expect(network.run(within: 20_000) { network.nodes[2].held(feed) == 100 } != nil, "\(network.gaps)")
        #expect(network.nodes[1].pushed >= 100)
        // Once that is the way, no vain fetch comes before each answer.
        let fetches = network.nodes[1].fetches
        try network.publish(3, batches: 50)
        #expect(network.run(within: 20_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.nodes[1].fetches == fetches)
        #expect(network.violations.isEmpty)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func copiesThatComeAndGoLoseNothing(seed: UInt64) throws {
        let network = try copies(seed: seed)
        var random = SplitMix64(seed: seed &* 31)
        for _ in 0..<20 {
            let index = [0, 3].randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<6, using: &random) {
            case 0: network.crash(index, storesFinish: Bool.random(using: &random))
            case 1: network.nodes[1].isDiskFull.toggle()
            default:
                if network.nodes[index].replica == nil { try network.start(index, linked: true) }
                try network.publish(index, batches: Int.random(in: 1...5, using: &random))
            }
            network.run(for: Int64.random(in: 0...1500, using: &random))
        }
        network.nodes[1].isDiskFull = false
        for index in [0, 3] where network.nodes[index].replica == nil { try network.start(index, linked: true) }
        #expect(network.run(within: 150_000) { network.isConverged } != nil, "seed \(seed): \(network.gaps)")
        #expect(network.violations.isEmpty, "seed \(seed)")
        #expect(!isAccused(network), "seed \(seed)")
    }

    /// Answers are bounded: by number, to one at a time, and to what is held.
    @Test func pullsAreBounded() throws {
        let network = try InMemoryNetwork(.line(2))
        try network.start(0)
        try network.publish(0, batches: 50)
        let feed = try #require(network.nodes[0].writer?.feed)
        let disk = try #require(network.nodes[0].disk[feed])
        var replica = try #require(network.nodes[0].replica)
        var random = SplitMix64(seed: 1)
        let now = Timestamp(milliseconds: network.now)
        func handle(_ event: ReplicaEvent) -> [ReplicaEffect] { replica.handle(event, now: now, random: &random) }
        func reads(_ effects: [ReplicaEffect]) -> [Range<UInt64>] {
            effects.compactMap { if case .readBatches(_, _, let range) = $0 { range } else { nil } }
        }
        let link = LinkID(1)
        _ = handle(.linkOpened(link, expected: nil))
        _ = handle(.received(link, .hello(LinkFrame.Hello(region: network.nodes[1].region))))
        #expect(reads(handle(.received(link, .pull(feed, from: 50)))).isEmpty)
        let unknown = FeedID(region: feed.region, epoch: Epoch(1))
        #expect(reads(handle(.received(link, .pull(unknown, from: 0)))).isEmpty)
        #expect(reads(handle(.received(link, .pull(feed, from: 10)))) == [10..<42])
        #expect(reads(handle(.received(link, .pull(feed, from: 10)))).isEmpty)
        let batches = (10..<12).compactMap { disk.batches[$0] }
        let answer = handle(.batchesRead(link, batches))
        #expect(answer.filter { if case .send(link, .batch) = $0 { true } else { false } }.count == 2)
        #expect(reads(handle(.received(link, .pull(feed, from: 12)))) == [12..<44])
        // What could not be read leaves the way free.
        _ = handle(.batchesRead(link, []))
        #expect(reads(handle(.received(link, .pull(feed, from: 49)))) == [49..<50])
        #expect(handle(.batchesRead(LinkID(7), batches)).isEmpty)
    }
}
