import ExposureKeys
import FeedFormat
import Replication
import Testing

/// Peers that lie, regions that sign nonsense, clocks that are wrong.
@Suite struct ReplicaHostilityTests {
    private static func isRejection(_ alarm: ReplicaAlarm) -> Bool {
        if case .rejected = alarm { true } else { false }
    }

    /// Node 2 first has the liar alone, then an honest neighbour too.
    @Test(arguments: NetworkNode.Lie.allCases)
    func liesAreRefusedAndTruthFetchedElsewhere(lie: NetworkNode.Lie) throws {
        let network = try InMemoryNetwork(.mesh(3))
        network.nodes[1].lie = lie
        try network.startAll()
        network.cut(0, 2)
        try network.publish(0, batches: 10)
        try network.publish(2)
        network.run(for: 5000)
        let feed = try #require(network.truth.keys.first { $0.region == network.nodes[0].region })
        let isAboutBytes = ![.boastfulAdverts, .emptyAnswers, .noAnswers].contains(lie)
        #expect(network.nodes[2].hasAlarm(Self.isRejection) == isAboutBytes)
        #expect(network.nodes[2].fetches < 20, "a liar costs a fetch and a pause: \(network.nodes[2].fetches)")
        if lie == .repeatedNumber { #expect(network.nodes[2].held(feed) == 1) }
        if lie == .boastfulAdverts { #expect(network.nodes[2].held(feed) == 10) }
        network.heal(0, 2)
        #expect(network.run(within: 35_000) { network.isConverged } != nil, "\(network.gaps)")
        // From now on the honest neighbour pushes, whatever the liar claims.
        for _ in 0..<5 {
            try network.publish(0)
            network.run(for: 1000)
            #expect(network.nodes[2].held(feed) == network.nodes[0].held(feed))
        }
        #expect(network.violations.isEmpty)
    }

    /// The liar stands first in every list and claims most.
    @Test(arguments: NetworkNode.Lie.allCases, 1...3 as ClosedRange<UInt64>)
    func aLiarAmongManyIsHarmless(lie: NetworkNode.Lie, seed: UInt64) throws {
        let network = try InMemoryNetwork(.mesh(5, seed: seed))
        network.nodes[0].lie = lie
        try network.startAll()
        network.run(for: 200)
        for _ in 0..<10 {
            for index in 1..<5 { try network.publish(index) }
            network.run(for: 1000)
        }
        // Nobody offers anything to one who claims to have it already: that is the boaster's own loss.
        if lie == .boastfulAdverts { network.crash(0) }
        #expect(network.run(within: 60_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty)
    }

    /// A peer that failed a fetch is not asked for a while, but what it pushes is welcome.
    @Test func aFailedFetchDoesNotSilenceAPeer() throws {
        let network = try InMemoryNetwork(.line(2))
        try network.startAll()
        network.run(for: 500)
        try network.publish(0)
        network.run(for: 1000)
        network.nodes[0].lie = .boastfulAdverts
        try network.publish(0)
        network.run(for: 1000)
        #expect(network.isConverged)
        let fetched = network.nodes[1].fetched
        for _ in 0..<5 {
            try network.publish(0)
            network.run(for: 100)
            #expect(network.isConverged)
        }
        #expect(network.nodes[1].fetched == fetched)
        #expect(network.violations.isEmpty)
    }

    @Test func aBatchFromTheFutureWaitsForTheClock() throws {
        let network = try InMemoryNetwork(.line(3))
        let hour: Int64 = 3_600_000
        network.nodes[0].clockOffset = 3 * hour
        try network.startAll()
        network.run(for: 500)
        try network.publish(0)
        try network.publish(1)
        network.run(for: hour)
        let feed = try #require(network.truth.keys.first { $0.region == network.nodes[0].region })
        #expect(network.nodes[1].held(feed) == 0)
        #expect(network.nodes[1].hasAlarm { if case .batchFromFuture(feed, _) = $0 { true } else { false } })
        #expect(!network.nodes[1].hasAlarm(Self.isRejection))
        // The interval of publication is 18 ahead; 11 are admitted.
        let took = network.run(within: hour) { network.isConverged }
        #expect((9 * 60_000...11 * 60_000).contains(took ?? 0), "\(String(describing: took)): \(network.gaps)")
        // Looked at again every ten minutes, for it may be this node's clock that is wrong.
        #expect((4...10).contains(network.nodes[1].fetches))
        #expect(network.violations.isEmpty)
    }

    private enum Nonsense: CaseIterable { case keyOutsideWindow, wrongNumber, noBatch }

    private func bytes(_ nonsense: Nonsense, _ network: InMemoryNetwork) throws -> [UInt8] {
        let interval = network.clock(of: 0).interval
        let keys = try network.keys(endingBy: interval)
        switch nonsense {
        case .keyOutsideWindow:
            var bytes = try Batch(number: 1, publication: interval, keys: keys).bytes
            let earlier = interval.advanced(by: -20 * Interval.perDay).number
            for place in 0..<4 { bytes[8 + place] = UInt8(truncatingIfNeeded: earlier >> UInt32(24 - 8 * place)) }
            return bytes
        case .wrongNumber:
            return try Batch(number: 7, publication: interval, keys: keys).bytes
        case .noBatch:
            return Array("nothing that a region should sign".utf8)
        }
    }

    @Test(arguments: Nonsense.allCases)
    private func signedNonsenseBlocksItsFeedAlone(nonsense: Nonsense) throws {
        let network = try InMemoryNetwork(.line(3))
        try network.startAll()
        network.run(for: 500)
        for index in 0..<3 { try network.publish(index) }
        network.run(for: 2000)
        #expect(network.isConverged)
        try network.publish(0, signing: try bytes(nonsense, network))
        network.run(for: 600_000)
        let feed = try #require(network.nodes[0].writer?.feed)
        #expect(network.nodes[1].held(feed) == 1)
        #expect(network.nodes[1].hasAlarm { if case .malformedFeed(feed, _) = $0 { true } else { false } })
        #expect(!network.nodes[1].hasAlarm(Self.isRejection), "whoever passed it on is not to blame")
        #expect(network.nodes[1].fetches <= 5, "a blocked feed is not fetched again")
        // The region begins a new epoch, and all others go on.
        network.crash(0)
        try network.start(0, linked: true)
        network.run(for: 500)
        for index in 0..<3 { try network.publish(index, batches: 2) }
        network.run(for: 5000)
        for other in network.truth.keys where other != feed {
            #expect(network.nodes.allSatisfy { $0.held(other) == network.truth[other]?.frontier.size })
        }
        #expect(network.violations.isEmpty)
    }

    /// Found by `keytide simulate`: what was proven before the nonsense, but could not be stored, comes again.
    @Test func nonsenseCostsNothingThatCameBefore() throws {
        let network = try InMemoryNetwork(.line(2))
        try network.startAll()
        network.run(for: 500)
        network.cut(0, 1)
        try network.publish(0)
        try network.publish(0, signing: try bytes(.wrongNumber, network))
        network.nodes[1].isDiskFull = true
        network.heal(0, 1)
        network.run(for: 20_000)
        let feed = try #require(network.nodes[0].writer?.feed)
        #expect(network.nodes[1].hasAlarm { if case .malformedFeed = $0 { true } else { false } })
        #expect(network.nodes[1].hasAlarm { if case .storeFailed = $0 { true } else { false } })
        network.nodes[1].isDiskFull = false
        network.run(for: 120_000)
        #expect(network.nodes[1].held(feed) == 1)
    }

    /// What a region fills is bounded, also while it comes in gaps, and room is used again.
    @Test(arguments: [1, 40])
    func aRegionThatFillsDisksIsHeldBack(step: Int) throws {
        var options = NetworkOptions.mesh(3)
        options.keysPerBatch = 100...100
        options.settings.bytesPerRegion = 40_000
        let network = try InMemoryNetwork(options)
        try network.startAll(except: step > 1 ? 2 : nil)
        for _ in 0..<(120 / step) {
            try network.publish(0, batches: step)
            network.run(for: 200)
        }
        if step > 1 { try network.start(2, linked: true) }
        network.run(for: 60_000)
        let feed = try #require(network.truth.keys.first { $0.region == network.nodes[0].region })
        for index in 1...2 {
            let bytes = try #require(network.nodes[index].disk[feed]?.bytes)
            // One fetch may be under way.
            #expect((40_000..<40_000 + 32 * 2500).contains(bytes), "\(bytes)")
            let isTold = network.nodes[index].hasAlarm { if case .tooManyBytes = $0 { true } else { false } }
            #expect(isTold)
        }
        // Others are not held back with it, and what was left out comes when there is room.
        try network.publish(1)
        for index in 0..<3 { network.drop(feed, below: 110, at: index) }
        #expect(network.run(within: 60_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty, "\(network.violations)")
    }
}
