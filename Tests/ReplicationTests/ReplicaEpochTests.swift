import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// Several epochs of one region.
@Suite struct ReplicaEpochTests {
    @Test func epochsAreUnited() throws {
        let network = try InMemoryNetwork(.line(3))
        try network.startAll(except: 2)
        network.run(for: 500)
        try network.publish(0, batches: 3)
        let old = try #require(network.nodes[0].writer?.feed)
        network.run(for: 2000)
        network.crash(0)
        network.run(for: 2000)
        try network.start(0, linked: true)
        try network.publish(0, batches: 2)
        let new = try #require(network.nodes[0].writer?.feed)
        try network.start(2, linked: true)
        #expect(network.run(within: 5000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.nodes[2].replica?.held.map(\.feed) == [old, new].sorted())
        let first = try #require(network.nodes[2].disk[new]?.batches[0])
        #expect(try Batch(first.bytes).predecessors() == [old.epoch])
        #expect(network.violations.isEmpty)
    }

    /// A region that lost its disk gets its own earlier epochs back from others.
    @Test func lostDiskIsFilledAgain() throws {
        let network = try InMemoryNetwork(.line(2))
        try network.startAll()
        network.run(for: 500)
        try network.publish(0, batches: 40)
        network.run(for: 5000)
        network.crash(0)
        network.nodes[0].disk = SortedMap()
        try network.start(0, linked: true)
        try network.publish(0)
        #expect(network.run(within: 5000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty)
    }

    @Test func epochsBeyondTheLimitWait() throws {
        let network = try InMemoryNetwork(.line(2))
        try network.startAll()
        for _ in 0..<33 {
            network.crash(0)
            try network.start(0)
            network.run(for: 1000)
            network.connect(0)
            try network.publish(0)
            network.run(for: 2000)
        }
        let feeds = network.truth.keys
        #expect(feeds.count == 33)
        #expect(network.nodes[1].disk.keys == Array(feeds.prefix(32)))
        let region = network.nodes[0].region
        #expect(network.nodes[1].alarms.filter { $0 == .tooManyEpochs(region) }.count == 1)
        network.run(for: 600_000)
        #expect(network.nodes[1].disk.count == 32)
        for index in 0..<2 { network.drop(feeds[5], below: 1, at: index) }
        #expect(network.run(within: 2000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty)
    }

    /// Claims of epochs that nobody can prove neither shut out the real one nor stay in memory.
    @Test func inventedEpochsDoNotCount() throws {
        let network = try InMemoryNetwork(.mesh(3))
        let region = network.nodes[0].region
        var random = SplitMix64(seed: 3)
        var replica = Replica(region: network.nodes[1].region, roster: network.roster, held: [])
        let now = Timestamp(milliseconds: network.now)
        func handle(_ event: ReplicaEvent) -> [ReplicaEffect] { replica.handle(event, now: now, random: &random) }
        for (link, peer) in [(LinkID(1), network.nodes[2].region), (LinkID(2), region)] {
            _ = handle(.linkOpened(link, expected: nil))
            _ = handle(.received(link, .hello(LinkFrame.Hello(region: peer))))
        }
        let invented = (1...100).compactMap {
            Advert(feed: FeedID(region: region, epoch: Epoch(UInt64($0))), first: 0, count: 9)
        }
        let claims = handle(.received(LinkID(1), .adverts(invented)))
        #expect(claims.filter { if case .fetchBatches = $0 { true } else { false } }.count == 64)
        let real = try #require(Advert(feed: FeedID(region: region, epoch: Epoch(1 << 40)), first: 0, count: 1))
        let effects = handle(.received(LinkID(2), .adverts([real])))
        #expect(effects.contains { if case .fetchBatches(_, region, real.feed, 0..<1) = $0 { true } else { false } })
        for case .fetchBatches(let request, _, _, _) in claims { _ = handle(.batchesFetched(request, [])) }
        #expect(replica.lag == 9)
        _ = handle(.linkClosed(LinkID(1)))
        #expect(replica.lag == 1)
        #expect(replica.held.isEmpty)
    }
}
