import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// Keys that are stolen, and rosters that close them.
@Suite struct ReplicaClosureTests {
    /// Honest nodes, and one that holds the key of node 0.
    private struct Theft {
        let network: InMemoryNetwork
        let thief: Int
        /// Feeds of node 0 under the stolen key.
        var honest: [FeedID] = []

        init(seed: UInt64) throws {
            var random = SplitMix64(seed: seed &* 131)
            let count = Int.random(in: 3...5, using: &random)
            var options = NetworkOptions.random(count, seed: seed)
            options.nodes = count + 1
            thief = count
            options.copies = [count: 0]
            let victim = Int.random(in: 1..<count, using: &random)
            options.edges.append(.init(dialler: count, other: victim))
            options.storeDelay = 1...Int64.random(in: 1...60, using: &random)
            network = try InMemoryNetwork(options)
            network.nodes[thief].isThief = true
            for index in 0..<count { try network.start(index, linked: true) }
            network.run(for: 1000)
        }

        /// Region, thief and others publish; the thief in epochs of his own, or in one of the region's.
        mutating func live(_ random: inout SplitMix64) throws {
            for _ in 0..<12 {
                switch Int.random(in: 0..<8, using: &random) {
                case 0, 1, 2: try publish(0, batches: Int.random(in: 1...4, using: &random))
                case 3: try network.publish(Int.random(in: 1..<thief, using: &random))
                case 4:
                    network.crash(0, storesFinish: true)
                    try network.start(0, linked: true)
                case 5:
                    // His image of the disk is as old as it is.
                    network.crash(thief)
                    network.nodes[thief].disk = network.nodes[0].disk
                    let pen = network.nodes[0].writer
                    try network.start(thief, linked: true)
                    if Bool.random(using: &random), let pen { network.nodes[thief].writer = pen }
                default: try publish(thief, batches: Int.random(in: 1...3, using: &random))
                }
                network.run(for: Int64.random(in: 0...2500, using: &random))
            }
        }

        /// Publishes, in a new epoch if there is more of the open one on the disk than its pen has written.
        func publish(_ index: Int, batches: Int = 1) throws {
            if let pen = network.nodes[index].writer,
                network.nodes[index].held(pen.feed) != pen.frontier.size
                    || network.nodes[index].storing[pen.feed] != nil
            {
                network.crash(index, storesFinish: true)
                try network.start(index, linked: true)
            }
            try network.publish(index, batches: batches)
        }

        /// The roster that closes the stolen key: some of the region's epochs stand, up to somewhere.
        func closure(
            _ next: NoteSigner,
            _ random: inout SplitMix64
        ) throws -> (roster: Roster, standing: [RosterRegion.Closure.Standing]) {
            let node = network.nodes[0]
            var standing: [RosterRegion.Closure.Standing] = []
            for (feed, stored) in zip(network.truth.keys, network.truth.values) where feed.region == node.region {
                guard Int.random(in: 0..<4, using: &random) > 0 else { continue }
                let size = UInt64.random(in: 1...stored.frontier.size, using: &random)
                let root = try #require(stored.frontiers[size]).root
                standing.append(.init(epoch: feed.epoch, size: size, root: root))
            }
            let closure = try #require(RosterRegion.Closure(key: node.signer.verifier, standing: standing))
            let entry = try InMemoryNetwork.entry(
                node,
                keys: [RosterRegion.Key(verifier: next.verifier, notBefore: 0, notAfter: .max)],
                closures: [closure]
            )
            let others = network.roster.regions.filter { $0.id != node.region }
            let roster = try #require(
                network.roster.next(issued: 1, expires: .max, regions: others + [entry])
            )
            return (roster, standing)
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func exactlyWhatStandsIsLeftEverywhere(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var theft = try Theft(seed: seed)
        let network = theft.network
        try theft.live(&random)
        let region = network.nodes[0].region
        let next = try #require(
            NoteSigner(
                name: KeytideNames.signer(region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 99, count: 32)
            )
        )
        let (roster, standing) = try theft.closure(next, &random)
        // The roster begins anywhere, and spreads while the thief goes on and some are away.
        let away = Int.random(in: 0..<theft.thief, using: &random)
        if Bool.random(using: &random) { network.crash(away) }
        network.install(roster, at: (away + 1) % theft.thief)
        try theft.publish(theft.thief, batches: 2)
        network.run(for: Int64.random(in: 0...3000, using: &random))
        // The region goes on under its new key.
        network.crash(0)
        network.nodes[0].roster = roster
        network.nodes[0].signer = next
        if let entry = roster.region(region) { network.nodes[0].review(entry) }
        try network.start(0, linked: true)
        if network.nodes[away].replica == nil { try network.start(away, linked: true) }
        try theft.publish(0, batches: 3)
        let fresh = try #require(network.nodes[0].writer?.feed)
        network.run(for: 1000)
        try theft.publish(theft.thief)

        let honest = 0..<theft.thief
        func gaps() -> [String] {
            var gaps: [String] = []
            for index in honest {
                for (feed, signed) in zip(network.truth.keys, network.truth.values) {
                    let held = network.nodes[index].disk[feed]?.frontier ?? Frontier()
                    var expected = signed.frontier
                    if feed.region == region, feed != fresh {
                        let stands = standing.first { $0.epoch == feed.epoch }
                        expected = stands.flatMap { signed.frontiers[$0.size] } ?? Frontier()
                    }
                    if held != expected { gaps.append("node \(index): \(feed) \(held.size), not \(expected.size)") }
                }
                for feed in network.thefts.keys where network.truth[feed] == nil {
                    if network.nodes[index].disk[feed] != nil { gaps.append("node \(index): \(feed) is the thief's") }
                }
            }
            return gaps
        }
        _ = network.run(within: 400_000) { gaps().isEmpty }
        #expect(gaps().isEmpty, "seed \(seed)")
        #expect(network.violations.isEmpty, "seed \(seed)")
        // And it stays so, whatever the thief still says; nobody is blamed for having had another roster.
        for index in honest { network.nodes[index].alarms = [] }
        try theft.publish(theft.thief, batches: 2)
        try theft.publish(0)
        network.run(for: 200_000)
        #expect(gaps().isEmpty, "seed \(seed)")
        for index in honest {
            #expect(!network.nodes[index].hasAlarm { if case .rejected = $0 { true } else { false } }, "seed \(seed)")
            // What does not count is not missing, whoever says that he has it.
            let lags = network.nodes[index].replica?.lags.map { "\($0.region): \($0.batches)" }
            #expect(lags == [], "seed \(seed), node \(index)")
        }
    }

    /// A peer with a newer roster may be right about what does not verify here; one that cannot show it is not believed.
    @Test func aNewerRosterExcusesOnlyUntilItIsAskedFor() throws {
        let network = try InMemoryNetwork(.line(2))
        let feed = FeedID(region: network.nodes[0].region, epoch: Epoch(1))
        let stranger = try #require(
            NoteSigner(
                name: KeytideNames.signer(feed.region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 55, count: 32)
            )
        )
        var pen = FeedWriter(beginning: feed, predecessors: [], signer: stranger)
        let now = Timestamp(milliseconds: network.now)
        let written = try pen.publish([], publication: now.interval, time: now.milliseconds / 1000)
        let received = written.map { ReceivedBatch(bytes: $0.batch.bytes, checkpoint: $0.checkpoint.bytes) }
        for isShown in [false, true] {
            var replica = Replica(region: network.nodes[1].region, roster: network.roster, held: [])
            var random = SplitMix64(seed: 1)
            func handle(_ event: ReplicaEvent) -> [ReplicaEffect] { replica.handle(event, now: now, random: &random) }
            let link = LinkID(1)
            _ = handle(.linkOpened(link, expected: nil))
            _ = handle(.received(link, .hello(LinkFrame.Hello(region: feed.region))))
            let announced = handle(.received(link, .roster(version: 2, hash: Hash256(hashing: []))))
            if isShown {
                for case .fetchRoster(let request, _) in announced { _ = handle(.rosterFetched(request, nil)) }
            }
            let advert = try #require(Advert(feed: feed, first: 0, count: 1))
            var alarms: [ReplicaAlarm] = []
            for case .fetchBatches(let request, _, _, _) in handle(.received(link, .adverts([advert]))) {
                for case .alarm(let alarm) in handle(.batchesFetched(request, received)) { alarms.append(alarm) }
            }
            #expect(alarms.count == (isShown ? 1 : 0))
        }
    }
}
