import FeedFormat
import Replication
import Testing

/// Each round of asking makes progress or changes what is asked of whom: whatever a linked peer has and hashes lead to
/// comes within 20 minutes, whatever else is lost for good.
@Suite struct ReplicaProgressTests {
    private func settings(batchesPerFetch: UInt64) -> ReplicationSettings {
        var settings = ReplicationSettings()
        settings.batchesPerFetch = batchesPerFetch
        if batchesPerFetch != 32 { settings.catchUpFrom = batchesPerFetch }
        return settings
    }

    // MARK: (a) What is asked for together with what is lost

    @Test(arguments: [[0], [7], [31], [0, 13, 31], [0, 1, 2, 30], Array(3..<29)] as [[UInt64]])
    func whatIsLostKeepsNothingElseAway(lost: [UInt64]) throws {
        let peers = try ScriptedPeers(batches: 40, held: Set(32..<40))
        peers.link(says: 0..<40, lacks: Set(lost))
        #expect(peers.holds(Set(0..<40).subtracting(lost)), "\(peers.held.sorted())")
    }

    /// Nobody has all of them, and nobody says what it lacks.
    @Test func everyPeersPartComes() throws {
        let peers = try ScriptedPeers(batches: 40, held: Set(32..<40))
        for part in 0..<4 as Range<UInt64> {
            peers.link(says: 0..<40, lacks: Set((0..<32).filter { $0 % 5 != part }))
        }
        #expect(peers.holds((0..<40).filter { $0 >= 32 || $0 % 5 != 4 }), "\(peers.held.sorted())")
    }

    /// Also below a batch that the peer itself has never had, where its feed seems to begin.
    @Test func whatLiesBelowAPeersGapComes() throws {
        let peers = try ScriptedPeers(batches: 40, held: Set(32..<40))
        peers.link(ScriptedPeers.Peer(says: 25..<40, has: Set(0..<40).subtracting([24]), hashes: 0..<40))
        #expect(peers.holds(Set(0..<40).subtracting([24])), "\(peers.held.sorted())")
    }

    /// Where a feed begins here behind a batch that is lost everywhere, those before it come: of an epoch in which nothing
    /// can have expired.
    @Test func whatLiesBeforeTheBeginningComes() throws {
        let peers = try ScriptedPeers(batches: 40)
        peers.link(ScriptedPeers.Peer(says: 25..<40, has: Set(0..<40).subtracting([24]), hashes: 0..<40))
        #expect(peers.holds(Set(0..<40).subtracting([24])), "\(peers.held.sorted())")
        #expect(peers.begin == 0)
    }

    /// Of an older one, what a peer does not say is taken for expired, and not asked for.
    @Test func whatHasExpiredIsNotLookedFor() throws {
        let peers = try ScriptedPeers(batches: 40, epochAge: 16 * 86_400)
        peers.link(says: 25..<40)
        #expect(peers.holds(25..<40))
        _ = peers.run(within: 60) { false }
        #expect(peers.begin == 25)
        #expect(peers.questions.allSatisfy { $0.batches.lowerBound >= 25 })
    }

    // MARK: (b) The right one is asked for the wrong batch

    @Test(arguments: [1, 2, 32] as [UInt64], 1...4)
    func whoeverHasAnOlderOneIsAskedForIt(batchesPerFetch: UInt64, others: Int) throws {
        let held = Set<UInt64>(0..<20).subtracting([5, 9])
        let peers = try ScriptedPeers(batches: 20, held: held, settings: settings(batchesPerFetch: batchesPerFetch))
        peers.link(says: 0..<20, lacks: [9])
        for _ in 0..<others { peers.link(says: 0..<20, lacks: [5, 9]) }
        #expect(peers.holds([5]), "\(peers.questions.prefix(40))")
    }

    /// More batches are lost than may be asked for at a time.
    @Test(arguments: [1, 32] as [UInt64])
    func whatIsNewerAndLostDoesNotGoFirstForEver(batchesPerFetch: UInt64) throws {
        let lost = Set<UInt64>((10..<40).filter { $0.isMultiple(of: 2) })
        let held = Set<UInt64>(0..<41).subtracting(lost).subtracting([3])
        let peers = try ScriptedPeers(batches: 41, held: held, settings: settings(batchesPerFetch: batchesPerFetch))
        peers.link(says: 0..<41, lacks: lost.union([3]))
        peers.link(says: 0..<41, lacks: lost)
        #expect(peers.holds([3]), "\(peers.questions.prefix(40))")
    }

    // MARK: (c) What once could not be stepped over

    /// The newest batch comes from a clock that is three hours ahead, and the next one is lost.
    @Test(arguments: [1, 2, 32] as [UInt64])
    func aBatchFromAheadForbidsNoStepForEver(batchesPerFetch: UInt64) throws {
        let peers = try ScriptedPeers(
            batches: 80,
            ahead: [79],
            held: Set(0..<5),
            settings: settings(batchesPerFetch: batchesPerFetch)
        )
        peers.link(says: 0..<80, lacks: [5])
        #expect(peers.holds(Set(6..<79)), "\(peers.held.sorted().suffix(4)) \(peers.questions.suffix(20))")
        #expect(peers.run(within: 20) { !peers.alarms.isEmpty })
    }

    /// A feed was to begin here with a batch from ahead; what lies in front of it comes from who has it later.
    @Test(arguments: [1, 2, 32] as [UInt64])
    func aFeedThatWasToBeginAheadBeginsBeforeThat(batchesPerFetch: UInt64) throws {
        let peers = try ScriptedPeers(batches: 8, ahead: [6, 7], settings: settings(batchesPerFetch: batchesPerFetch))
        peers.link(says: 6..<8, hashes: 0..<8)
        #expect(peers.run(within: 5) { !peers.alarms.isEmpty })
        peers.link(says: 1..<3, hashes: 0..<8)
        #expect(peers.holds(1..<3), "\(peers.held.sorted()) \(peers.questions.suffix(20))")
    }

    /// The same of a peer that says it has them from the beginning, and has them only later.
    @Test(arguments: [1, 2, 32] as [UInt64])
    func whatLiesBeforeABatchFromAheadIsAskedForAgain(batchesPerFetch: UInt64) throws {
        let peers = try ScriptedPeers(batches: 8, ahead: [6, 7], settings: settings(batchesPerFetch: batchesPerFetch))
        peers.link(says: 0..<8, lacks: Set(0..<6))
        #expect(peers.run(within: 5) { !peers.alarms.isEmpty })
        peers.change(0) { $0.has = Set(0..<8) }
        #expect(peers.holds(0..<6), "\(peers.held.sorted()) \(peers.questions.suffix(20))")
    }

    /// Batches came over the link once when a fetch had failed; hashes come by fetches alone.
    @Test func whoWasAskedOverTheLinkOnceIsNotAskedSoForEver() throws {
        let peers = try ScriptedPeers(batches: 20, held: Set(0..<5))
        var peer = ScriptedPeers.Peer(says: 0..<8, has: Set(0..<8), hashes: 0..<20)
        peer.isReachable = false
        peers.link(peer)
        #expect(peers.holds(Set(0..<8)))
        peers.change(0) { peer in
            peer = ScriptedPeers.Peer(says: 0..<20, has: Set(0..<20).subtracting([8]), hashes: 0..<20)
        }
        #expect(peers.holds(Set(9..<20)), "\(peers.held.sorted().suffix(4)) \(peers.questions.suffix(20))")
    }

    // MARK: (d) Hashes that lead to what does not come

    /// The batch behind the one that is left out is lost as well, and more behind that.
    @Test(arguments: [1, 2, 32] as [UInt64], [[5, 6], [5, 6, 7, 9], Array(5..<18), [5, 19]] as [[UInt64]])
    func manyLostInARowAreSteppedOver(batchesPerFetch: UInt64, lost: [UInt64]) throws {
        let peers = try ScriptedPeers(
            batches: 20,
            held: Set(0..<5),
            settings: settings(batchesPerFetch: batchesPerFetch)
        )
        peers.link(says: 0..<20, lacks: Set(lost))
        #expect(peers.holds(Set(5..<20).subtracting(lost)), "\(peers.held.sorted()) \(peers.hashQuestions.suffix(20))")
    }

    /// The newest are to come first, and it is these that are lost.
    @Test(
        arguments: [1, 2, 32] as [UInt64],
        [[199], Array(168..<200), Array(100..<199), Array(40..<200)] as [[UInt64]]
    )
    func newestThatAreLostHoldUpNothing(batchesPerFetch: UInt64, lost: [UInt64]) throws {
        let peers = try ScriptedPeers(
            batches: 200,
            held: Set(0..<5),
            settings: settings(batchesPerFetch: batchesPerFetch)
        )
        peers.link(says: 0..<200, lacks: Set(lost))
        #expect(peers.holds(Set(5..<200).subtracting(lost)), "\(peers.held.sorted().suffix(4))")
    }

    /// A peer whose feed begins behind others that are lost everywhere, and whose own first one is lost too.
    @Test(arguments: [1, 32] as [UInt64], [[12], [12, 13, 15], Array(12..<19)] as [[UInt64]])
    func whereAPeersFeedBeginsMayBeLost(batchesPerFetch: UInt64, lost: [UInt64]) throws {
        let peers = try ScriptedPeers(
            batches: 20,
            held: Set(0..<5),
            settings: settings(batchesPerFetch: batchesPerFetch)
        )
        peers.link(says: 12..<20, lacks: Set(lost))
        #expect(peers.holds(Set(12..<20).subtracting(lost)), "\(peers.held.sorted()) \(peers.hashQuestions.suffix(20))")
    }

    /// The same where nothing is held yet: a frontier leads to what does not come.
    @Test(arguments: [1, 32] as [UInt64], [[12], [12, 13, 15], Array(12..<19)] as [[UInt64]])
    func whereAFeedIsToBeginMayBeLost(batchesPerFetch: UInt64, lost: [UInt64]) throws {
        let peers = try ScriptedPeers(batches: 20, settings: settings(batchesPerFetch: batchesPerFetch))
        peers.link(says: 12..<20, lacks: Set(lost), hashes: 12..<20)
        #expect(peers.holds(Set(12..<20).subtracting(lost)), "\(peers.held.sorted()) \(peers.questions.suffix(20))")
    }

    /// Where all is lost, asking goes on at a bounded pace.
    @Test(arguments: [1, 32] as [UInt64])
    func whatNobodyHasIsAskedForNowAndThen(batchesPerFetch: UInt64) throws {
        let peers = try ScriptedPeers(
            batches: 60,
            held: Set(0..<5).union(40..<60),
            settings: settings(batchesPerFetch: batchesPerFetch)
        )
        for _ in 0..<3 { peers.link(says: 0..<60, lacks: Set(5..<40)) }
        _ = peers.run(within: 60) { false }
        let batches = peers.questions.reduce(0) { $0 + Int($1.batches.count) }
        #expect(batches < 3 * 35 * 40, "\(batches) asked for in an hour")
    }
}
