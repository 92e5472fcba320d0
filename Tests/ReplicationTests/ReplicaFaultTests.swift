import Replication
import Testing

/// Late joiners, restarts, broken links, disks and parents: everybody ends with everything.
@Suite struct ReplicaFaultTests {
    /// Runs until all is everywhere; fails with what is missing.
    private func settle(_ network: InMemoryNetwork, within limit: Int64, line: Int = #line) {
        let took = network.run(within: limit) { network.isConverged }
        #expect(took != nil, "after line \(line), \(limit) ms: \(network.gaps)")
        #expect(network.violations.isEmpty)
    }

    private func started(_ options: NetworkOptions, late: Int? = nil) throws -> InMemoryNetwork {
        let network = try InMemoryNetwork(options)
        try network.startAll(except: late)
        network.run(for: 500)
        return network
    }

    @Test func lateJoinerCatchesUpInChunks() throws {
        let network = try started(.line(3), late: 2)
        for _ in 0..<100 { try network.publish(0) }
        settle(network, within: 10_000)
        try network.start(2, linked: true)
        settle(network, within: 5000)
        #expect(network.nodes[2].fetches == 4, "100 batches in chunks of 32")
        #expect(network.nodes[2].fetched == 100)
        #expect(network.nodes[2].pushed == 0)
    }

    @Test func lateJoinerBeginsAtTheFrontierOfWhatIsLeft() throws {
        let network = try started(.line(3), late: 2)
        for _ in 0..<100 { try network.publish(0) }
        settle(network, within: 10_000)
        let feed = try #require(network.truth.keys.first)
        for index in 0..<2 { network.drop(feed, below: 60, at: index) }
        try network.start(2, linked: true)
        settle(network, within: 5000)
        #expect(network.nodes[2].disk[feed]?.first == 60)
        #expect(network.nodes[2].frontierFetches == 1)
        #expect(network.nodes[2].fetched == 40)
        // Its wish to have batches pushed is still under way.
        network.run(for: 200)
        try network.publish(0)
        settle(network, within: 5000)
        #expect(network.nodes[2].pushed == 1)
    }

    /// A node that was away while what comes next was dropped goes on by the hashes of it, and drops its own in its time.
    @Test func afterALongAbsenceHashesLeadOn() throws {
        let network = try started(.line(2))
        try network.publish(0, batches: 10)
        settle(network, within: 5000)
        let feed = try #require(network.truth.keys.first)
        network.cut(0, 1)
        try network.publish(0, batches: 40)
        network.drop(feed, below: 30, at: 0)
        network.heal(0, 1)
        network.run(for: 5000)
        #expect(network.nodes[1].held(feed) == 50)
        #expect(network.lacking(at: 1) == 20)
        #expect(network.nodes[1].frontierFetches == 0)
        network.drop(feed, below: 30, at: 1)
        settle(network, within: 5000)
        #expect(network.nodes[1].disk[feed]?.first == 30)
        #expect(network.lacking(at: 1) == 0)
    }

    /// What a peer dropped after its last advert is not asked for again and again.
    @Test func droppingIsToldToThoseBehind() throws {
        let network = try started(.line(2))
        network.nodes[1].isDiskFull = true
        try network.publish(0, batches: 20)
        network.run(for: 3000)
        let feed = try #require(network.truth.keys.first)
        network.drop(feed, below: 12, at: 0)
        network.nodes[1].isDiskFull = false
        settle(network, within: 40_000)
        #expect(network.nodes[1].disk[feed]?.first == 12)
    }

    /// Also to those to whom it was pushed in vain.
    @Test func droppingIsToldToThoseWhoCouldNotStoreAPush() throws {
        let network = try started(.line(2))
        try network.publish(0)
        settle(network, within: 2000)
        network.nodes[1].isDiskFull = true
        for _ in 0..<5 {
            try network.publish(0)
            network.run(for: 500)
        }
        let feed = try #require(network.truth.keys.first)
        for index in 0..<2 { network.drop(feed, below: 4, at: index) }
        network.nodes[1].isDiskFull = false
        settle(network, within: 60_000)
        #expect(network.nodes[1].disk[feed]?.first == 4)
    }

    @Test func restartFetchesNothingItHas() throws {
        let network = try started(.ring(4))
        for index in 0..<4 { try network.publish(index, batches: 20) }
        settle(network, within: 20_000)
        let before = network.nodes[2]
        network.crash(2)
        try network.publish(0, batches: 3)
        network.run(for: 2000)
        try network.start(2, linked: true)
        settle(network, within: 10_000)
        #expect(network.nodes[2].fetched + network.nodes[2].pushed == before.fetched + before.pushed + 3)
    }

    @Test(arguments: [false, true], 1...8 as ClosedRange<UInt64>)
    func crashWhileStoring(storesFinish: Bool, seed: UInt64) throws {
        let network = try started(.line(3, seed: seed))
        try network.publish(0, batches: 50)
        #expect(network.run(within: 5000) { !network.nodes[1].storing.isEmpty } != nil)
        network.crash(1, storesFinish: storesFinish)
        network.run(for: 1000)
        try network.start(1, linked: true)
        settle(network, within: 10_000)
    }

    @Test func fullDiskLosesNothingOnceFreed() throws {
        let network = try started(.line(3))
        try network.publish(0)
        settle(network, within: 5000)
        network.nodes[1].isDiskFull = true
        for _ in 0..<10 {
            try network.publish(0)
            network.run(for: 20_000)
        }
        #expect(network.nodes[1].hasAlarm { if case .storeFailed = $0 { true } else { false } })
        #expect(network.nodes[1].fetches < 20, "a full disk must not be hammered: \(network.nodes[1].fetches) fetches")
        #expect(network.nodes[1].visible.values == [1])
        network.nodes[1].isDiskFull = false
        settle(network, within: 60_000)
    }

    @Test func healedLinkCatchesUp() throws {
        let network = try started(.line(4))
        for index in 0..<4 { try network.publish(index) }
        settle(network, within: 10_000)
        network.cut(1, 2)
        for _ in 0..<50 { for index in 0..<4 { try network.publish(index) } }
        network.run(for: 10_000)
        #expect(!network.isConverged)
        network.heal(1, 2)
        settle(network, within: 10_000)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func flappingLink(seed: UInt64) throws {
        let network = try started(.ring(3, seed: seed))
        for _ in 0..<60 {
            network.cut(0, 1)
            try network.publish(0, batches: 2)
            network.run(for: Int64.random(in: 0...80, using: &network.random))
            network.heal(0, 1)
            try network.publish(1)
            network.run(for: Int64.random(in: 0...80, using: &network.random))
        }
        network.heal(0, 1)
        settle(network, within: 40_000)
    }

    /// A diamond: the last node has two ways to the first one.
    private var diamond: NetworkOptions {
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3)].map { NetworkOptions.Edge(dialler: $0.0, other: $0.1) }
        return NetworkOptions(nodes: 4, edges: edges)
    }

    @Test(arguments: [1, 2])
    func anotherNeighbourTakesOverFromADeadParent(dead: Int) throws {
        let network = try started(diamond)
        for _ in 0..<3 {
            try network.publish(0)
            network.run(for: 1000)
        }
        network.crash(dead)
        network.run(for: 100)
        let fetches = network.nodes[3].fetches
        for _ in 0..<10 {
            try network.publish(0)
            settle(network, within: 1000)
            network.run(for: 1000)
        }
        #expect(network.nodes[3].fetches <= fetches + 1, "one fetch finds the new parent, then batches flow again")
    }

    /// The parent's link hangs: nothing closes, nothing comes.
    @Test(arguments: [1, 2])
    func anotherNeighbourTakesOverFromASilentParent(silent: Int) throws {
        let network = try started(diamond)
        for _ in 0..<3 {
            try network.publish(0)
            network.run(for: 1000)
        }
        network.stall(silent, 3)
        let fetches = network.nodes[3].fetches
        for _ in 0..<10 {
            try network.publish(0)
            settle(network, within: 1000)
            network.run(for: 1000)
        }
        #expect(network.nodes[3].fetches <= fetches + 1)
    }
}
