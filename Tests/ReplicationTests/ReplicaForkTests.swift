import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// A key that signs two histories: found, proven, told to all, and nothing new taken until a roster settles it.
@Suite struct ReplicaForkTests {
    /// Sizes of the two histories behind what they share: equal, either one larger, and by more than one frame brings.
    @Test(arguments: [(1, 1), (5, 5), (1, 2), (2, 1), (1, 40), (40, 1), (7, 12)])
    func everyoneLearnsOfAFork(published: Int, stolen: Int) throws {
        let line = try ForkedLine(6, published: published, stolen: stolen)
        let network = line.network
        let held = line.honest.map { network.nodes[$0].held(line.feed) }
        #expect(held == line.honest.map { UInt64(3 + ($0 < line.middle ? published : stolen)) })
        #expect(line.knowing.isEmpty)
        try line.heal()
        #expect(line.knowing == Array(line.honest))
        for index in line.honest {
            let isOwn = index == 0
            #expect(network.nodes[index].hasAlarm { $0 == .forked(line.feed, isOwn: isOwn) })
            #expect(network.nodes[index].forks.keys == [line.feed.region])
        }
        #expect(line.honest.map { network.nodes[$0].held(line.feed) } == held, "what is held stays")
        #expect(!line.isAccused)
        #expect(network.violations.isEmpty)
    }

    /// One history may just be shorter than the other: no fork.
    @Test(arguments: [(0, 4), (4, 0), (0, 0)])
    func aHistoryThatContinuesAnotherIsNone(published: Int, stolen: Int) throws {
        let line = try ForkedLine(4, published: published, stolen: stolen)
        try line.heal()
        #expect(line.knowing.isEmpty)
        #expect(line.honest.allSatisfy { line.network.nodes[$0].held(line.feed) == UInt64(3 + published + stolen) })
        #expect(!line.isAccused)
        #expect(line.network.violations.isEmpty)
    }

    @Test func nothingNewOfTheRegionIsTakenFromAnyone() throws {
        let line = try ForkedLine(4, published: 2, stolen: 1)
        let network = line.network
        try line.heal()
        let region = line.feed.region
        let held = network.nodes.map { $0.disk.keys.filter { $0.region == region }.map(\.epoch) }
        // The region goes on under the same key all the same, in an epoch of its own, and so does the thief.
        try network.publish(0, batches: 3)
        try network.start(line.thief, linked: true)
        try network.publish(line.thief, batches: 2)
        for index in 1..<4 { try network.publish(index, batches: 2) }
        network.run(for: 60_000)
        for index in 1..<4 {
            #expect(network.nodes[index].disk.keys.filter { $0.region == region }.map(\.epoch) == held[index])
            #expect(network.nodes[index].replica?.lags.contains { $0.region == region } == false)
            for other in 1..<4 {
                let feed = try #require(network.nodes[other].writer?.feed)
                #expect(network.nodes[index].held(feed) == 2, "other regions go on")
            }
        }
        #expect(!line.isAccused)
        #expect(network.violations.isEmpty)
    }

    /// What is held is repaired, by whoever holds the same.
    @Test func whatIsHeldIsRepaired() throws {
        let line = try ForkedLine(6, published: 4, stolen: 4)
        let network = line.network
        try line.heal()
        network.damage(line.feed, [1, 5], at: 1)
        #expect(network.run(within: 60_000) { network.damaged(line.feed, at: 1).isEmpty } != nil)
        #expect(!line.isAccused)
        #expect(network.violations.isEmpty)
    }

    @Test func aProofOutlivesTheProcessAndIsToldToWhoeverComes() throws {
        let line = try ForkedLine(4, published: 1, stolen: 2)
        let network = line.network
        network.crash(0)
        try line.heal()
        #expect(line.knowing == [1, 2, 3])
        for index in 1..<4 { network.crash(index) }
        network.nodes[2].forks = SortedMap()
        for index in 0..<4 { try network.start(index) }
        #expect(line.knowing == [1, 3], "before any link")
        for index in 0..<4 { network.connect(index) }
        network.run(for: 1000)
        #expect(line.knowing == [0, 1, 2, 3])
        #expect(network.violations.isEmpty)
    }

    /// Three histories, of which any two contradict each other.
    @Test func oneProofIsEnoughForThreeHistories() throws {
        let line = try ForkedLine(6, published: 2, stolen: 2)
        let network = line.network
        // The last node gets a third one while it is alone.
        network.cut(4, 5)
        var pen = line.pen
        let now = network.clock(of: 5)
        let third = try pen.publish([], publication: now.interval, time: now.milliseconds / 1000)
            .map { ProvenBatch($0, feed: line.feed) }
        let before = network.nodes[5].disk[line.feed]?.frontier
        network.nodes[5].disk.update(line.feed) { stored in
            stored.cut(to: 3)
            _ = stored.append(third, base: nil)
        }
        #expect(network.nodes[5].disk[line.feed]?.frontier != before)
        network.crash(5)
        try network.start(5)
        try line.heal()
        #expect(line.knowing == [0, 1, 2, 3, 4])
        network.heal(4, 5)
        network.run(for: 5000)
        #expect(line.knowing == Array(line.honest))
        #expect(!line.isAccused)
        #expect(network.violations.isEmpty)
    }

    /// The roster closes the key and names what stands; the region goes on under its new one.
    @Test(arguments: [1, 3, 5] as [UInt64])
    func aRosterSettlesIt(standing: UInt64) throws {
        let line = try ForkedLine(5, published: 2, stolen: 4)
        let network = line.network
        try line.heal()
        let roster = try network.closing(0, standing: [(line.feed, standing)], seed: 99)
        network.install(roster.roster, at: 2)
        network.crash(0)
        network.nodes[0].roster = roster.roster
        network.nodes[0].signer = roster.signer
        if let entry = roster.roster.region(line.feed.region) { network.nodes[0].review(entry) }
        try network.start(0, linked: true)
        try network.publish(0, batches: 3)
        let fresh = try #require(network.nodes[0].writer?.feed)
        func isSettled() -> Bool {
            line.honest.allSatisfy { index in
                network.nodes[index].held(line.feed) == standing && network.nodes[index].held(fresh) == 3
                    && network.nodes[index].replica?.openForks.isEmpty == true
            }
        }
        #expect(network.run(within: 200_000, until: isSettled) != nil)
        for index in line.honest.dropFirst() {
            #expect(network.nodes[index].forks.isEmpty)
            let frontier = network.nodes[index].disk[line.feed]?.frontier
            #expect(frontier == network.truth[line.feed]?.frontiers[standing])
        }
        network.run(for: 200_000)
        #expect(isSettled())
        #expect(!line.isAccused)
        #expect(network.violations.isEmpty)
    }
}

extension InMemoryNetwork {
    /// A roster that closes a node's key and names what stands of what the region published, and its next key.
    func closing(
        _ index: Int,
        standing: [(feed: FeedID, size: UInt64)],
        seed: UInt8
    ) throws -> (roster: Roster, signer: NoteSigner) {
        let node = nodes[index]
        let standing = standing.compactMap { feed, size in
            (truth[feed]?.frontiers[size]?.root).map {
                RosterRegion.Closure.Standing(epoch: feed.epoch, size: size, root: $0)
            }
        }
        guard let closure = RosterRegion.Closure(key: node.signer.verifier, standing: standing),
            let signer = NoteSigner(
                name: KeytideNames.signer(node.region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: seed, count: 32)
            )
        else { throw NetworkError.setup }
        let key = RosterRegion.Key(verifier: signer.verifier, notBefore: 0, notAfter: .max)
        let entry = try InMemoryNetwork.entry(node, keys: [key], closures: [closure])
        let others = roster.regions.filter { $0.id != node.region }
        guard let next = roster.next(issued: 1, expires: .max, regions: others + [entry]) else {
            throw NetworkError.setup
        }
        return (next, signer)
    }
}
