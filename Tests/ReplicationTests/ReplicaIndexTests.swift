import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// Indexes on links: when they are sent, and what is kept of them.
@Suite struct ReplicaIndexTests {
    private let network: InMemoryNetwork
    private var replica: Replica
    private var random = SplitMix64(seed: 1)
    private var now: Timestamp
    private let link = LinkID(7)

    init() throws {
        network = try InMemoryNetwork(.mesh(3))
        replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
        now = Timestamp(milliseconds: network.now)
    }

    private mutating func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
        replica.handle(event, now: now, random: &random)
    }

    private mutating func greet(_ link: LinkID, _ index: Int) -> [ReplicaEffect] {
        _ = handle(.linkOpened(link, expected: nil))
        return handle(.received(link, .hello(LinkFrame.Hello(region: network.nodes[index].region))))
    }

    /// Index bytes sent, with the link of each.
    private func sent(_ effects: [ReplicaEffect]) -> [String] {
        effects.compactMap { effect in
            guard case .send(let link, .index(let index, let settled)) = effect else { return nil }
            return "\(link.number): \(index) \(settled)"
        }
    }

    private func wakes(_ effects: [ReplicaEffect]) -> [Int64] {
        effects.compactMap { if case .wake(let time) = $0 { time.milliseconds } else { nil } }
    }

    @Test mutating func theNewestGoesOutOnceAPause() {
        #expect(greet(link, 1).exceptRoster.isEmpty)
        // This one has not said hello.
        _ = handle(.linkOpened(LinkID(8), expected: nil))
        let start = now
        #expect(sent(handle(.indexSigned(index: [1], settled: [9]))) == ["7: [1] [9]"])
        for number in 2...5 as ClosedRange<UInt8> {
            now = now.advanced(byMilliseconds: 10_000)
            let effects = handle(.indexSigned(index: [number], settled: [9]))
            #expect(sent(effects).isEmpty)
            #expect(wakes(effects) == (number == 2 ? [start.milliseconds + 60_000] : []))
        }
        // A tick too early says again when to wake.
        let early = handle(.tick)
        #expect(sent(early).isEmpty)
        #expect(wakes(early) == [start.milliseconds + 60_000])
        now = start.advanced(byMilliseconds: 60_000)
        #expect(sent(handle(.tick)) == ["7: [5] [9]"])
        #expect(handle(.tick).isEmpty)
        now = now.advanced(byMilliseconds: 59_999)
        #expect(sent(handle(.indexSigned(index: [6], settled: []))).isEmpty)
        now = now.advanced(byMilliseconds: 1)
        // Whatever comes first when it is due sends it.
        #expect(sent(handle(.indexSigned(index: [7], settled: []))) == ["7: [7] []"])
    }

    @Test mutating func aNewLinkGetsItAtOnce() throws {
        _ = handle(.indexSigned(index: [1], settled: []))
        _ = handle(.indexSigned(index: [2], settled: [3]))
        #expect(sent(greet(link, 1)) == ["7: [2] [3]"])
        #expect(sent(greet(LinkID(8), 2)) == ["8: [2] [3]"])
        let feed = FeedID(region: network.nodes[0].region, epoch: Epoch(1))
        let held = HeldFeed(feed: feed, frontier: Frontier(leaves: [Hash256(hashing: [1])]), first: 0)
        replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [held])
        _ = handle(.indexSigned(index: [4], settled: []))
        let effects = greet(link, 1).exceptRoster
        #expect(effects.count == 2)
        guard case .send(link, .adverts) = effects.first, case .send(link, .index) = effects.last else {
            Issue.record("the index comes after the adverts")
            return
        }
    }

    private func frame(_ index: Int) throws -> LinkFrame {
        let signed = try network.index(of: index)
        return .index(index: signed.index.bytes, settled: signed.settled.bytes)
    }

    private enum Outcome: Equatable { case kept(Int64), rejected(Region), nothing, other }

    private func outcome(_ effects: [ReplicaEffect]) -> Outcome {
        guard effects.count < 2 else { return .other }
        switch effects.first {
        case .keepIndex(let index, _): return .kept(index.time)
        case .alarm(.rejectedIndex(let peer, _)): return .rejected(peer)
        case nil: return .nothing
        default: return .other
        }
    }

    /// Its node has not been given its region's next key yet. Nothing is wrong with it.
    @Test mutating func oneThatOnlyAClosedKeyHasSignedIsPassedOver() throws {
        try network.startAll()
        network.run(for: 500)
        now = Timestamp(milliseconds: network.now)
        let node = network.nodes[1]
        let closure = try #require(RosterRegion.Closure(key: node.signer.verifier, standing: []))
        let next = network.nodes[2].signer.verifier.publicKey
        let key = try #require(
            NoteVerifier(name: KeytideNames.signer(node.region), algorithm: .cosignature, publicKey: next)
        )
        let entry = try InMemoryNetwork.entry(
            node,
            keys: [RosterRegion.Key(verifier: key, notBefore: 0, notAfter: .max)],
            closures: [closure]
        )
        let others = network.roster.regions.filter { $0.id != node.region }
        let roster = try #require(network.roster.next(issued: 1, expires: .max, regions: others + [entry]))
        replica = Replica(region: network.nodes[0].region, roster: roster, held: [])
        _ = greet(link, 1)
        #expect(try outcome(handle(.received(link, frame(1)))) == .nothing)
        // Another region's is still none of this peer's.
        #expect(try outcome(handle(.received(link, frame(2)))) == .rejected(node.region))
    }

    @Test mutating func onlyNewerOnesOfThePeerItselfAreKept() throws {
        try network.startAll()
        network.run(for: 500)
        for index in 0..<3 { try network.publish(index) }
        network.run(for: 1000)
        now = Timestamp(milliseconds: network.now)
        _ = greet(link, 1)
        let (peer, time) = (network.nodes[1].region, network.now / 1000)
        let first = try frame(1)
        #expect(outcome(handle(.received(link, first))) == .kept(time))
        #expect(outcome(handle(.received(link, first))) == .nothing)
        // Another one of the same second counts, an older one does not.
        try network.publish(1)
        #expect(try outcome(handle(.received(link, frame(1)))) == .kept(time))
        network.nodes[1].clockOffset = -1000
        #expect(try outcome(handle(.received(link, frame(1)))) == .nothing)
        network.nodes[1].clockOffset = 5000
        #expect(try outcome(handle(.received(link, frame(1)))) == .kept(time + 5))
        // Too far ahead of this clock it would shut out all that follow.
        network.nodes[1].clockOffset = 3 * 3_600_000
        #expect(try outcome(handle(.received(link, frame(1)))) == .rejected(peer))
        #expect(try outcome(handle(.received(link, frame(2)))) == .rejected(peer))
        network.nodes[1].clockOffset = 9000
        let (index, settled) = try network.index(of: 1)
        #expect(settled.entries.count == 2)
        var altered = index.bytes
        altered[altered.count - 1] ^= 1
        for (bytes, part) in [(altered, settled.bytes), (index.bytes, []), ([], settled.bytes), ([], [])] {
            #expect(outcome(handle(.received(link, .index(index: bytes, settled: part)))) == .rejected(peer))
        }
        #expect(try outcome(handle(.received(link, frame(1)))) == .kept(time + 9))
        #expect(replica.linkedPeers == [peer])
    }

    @Test mutating func anIndexBeforeHelloEndsTheLink() throws {
        _ = handle(.linkOpened(link, expected: nil))
        guard case .close(link, _)? = handle(.received(link, try frame(1))).first else {
            Issue.record("the link goes on")
            return
        }
    }

    /// Every node signs whenever it publishes: neighbours have its last index a pause later. Twice the same run is the
    /// same.
    @Test func neighboursHaveTheLastIndex() throws {
        var traces: Set<UInt64> = []
        for _ in 0..<2 {
            let network = try InMemoryNetwork(.line(4, seed: 3))
            try network.startAll()
            network.run(for: 500)
            for _ in 0..<20 {
                for index in 0..<4 {
                    try network.publish(index)
                    try network.signIndex(index)
                }
                network.run(for: 7000)
            }
            network.crash(3)
            try network.start(3, linked: true)
            let last = try (0..<4).map { try network.signIndex($0) }
            network.run(for: 61_000)
            for index in 0..<4 {
                let neighbours = [index - 1, index + 1].filter(network.nodes.indices.contains)
                for neighbour in neighbours {
                    let kept = network.nodes[index].indexes[network.nodes[neighbour].region]
                    #expect(kept?.bytes == last[neighbour])
                }
            }
            #expect(network.isConverged)
            #expect(network.violations.isEmpty)
            #expect(network.nodes.allSatisfy { $0.alarms.isEmpty })
            traces.insert(network.trace)
        }
        #expect(traces.count == 1)
    }
}
