import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// How newer rosters spread, and what a replica does under them.
@Suite struct ReplicaRosterTests {
    /// The next roster of a network, with these entries in place of those of the same regions.
    private func next(
        _ network: InMemoryNetwork,
        after roster: Roster? = nil,
        listing nodes: Int,
        changed: [RosterRegion] = [],
        issued: Int64 = 1
    ) throws -> Roster {
        let entries = try network.nodes.prefix(nodes).map { node in
            try changed.first { $0.id == node.region } ?? InMemoryNetwork.entry(node)
        }
        return try #require((roster ?? network.roster).next(issued: issued, expires: .max, regions: entries))
    }

    private func versions(_ network: InMemoryNetwork) -> [UInt64] {
        network.nodes.map { $0.replica?.roster.version ?? 0 }
    }

    @Test(arguments: 1...10) func aNewerRosterReachesEveryNodeOnce(seed: UInt64) throws {
        var options = NetworkOptions.random(8, seed: seed)
        options.failingFetches = seed % 2 == 0 ? 30 : 0
        let network = try InMemoryNetwork(options)
        try network.startAll()
        network.run(for: 1000)
        let second = try next(network, listing: 8)
        let third = try next(network, after: second, listing: 8)
        network.install(second, at: 0)
        // The next one comes while that one is still on its way.
        network.run(for: 30)
        network.install(third, at: Int(seed % 8))
        let took = network.run(within: 900_000) { versions(network).allSatisfy { $0 == 3 } }
        #expect(took != nil, "\(versions(network))")
        #expect(network.violations.isEmpty && network.nodes.allSatisfy { $0.alarms.isEmpty })
        if options.failingFetches == 0 { #expect(network.nodes.allSatisfy { $0.rosterFetches <= 2 }) }
        // A node that starts again has what its disk has.
        network.crash(3)
        try network.start(3, linked: true)
        #expect(network.nodes[3].replica?.roster.version == 3)
    }

    @Test func aRegionIsAddedWhileAllRun() throws {
        var options = NetworkOptions.line(5)
        options.listed = 4
        let network = try InMemoryNetwork(options)
        try network.startAll(except: 4)
        try network.publish(1)
        network.run(for: 5000)
        let second = try next(network, listing: 5)
        network.install(second, at: 0)
        #expect(network.run(within: 10_000) { versions(network).prefix(4).allSatisfy { $0 == 2 } } != nil)
        network.nodes[4].roster = second
        try network.start(4, linked: true)
        try network.publish(4)
        #expect(network.run(within: 30_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty && network.nodes.allSatisfy { $0.alarms.isEmpty })
    }

    /// The new region is heard of before the new roster: what was passed over then comes as soon as that is there.
    @Test func advertsAreRepeatedToWhoDidNotKnowTheRegion() throws {
        var options = NetworkOptions.line(3)
        options.listed = 2
        let network = try InMemoryNetwork(options)
        let second = try next(network, listing: 3)
        for index in 1...2 { network.nodes[index].roster = second }
        try network.start(1)
        try network.start(2)
        network.connect(2)
        try network.publish(2)
        network.run(for: 5000)
        // Node 0 hears of a region that it does not know and cannot fetch the roster.
        network.failingFetches = 100
        try network.start(0, linked: true)
        network.run(for: 2000)
        #expect(network.nodes[0].hasAlarm { if case .unknownRegion = $0 { true } else { false } })
        #expect(versions(network) == [1, 2, 2] && !network.isConverged)
        network.failingFetches = 0
        #expect(network.run(within: 120_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(versions(network) == [2, 2, 2] && network.violations.isEmpty)
    }

    /// 63 provinces become 34 while their nodes run; then the nodes of the 29 are switched off.
    @Test func provincesAreMerged() throws {
        let provinces = VietnamProvince.until2025
        let numbers = provinces.map { province in provinces.firstIndex { $0.region == province.successor } ?? 0 }
        var options = NetworkOptions.ring(provinces.count)
        options.eventLimit = 2_000_000
        let plain = try InMemoryNetwork(options)
        let retired = try numbers.indices.filter { numbers[$0] != $0 }.map { number in
            try InMemoryNetwork.entry(plain.nodes[number], successor: plain.nodes[numbers[number]].region)
        }
        let second = try next(plain, listing: provinces.count, changed: retired)
        for (low, node) in plain.nodes.enumerated() {
            for peer in second.neighbours(of: node.region) where node.region < peer {
                let high = plain.nodes.firstIndex { $0.region == peer } ?? 0
                let edge = NetworkOptions.Edge(dialler: low, other: high)
                if !options.edges.contains(where: { $0 == edge || $0 == .init(dialler: high, other: low) }) {
                    options.edges.append(edge)
                }
            }
        }
        let network = try InMemoryNetwork(options)
        try network.startAll()
        for index in [0, 5, 17, 62] { try network.publish(index) }
        #expect(network.run(within: 120_000) { network.isConverged } != nil, "\(network.gaps)")
        network.install(second, at: 40)
        #expect(network.run(within: 120_000) { versions(network).allSatisfy { $0 == 2 } } != nil)
        // The old ring is gone; retired nodes hang on their successors.
        for edge in NetworkOptions.ring(provinces.count).edges {
            let neighbours = second.neighbours(of: network.nodes[edge.dialler].region)
            if !neighbours.contains(network.nodes[edge.other].region) { network.cut(edge.dialler, edge.other) }
        }
        for index in numbers where index % 3 == 0 { try network.publish(index) }
        #expect(network.run(within: 120_000) { network.isConverged } != nil, "\(network.gaps)")
        for index in numbers.indices where numbers[index] != index { network.crash(index) }
        for index in Set(numbers).sorted() { try network.publish(index) }
        #expect(network.run(within: 120_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty, "\(network.violations)")
    }

    @Test func aKeyIsRotated() throws {
        let network = try InMemoryNetwork(.line(4))
        try network.startAll()
        try network.publish(3)
        network.run(for: 5000)
        let old = network.nodes[3].signer.verifier
        let seed = [UInt8](repeating: 0x77, count: 32)
        let name = KeytideNames.signer(network.nodes[3].region)
        let signer = try #require(NoteSigner(name: name, algorithm: .cosignature, seed: seed))
        let keys = [
            RosterRegion.Key(verifier: old, notBefore: 0, notAfter: network.now / 1000 + 60),
            RosterRegion.Key(verifier: signer.verifier, notBefore: network.now / 1000, notAfter: .max),
        ]
        let entry = try InMemoryNetwork.entry(network.nodes[3], keys: keys)
        let second = try next(network, listing: 4, changed: [entry])
        // It starts again with the new key before anyone has the roster, its own file apart.
        network.crash(3)
        network.nodes[3].signer = signer
        network.nodes[3].roster = second
        try network.start(3, linked: true)
        try network.publish(3)
        #expect(network.run(within: 30_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(versions(network) == [2, 2, 2, 2] && network.violations.isEmpty)
    }

    @Test func ofTwoRostersOfOneVersionNeitherSpreads() throws {
        let network = try InMemoryNetwork(.line(4))
        try network.startAll()
        network.run(for: 1000)
        network.install(try next(network, listing: 4), at: 0)
        network.install(try next(network, listing: 4, issued: 2), at: 3)
        network.run(for: 60_000)
        let hashes = network.nodes.map { $0.replica?.roster.hash }
        #expect(hashes[0] == hashes[1] && hashes[2] == hashes[3] && hashes[1] != hashes[2])
        for index in 1...2 {
            #expect(network.nodes[index].hasAlarm { if case .forkedRoster = $0 { true } else { false } })
        }
        // Nor does what follows one of them reach those who hold the other; everything else goes on.
        let held = try #require(network.nodes[0].replica?.roster)
        network.install(try next(network, after: held, listing: 4), at: 0)
        try network.publish(0)
        #expect(network.run(within: 60_000) { network.isConverged } != nil)
        #expect(versions(network) == [3, 3, 2, 2] && network.violations.isEmpty)
    }

    @Test func aLinkOfARegionThatIsNoLongerListedEnds() throws {
        let network = try InMemoryNetwork(.line(3))
        try network.startAll()
        network.run(for: 1000)
        #expect(network.nodes[1].replica?.linkedPeers.count == 2)
        network.install(try next(network, listing: 2), at: 1)
        network.run(for: 1000)
        #expect(network.nodes[1].replica?.linkedPeers == [network.nodes[0].region])
        #expect(versions(network).prefix(2) == [2, 2] && network.violations.isEmpty)
    }

    @Test func aPeerThatBoastsIsAskedMoreAndMoreSeldom() throws {
        let network = try InMemoryNetwork(.mesh(2))
        var replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
        var random = SplitMix64(seed: 3)
        var now = network.now
        let link = LinkID(1)
        func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
            replica.handle(event, now: Timestamp(milliseconds: now), random: &random)
        }
        _ = handle(.linkOpened(link, expected: nil))
        _ = handle(.received(link, .hello(LinkFrame.Hello(region: network.nodes[1].region))))
        var asked: [Int64] = []
        for number in 0..<3600 {
            var effects = handle(.received(link, .roster(version: .max - UInt64(number), hash: Hash256(hashing: []))))
            effects += handle(.tick)
            for case .fetchRoster(let request, _) in effects {
                asked.append(now)
                _ = handle(.rosterFetched(request, nil))
            }
            now += 1000
        }
        let gaps = zip(asked, asked.dropFirst()).map { $1 - $0 }
        #expect(asked.count < 70, "\(asked.count) fetches in an hour")
        #expect(gaps.last ?? 0 >= 60_000)
        #expect(replica.roster.version == 1)
    }
}

extension [ReplicaEffect] {
    /// Without the frames that say which roster this node has.
    var exceptRoster: [ReplicaEffect] {
        filter { if case .send(_, .roster) = $0 { false } else { true } }
    }
}
