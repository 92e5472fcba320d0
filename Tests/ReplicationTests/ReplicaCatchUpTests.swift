import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// Newest first, from several neighbours, over restarts; and downwards where a feed began too late.
@Suite struct ReplicaCatchUpTests {
    /// Node 0 has published so many batches, all others but the last node hold them.
    private func behind(_ options: NetworkOptions, batches: Int) throws -> (InMemoryNetwork, FeedID) {
        let network = try InMemoryNetwork(options)
        let late = options.nodes - 1
        try network.startAll(except: late)
        try network.publish(0, batches: batches)
        let feed = try #require(network.truth.keys.first)
        let isSettled = network.run(within: 60_000) {
            (0..<late).allSatisfy { network.nodes[$0].held(feed) == UInt64(batches) && network.lacking(at: $0) == 0 }
        }
        #expect(isSettled != nil)
        network.run(for: 1000)
        network.mostFetchesAtOnce = 0
        return (network, feed)
    }

    /// Three nodes hold one batch of node 0's; then all links are cut, and it publishes four more, the first of which rots.
    private func rotten(_ options: NetworkOptions) throws -> (InMemoryNetwork, FeedID) {
        let network = try InMemoryNetwork(options)
        try network.startAll()
        try network.publish(0)
        #expect(network.run(within: 20_000) { network.isConverged } != nil)
        let feed = try #require(network.truth.keys.first)
        for (one, other) in [(0, 1), (1, 2), (0, 2)] { network.cut(one, other) }
        try network.publish(0, batches: 4)
        network.run(for: 1000)
        network.damage(feed, [1], at: 0)
        return (network, feed)
    }

    @Test func theNewestComeFirstAndTheRestFromSeveral() throws {
        let (network, feed) = try behind(.mesh(4), batches: 500)
        try network.start(3, linked: true)
        let shown = network.run(within: 10_000) { (network.nodes[3].visible[feed] ?? 0) == 500 }
        #expect(shown != nil)
        #expect(network.lacking(at: 3) == 500 - 32, "hashes and newest batches only")
        #expect(network.nodes[3].fetches <= 1 + 3, "the rest is asked for at once")
        #expect(network.run(within: 60_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.nodes[3].fetches == 1 + 15, "468 batches in chunks of 32")
        #expect(network.violations.isEmpty, "\(network.violations)")
        // The three that have them were asked at the same time.
        #expect(network.mostFetchesAtOnce == 3)
    }

    /// Whoever has gaps says that its feed begins behind them.
    @Test func onlyWhatIsThereIsAdverted() throws {
        var options = NetworkOptions.line(3)
        options.latency = 40...40
        let (network, feed) = try behind(options, batches: 300)
        try network.start(2, linked: true)
        #expect(network.run(within: 10_000) { network.nodes[2].held(feed) == 300 } != nil)
        let advert = try #require(network.nodes[2].replica?.held.first)
        #expect(advert.first == 300 - 32)
        // As the replica knows it: what its disk has just stored is told to it after this.
        #expect(network.run(within: 10) { network.nodes[2].replica?.lag == 300 - 32 } != nil)
        #expect(network.run(within: 60_000) { network.isConverged } != nil)
        #expect(network.nodes[2].replica?.held.first?.first == 0)
        #expect(network.nodes[2].replica?.lag == 0)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func aRestartGoesOnWhereItWas(seed: UInt64) throws {
        let (network, feed) = try behind(.mesh(3, seed: seed), batches: 400)
        try network.start(2, linked: true)
        var most = 0
        for _ in 0..<6 {
            network.run(for: Int64.random(in: 20...200, using: &network.random))
            network.crash(2, storesFinish: Bool.random(using: &network.random))
            let held = network.nodes[2].disk[feed].map { Int($0.frontier.size) - $0.gaps.count } ?? 0
            #expect(held >= most, "what came is there")
            most = held
            try network.start(2, linked: true)
        }
        #expect(network.run(within: 60_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// Liars among those who are asked, failing fetches, publications meanwhile.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func liarsAndFaultsOnlyCostTime(seed: UInt64) throws {
        let (network, _) = try behind(.mesh(5, seed: seed), batches: 200)
        let lies = NetworkNode.Lie.allCases
        network.nodes[1].lie = lies[Int(seed) % lies.count]
        network.nodes[2].lie = lies[Int(seed / 3) % lies.count]
        network.failingFetches = 20
        try network.start(4, linked: true)
        for _ in 0..<5 {
            network.run(for: 400)
            try network.publish(0, batches: 2)
        }
        network.failingFetches = 0
        #expect(network.run(within: 400_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// One who lies that the older half is dropped everywhere is believed by whoever knows nobody else; also of a feed that
    /// a roster ends.
    @Test(arguments: [false, true]) func aFeedThatBeganTooLateIsCompletedDownwards(isEnded: Bool) throws {
        let (network, feed) = try behind(.mesh(3), batches: 20)
        if isEnded {
            let roster = try ending(feed, in: network)
            for index in 0..<2 { network.install(roster, at: index) }
            network.nodes[2].roster = roster
            network.run(for: 3000)
        }
        network.cut(0, 2)
        network.drop(feed, below: 12, at: 1)
        try network.start(2, linked: true)
        #expect(network.run(within: 10_000) { network.nodes[2].held(feed) == 20 } != nil)
        #expect(network.nodes[2].disk[feed]?.base.size == 12)
        network.heal(0, 2)
        let isWhole = network.run(within: 30_000) {
            network.nodes[2].disk[feed].map { $0.base.size == 0 && $0.gaps.isEmpty } ?? false
        }
        #expect(isWhole != nil)
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// A roster that closes the key of node 0, by which all of a feed stands.
    private func ending(_ feed: FeedID, in network: InMemoryNetwork) throws -> Roster {
        let node = network.nodes[0]
        let whole = try #require(node.disk[feed]).frontier
        let next = try #require(
            NoteSigner(
                name: KeytideNames.signer(node.region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 99, count: 32)
            )
        )
        let standing = RosterRegion.Closure.Standing(epoch: feed.epoch, size: whole.size, root: whole.root)
        let entry = try InMemoryNetwork.entry(
            node,
            keys: [RosterRegion.Key(verifier: next.verifier, notBefore: 0, notAfter: .max)],
            closures: [try #require(RosterRegion.Closure(key: node.signer.verifier, standing: [standing]))]
        )
        let others = network.roster.regions.filter { $0.id != node.region }
        return try #require(network.roster.next(issued: 1, expires: .max, regions: others + [entry]))
    }

    /// Not below what has been dropped here.
    @Test func whatWasDroppedIsNotAskedForAgain() throws {
        let (network, feed) = try behind(.mesh(3), batches: 20)
        try network.start(2, linked: true)
        #expect(network.run(within: 20_000) { network.isConverged } != nil)
        network.drop(feed, below: 12, at: 2)
        let before = network.nodes[2].fetches + network.nodes[2].frontierFetches
        try network.publish(0)
        network.run(for: 20_000)
        #expect(network.nodes[2].held(feed) == 21)
        #expect(network.nodes[2].disk[feed]?.first == 12)
        #expect(network.nodes[2].fetches + network.nodes[2].frontierFetches <= before + 1)
    }

    /// The only copy of a batch rots before it was passed on: what follows comes all the same, also to those whose
    /// neighbours have nothing before it.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func aBatchThatIsLostHoldsUpNoOther(seed: UInt64) throws {
        let (network, feed) = try rotten(.line(3, seed: seed))
        network.heal(0, 1)
        #expect(network.run(within: 60_000) { network.nodes[1].held(feed) == 5 } != nil)
        network.heal(1, 2)
        #expect(network.run(within: 60_000) { network.nodes[2].held(feed) == 5 } != nil)
        #expect(network.run(within: 60_000) { (1...2).allSatisfy { network.lacking(at: $0) == 1 } } != nil)
        try network.publish(0)
        #expect(network.run(within: 20_000) { (1...2).allSatisfy { network.nodes[$0].held(feed) == 6 } } != nil)
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// Of two neighbours one says that it holds the batch and never gives it, the other one has a gap there.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func whoGivesNothingIsPassedOver(seed: UInt64) throws {
        let (network, feed) = try rotten(.mesh(3, seed: seed))
        network.heal(0, 1)
        #expect(network.run(within: 60_000) { network.nodes[1].held(feed) == 5 } != nil)
        let before = network.events
        // Both are to be asked again later, the one with the gap first.
        network.failingFetches = 100
        network.heal(1, 2)
        network.run(for: 500)
        network.heal(0, 2)
        network.run(for: 2000)
        network.failingFetches = 0
        #expect(network.run(within: 60_000) { network.nodes[2].held(feed) == 5 } != nil)
        #expect(network.lacking(at: 2) == 1)
        network.run(for: 60_000)
        #expect(network.events - before < 1000)
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    /// What the region itself signed and nobody can read is refused where it is met, and the rest is there.
    @Test func aMalformedBatchInAGapStaysAway() throws {
        let options = NetworkOptions.line(2)
        let network = try InMemoryNetwork(options)
        try network.startAll(except: 1)
        try network.publish(0, batches: 40)
        try network.publish(0, signing: [UInt8]("no batch".utf8))
        for number in 41..<140 as Range<UInt64> {
            let now = network.clock(of: 0).interval
            try network.publish(
                0,
                signing: Batch(number: number, publication: now, keys: network.keys(endingBy: now)).bytes
            )
        }
        let feed = try #require(network.truth.keys.first)
        try network.start(1, linked: true)
        network.run(for: 120_000)
        #expect(network.nodes[1].hasAlarm { if case .malformedFeed = $0 { true } else { false } })
        #expect(network.nodes[1].disk[feed]?.gaps.map(\.number) == [40])
        #expect(network.nodes[1].replica?.held.first?.first == 41)
    }

    /// Newest batches that nobody can take do not keep those before them away.
    @Test(arguments: [false, true], [1, 2, 5] as [UInt64])
    func theNewestMayBeUnusable(isAhead: Bool, batchesPerFetch: UInt64) throws {
        let network = try InMemoryNetwork(.line(2))
        try network.startAll(except: 1)
        try network.publish(0, batches: 100)
        let feed = try #require(network.truth.keys.first)
        if isAhead {
            let later = network.clock(of: 0).interval.advanced(by: 40 * Interval.perDay)
            let batch = try Batch(number: 100, publication: later, keys: network.keys(endingBy: later))
            try network.publish(0, signing: batch.bytes)
        } else {
            try network.publish(0, signing: [UInt8]("no batch".utf8))
        }
        var settings = ReplicationSettings()
        settings.batchesPerFetch = batchesPerFetch
        settings.catchUpFrom = 1
        network.settings = settings
        try network.start(1, linked: true)
        #expect(
            network.run(within: 60_000) { network.nodes[1].held(feed) == 100 && network.lacking(at: 1) == 0 } != nil
        )
        network.run(for: 20_000)
        let isTold = network.nodes[1].hasAlarm { alarm in
            switch alarm {
            case .malformedFeed: !isAhead
            case .batchFromFuture: isAhead
            default: false
            }
        }
        #expect(isTold)
        #expect(network.violations.isEmpty, "\(network.violations)")
    }
}
