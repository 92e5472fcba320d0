import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// Indexes that are passed on.
@Suite struct ReplicaRelayTests {
    private static let minute: Int64 = 60_000

    /// All sign and publish once a minute.
    private func run(_ network: InMemoryNetwork, minutes: Int) throws {
        for _ in 0..<minutes {
            for index in network.nodes.indices where network.nodes[index].replica != nil {
                try network.publish(index)
                try network.signIndex(index)
            }
            network.run(for: Self.minute)
        }
    }

    private func oldest(_ network: InMemoryNetwork, at index: Int) -> Int64? {
        let others = network.nodes.map(\.region).filter { $0 != network.nodes[index].region }
        let ages = others.map { other in
            network.nodes[index].indexes[other].map { network.now / 1000 - $0.time }
        }
        return ages.contains(nil) ? nil : ages.compactMap { $0 }.max()
    }

    /// In a row of nodes every one has an index of every other, a quarter of an hour old at most, and each crosses a
    /// link about once in ten minutes, as a few hundred bytes.
    @Test func everybodyHasEveryIndex() throws {
        let network = try InMemoryNetwork(.line(6))
        try network.startAll()
        try run(network, minutes: 15)
        let before = network.nodes.map(\.sent)
        for _ in 0..<6 {
            try run(network, minutes: 10)
            for index in 0..<6 { #expect(try #require(oldest(network, at: index)) <= 15 * 60) }
        }
        let (frames, bytes) = zip(network.nodes, before).reduce((0, 0)) { sum, pair in
            let (node, before) = pair
            return (sum.0 + node.sent.relayed - before.relayed, sum.1 + node.sent.relayedBytes - before.relayedBytes)
        }
        // Own ones once a minute in both directions on five links; of the others four cross each link.
        let relayed = frames - 60 * 10
        #expect((5 * 4 * 5...5 * 4 * 7).contains(relayed), "\(relayed)")
        #expect(bytes / frames < 500, "\(bytes) bytes in \(frames) frames")
        #expect(network.violations.isEmpty)
        #expect(network.nodes.allSatisfy { $0.alarms.isEmpty && $0.replica?.framesPassedOver == 0 })
    }

    /// Whoever starts later gets them all within a minute of pauses.
    @Test func whoStartsLaterGetsThemOneByOne() throws {
        let network = try InMemoryNetwork(.line(5))
        try network.startAll()
        try run(network, minutes: 12)
        network.crash(4)
        network.run(for: 1000)
        try network.start(4, linked: true)
        try network.signIndex(4)
        network.run(for: 30_000)
        #expect(network.nodes[4].indexes.count == 4)
        #expect(network.violations.isEmpty)
    }

    /// An older release in the middle takes its neighbours' indexes as before and passes none on.
    @Test func olderReleasesPassNothingOn() throws {
        let network = try InMemoryNetwork(.line(5))
        network.nodes[2].isOlder = true
        try network.startAll()
        try run(network, minutes: 15)
        #expect(network.nodes[0].indexes.keys == [1, 2].map { network.nodes[$0].region })
        #expect(network.nodes[2].indexes.count == 2)
        #expect(network.nodes[2].sent.relayed == 0)
        #expect(network.violations.isEmpty)
        #expect(network.nodes.allSatisfy { $0.alarms.isEmpty })
    }

    // MARK: One replica

    private final class Bench {
        let network: InMemoryNetwork
        var replica: Replica
        var random = SplitMix64(seed: 1)
        let link = LinkID(7)

        /// A replica with a link to node 1, which has sent its own index.
        init() throws {
            network = try InMemoryNetwork(.mesh(4))
            try network.startAll()
            network.run(for: 500)
            for index in 0..<4 { try network.publish(index) }
            network.run(for: 1000)
            replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
            handle(.linkOpened(link, expected: nil))
            receive(.hello(LinkFrame.Hello(region: network.nodes[1].region, features: 7)))
            receive(.roster(version: 1, hash: network.roster.hash))
            let own = try network.index(of: 1)
            receive(.index(index: own.index.bytes, settled: own.settled.bytes))
        }

        @discardableResult
        func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
            replica.handle(event, now: Timestamp(milliseconds: network.now), random: &random)
        }

        @discardableResult
        func receive(_ frame: LinkFrame) -> [ReplicaEffect] { handle(.received(link, frame)) }

        /// - Returns: the region and time of what was kept; nil if nothing was.
        func kept(_ relayed: LinkFrame.RelayedIndex) -> (Region, Int64)? {
            for case .keepIndex(let index, _) in receive(.relayedIndex(relayed)) { return (index.node, index.time) }
            return nil
        }

        func isRefused(_ relayed: LinkFrame.RelayedIndex) -> Bool {
            let effects = receive(.relayedIndex(relayed))
            let isKept = effects.contains { if case .keepIndex = $0 { true } else { false } }
            return !isKept && effects.contains { if case .alarm(.rejectedIndex) = $0 { true } else { false } }
        }

        /// Node `index`'s index as node 1 passes it on.
        func relayed(_ index: Int) throws -> LinkFrame.RelayedIndex {
            let (own, theirs) = try (network.index(of: 1), network.index(of: index))
            return LinkFrame.RelayedIndex(
                isDifference: true,
                bytes: IndexDifference(of: theirs.index, from: own.index).bytes,
                settled: theirs.settled.bytes
            )
        }
    }

    @Test func whatIsPassedOnIsVerified() throws {
        var bench = try Bench()
        let good = try bench.relayed(2)
        for place in stride(from: 12, to: good.bytes.count, by: 11) {
            var altered = good
            altered.bytes[place] ^= 1
            #expect(bench.kept(altered) == nil, "byte \(place)")
        }
        bench = try Bench()
        var altered = good
        altered.settled = []
        #expect(bench.isRefused(altered))
        let kept = try #require(bench.kept(good))
        #expect(kept.0 == bench.network.nodes[2].region)
        // The same again, an older one, one of the same second, this node's own: nothing.
        #expect(bench.receive(.relayedIndex(good)).isEmpty)
        bench.network.nodes[2].clockOffset = -5000
        #expect(try bench.receive(.relayedIndex(bench.relayed(2))).isEmpty)
        bench.network.nodes[2].clockOffset = 0
        try bench.network.publish(2)
        #expect(try bench.receive(.relayedIndex(bench.relayed(2))).isEmpty)
        #expect(try bench.receive(.relayedIndex(bench.relayed(0))).isEmpty)
        bench.network.nodes[2].clockOffset = 5000
        #expect(try bench.kept(bench.relayed(2))?.1 == kept.1 + 5)
        bench.network.nodes[2].clockOffset = 3 * 3_600_000
        #expect(try bench.isRefused(bench.relayed(2)))
    }

    /// Relative to an index that has not come: nothing is wrong, and nothing is kept.
    @Test func differencesFromSomethingElseArePassedOver() throws {
        let bench = try Bench()
        bench.network.nodes[1].clockOffset = 1000
        #expect(try bench.receive(.relayedIndex(bench.relayed(2))).isEmpty)
        bench.network.nodes[1].clockOffset = 0
        #expect(try bench.kept(bench.relayed(2)) != nil)
        var settled = try bench.relayed(3)
        settled.settled = nil
        #expect(bench.receive(.relayedIndex(settled)).isEmpty)
        #expect(try bench.kept(bench.relayed(3)) != nil)
    }

    /// Also where it goes out by difference.
    @Test func theNextOwnIndexFollowsOnTheLast() throws {
        let network = try InMemoryNetwork(.mesh(2))
        try network.startAll()
        try run(network, minutes: 3)
        let before = network.nodes[0].sent
        let last = try network.signIndex(0)
        network.run(for: 2 * Self.minute)
        #expect(network.nodes[0].sent.relayed == before.relayed + 1)
        #expect(network.nodes[1].indexes[network.nodes[0].region]?.bytes == last)
        #expect(network.violations.isEmpty)
    }

    /// Keys that a roster closes take their indexes along; nobody is blamed for having passed them on.
    @Test func aRosterThatClosesAKeyEndsItsIndex() throws {
        let bench = try Bench()
        #expect(try bench.kept(bench.relayed(2)) != nil)
        let left = bench.network.roster.regions.filter { $0.id != bench.network.nodes[2].region }
        let next = try #require(bench.network.roster.next(issued: 1, expires: .max, regions: left))
        #expect(bench.replica.currentLoad.indexes == 2)
        bench.handle(.rosterChanged(next))
        #expect(bench.replica.currentLoad.indexes == 1)
        bench.receive(.roster(version: next.version, hash: next.hash))
        #expect(try bench.receive(.relayedIndex(bench.relayed(2))).isEmpty)
    }
}
