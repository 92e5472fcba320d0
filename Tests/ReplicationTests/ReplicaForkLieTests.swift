import ExposureKeys
import FeedFormat
import Replication
import Testing

/// Peers that invent forks, and inquiries that find none.
@Suite struct ReplicaForkLieTests {
    private let line: ForkedLine
    private let proof: ForkProof
    private let peer: Region

    init() throws {
        line = try ForkedLine(4, published: 1, stolen: 3)
        try line.heal()
        proof = try #require(line.network.nodes[1].replica?.openForks.first)
        peer = line.network.nodes[3].region
    }

    private enum Outcome: Equatable {
        case believed, closed, passedOver
    }

    /// What a fresh replica makes of proofs from a peer that has said hello.
    /// - Parameter announced: what the peer says of its roster; nil for the same one.
    private func outcome(of proofs: [[UInt8]], roster: Roster? = nil, announced: UInt64? = nil) -> Outcome {
        let roster = roster ?? line.network.roster
        var replica = Replica(region: line.network.nodes[2].region, roster: roster, held: [])
        var random = SystemRandomNumberGenerator()
        var outcome = Outcome.passedOver
        func handle(_ event: ReplicaEvent) {
            for effect in replica.handle(event, now: Timestamp(milliseconds: line.network.now), random: &random) {
                if case .keepFork = effect { outcome = .believed }
                if case .close = effect { outcome = .closed }
            }
        }
        let link = LinkID(1)
        handle(.linkOpened(link, expected: nil))
        handle(.received(link, .hello(LinkFrame.Hello(region: peer))))
        let hash = announced == nil ? roster.hash : Hash256(hashing: [1])
        handle(.received(link, .roster(version: announced ?? roster.version, hash: hash)))
        for proof in proofs { handle(.received(link, .fork(proof))) }
        return outcome
    }

    @Test func anInvalidProofCostsTheLinkAndNothingElse() throws {
        #expect(outcome(of: [proof.bytes]) == .believed)
        #expect(outcome(of: [[]]) == .closed)
        #expect(outcome(of: [[1, 2, 3]]) == .closed)
        for place in stride(from: 0, to: proof.bytes.count, by: 3) {
            var altered = proof.bytes
            altered[place] ^= 1
            #expect(outcome(of: [altered]) == .closed, "byte \(place)")
        }
    }

    /// What only another roster could explain is passed over; once for each region, or a liar could have us check for ever.
    @Test func anotherRosterExcusesASignature() throws {
        let unknown = try #require(
            line.network.roster.next(
                issued: 1,
                expires: .max,
                regions: line.network.roster.regions.filter { $0.id != line.feed.region }
            )
        )
        #expect(outcome(of: [proof.bytes], roster: unknown) == .closed)
        #expect(outcome(of: [proof.bytes], roster: unknown, announced: 1) == .passedOver)
        #expect(outcome(of: [proof.bytes], roster: unknown, announced: 3) == .passedOver)
        // It explains signatures, not sums.
        var altered = proof.bytes
        altered[altered.count - 1] ^= 1
        #expect(outcome(of: [altered], announced: 2) == .closed)
        let closed = try line.network.closing(0, standing: [], seed: 77).roster
        #expect(outcome(of: [proof.bytes], roster: closed) == .passedOver, "settled")
        #expect(outcome(of: [proof.bytes, proof.bytes, proof.bytes], roster: closed) == .passedOver)
    }

    /// Bytes altered on the way, under a checkpoint that is right: the region has signed one history, and the liar is
    /// named.
    @Test func whoAltersBytesIsNamedAndNobodyElse() throws {
        let network = try InMemoryNetwork(.mesh(3))
        try network.startAll()
        network.run(for: 500)
        try network.publish(0, batches: 5)
        network.run(for: 5000)
        network.cut(0, 2)
        network.nodes[1].lie = .alteredBytes
        try network.publish(0)
        network.run(for: 60_000)
        let feed = try #require(network.nodes[0].writer?.feed)
        #expect(network.nodes[2].held(feed) == 5)
        let accused = network.nodes[2].alarms.compactMap { alarm -> Region? in
            if case .rejected(_, let peer, _) = alarm { peer } else { nil }
        }
        #expect(!accused.isEmpty && accused.allSatisfy { $0 == network.nodes[1].region })
        #expect(network.nodes.allSatisfy { $0.replica?.openForks.isEmpty == true })
        network.heal(0, 2)
        #expect(network.run(within: 60_000) { network.isConverged } != nil, "\(network.gaps)")
        #expect(network.violations.isEmpty)
    }

    /// A peer whose index claims another root, and cannot show a signature for it, costs a bounded number of questions.
    @Test func aFalseIndexCostsAFewQuestions() throws {
        let network = line.network
        let index = 1
        var replica = Replica(
            region: network.nodes[index].region,
            roster: network.roster,
            held: network.nodes[index].heldFeeds
        )
        var random = SystemRandomNumberGenerator()
        var now = Timestamp(milliseconds: network.now)
        var asked = 0
        var accused = false
        func handle(_ event: ReplicaEvent) {
            for effect in replica.handle(event, now: now, random: &random) {
                switch effect {
                case .send(_, .pull): asked += 1
                case .keepFork: accused = true
                case .readTail(let request, let feed, let size):
                    handle(.tailRead(request, network.nodes[index].disk[feed]?.tail(from: size)))
                case .alarm(.rejected), .close: accused = true
                default: break
                }
            }
        }
        let link = LinkID(1)
        handle(.linkOpened(link, expected: nil))
        handle(.received(link, .hello(LinkFrame.Hello(region: peer))))
        let entries = try network.nodes[index].disk.values.map { stored in
            let root = Hash256(hashing: [7])
            return try #require(IndexEntry(feed: stored.feed, first: 0, count: stored.frontier.size, root: root))
        }
        let lie = try FeedIndex(
            node: peer,
            time: now.milliseconds / 1000,
            fresh: IndexPart(entries),
            settled: IndexPart([]),
            signer: network.nodes[3].signer
        )
        handle(.received(link, .index(index: lie.bytes, settled: [])))
        for _ in 0..<100 {
            now = now.advanced(byMilliseconds: 1000)
            handle(.tick)
        }
        // Three attempts for each feed, and only feeds of one region wait for each other.
        #expect(asked == 3 * entries.count)
        #expect(!accused)
    }
}
