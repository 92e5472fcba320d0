import ExposureKeys
import FeedFormat
import Replication
import Testing

/// What rots on a disk comes again from neighbours, proven like anything else.
@Suite struct ReplicaRepairTests {
    private func settled(_ options: NetworkOptions, batches: Int) throws -> (InMemoryNetwork, FeedID) {
        let network = try InMemoryNetwork(options)
        try network.startAll()
        try network.publish(0, batches: batches)
        #expect(network.run(within: 20_000) { network.isConverged } != nil, "\(network.gaps)")
        return (network, try #require(network.truth.keys.first))
    }

    private func repaired(_ network: InMemoryNetwork, _ feed: FeedID, at index: Int, within limit: Int64) -> Bool {
        network.run(within: limit) { network.damaged(feed, at: index).isEmpty } != nil
    }

    @Test func runsOfDamagedBatchesComeInAFetchEach() throws {
        let (network, feed) = try settled(.line(2), batches: 100)
        let before = network.nodes[1].fetches
        network.damage(feed, [3, 4, 5, 50] + (60..<99), at: 1)
        #expect(repaired(network, feed, at: 1, within: 5000))
        #expect(network.nodes[1].fetches - before == 4, "3 to 5, 50, and 39 in chunks of 32")
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// The region's own batches come back from whoever got them.
    @Test func theRegionItselfIsRepairedByANeighbour() throws {
        let (network, feed) = try settled(.line(2), batches: 20)
        network.damage(feed, 0..<20, at: 0)
        #expect(repaired(network, feed, at: 0, within: 5000))
        try network.publish(0)
        #expect(network.run(within: 5000) { network.isConverged } != nil)
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// Half of the fetches fail, publishing goes on, and in a ring there are two to ask.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func itEndsUnderFaultsAndLeavesTheTailAlone(seed: UInt64) throws {
        let (network, feed) = try settled(.ring(4, seed: seed), batches: 40)
        network.failingFetches = 50
        for round in 0..<10 as Range<UInt64> {
            network.damage(feed, [round, 10 + 2 * round, 39 - round], at: Int(round % 4))
            try network.publish(0)
            network.run(for: 300)
        }
        network.failingFetches = 0
        for index in 0..<4 { #expect(repaired(network, feed, at: index, within: 300_000), "node \(index)") }
        #expect(network.run(within: 100_000) { network.isConverged } != nil, "\(network.gaps) \(network.now)")
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    @Test func aLiarIsFoundOutAndTheOtherNeighbourAsked() throws {
        let (network, feed) = try settled(.line(3), batches: 10)
        network.nodes[0].lie = .alteredBytes
        network.damage(feed, [4], at: 1)
        #expect(repaired(network, feed, at: 1, within: 10_000))
        #expect(network.violations.isEmpty, "\(network.violations)")
        #expect(network.nodes[1].hasAlarm { if case .rejected = $0 { true } else { false } })
    }

    @Test func nobodyHasItUntilSomebodyDoes() throws {
        let (network, feed) = try settled(.line(2), batches: 10)
        network.cut(0, 1)
        network.damage(feed, [4], at: 1)
        network.run(for: 60_000)
        #expect(network.damaged(feed, at: 1) == [4])
        network.heal(0, 1)
        #expect(repaired(network, feed, at: 1, within: 10_000))
    }

    @Test func aFullDiskIsTriedAgainAndWhatIsDroppedIsNotFetched() throws {
        let (network, feed) = try settled(.line(2), batches: 10)
        network.nodes[1].isDiskFull = true
        network.damage(feed, [2, 8], at: 1)
        network.run(for: 20_000)
        #expect(network.damaged(feed, at: 1) == [2, 8])
        for index in 0..<2 { network.drop(feed, below: 5, at: index) }
        network.nodes[1].isDiskFull = false
        let before = network.nodes[1].fetched
        #expect(repaired(network, feed, at: 1, within: 60_000))
        #expect(network.nodes[1].fetched == before + 1)
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// Not held, dropped, or of an unknown feed: nothing is fetched.
    @Test func whatIsNotHeldIsNotRepaired() throws {
        let (network, feed) = try settled(.line(2), batches: 10)
        for index in 0..<2 { network.drop(feed, below: 5, at: index) }
        let before = network.nodes[1].fetches
        let hash = Hash256(hashing: [])
        let other = FeedID(region: feed.region, epoch: .init(1))
        for (feed, number) in [(feed, 4), (feed, 10), (feed, .max), (other, 0)] as [(FeedID, UInt64)] {
            network.dispatch(.damaged(feed, [DamagedBatch(number: number, leaf: hash, root: hash)]), to: 1)
        }
        network.run(for: 20_000)
        #expect(network.nodes[1].fetches == before)
    }
}
