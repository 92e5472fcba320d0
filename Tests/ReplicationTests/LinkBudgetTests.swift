import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// What a peer that sends too much makes this node do.
@Suite struct LinkBudgetTests {
    private let network: InMemoryNetwork
    private var replica: Replica
    private var random = SplitMix64(seed: 1)
    private var now: Timestamp
    private let link = LinkID(7)

    init() throws {
        network = try InMemoryNetwork(.mesh(3))
        for index in 0..<3 { try network.start(index) }
        for index in 0..<3 { try network.publish(index, batches: 2) }
        network.run(for: 1000)
        replica = Replica(region: network.nodes[0].region, roster: network.roster, held: network.nodes[0].heldFeeds)
        now = Timestamp(milliseconds: network.now)
        _ = handle(.linkOpened(link, expected: nil))
        let hello = LinkFrame.Hello(region: network.nodes[1].region, features: 7)
        _ = handle(.received(link, .hello(hello)))
    }

    private mutating func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
        replica.handle(event, now: now, random: &random)
    }

    private func hasClosed(_ effects: [ReplicaEffect]) -> Bool {
        effects.contains { if case .close = $0 { true } else { false } }
    }

    private func hasHoldings(_ effects: [ReplicaEffect]) -> Bool {
        effects.contains { if case .send(_, .holdings) = $0 { true } else { false } }
    }

    /// Frames of each sort that needs a budget, none of which ends a link by itself.
    private static func frames(_ network: InMemoryNetwork) throws -> [LinkFrame] {
        let signed = try network.index(of: 1)
        let feed = try #require(network.truth.keys.first)
        let batch = try #require(network.truth[feed]?.batches[0])
        return [
            .index(index: signed.index.bytes, settled: signed.settled.bytes),
            .relayedIndex(
                LinkFrame.RelayedIndex(isDifference: false, bytes: signed.index.bytes, settled: signed.settled.bytes)
            ),
            .roster(version: 1, hash: network.roster.hash), .pull(feed, from: 0),
            .checkpoint(feed, batch.checkpoint), .digest(LinkFrame.Digest(hash: Hash256(hashing: [1]), clock: 0)),
            .holdings(IndexPart([]), wantsAnswer: true),
        ]
    }

    @Test(arguments: 0..<7)
    mutating func aFloodIsPassedOverAndEndsTheLink(sort: Int) throws {
        let frame = try Self.frames(network)[sort]
        var sent = 0
        while sent < 100_000 {
            sent += 1
            let before = replica.framesPassedOver
            let effects = handle(.received(link, frame))
            if hasClosed(effects) { break }
            if replica.framesPassedOver > before, case .digest = frame { continue }
            // What is passed over does nothing at all.
            if replica.framesPassedOver > before, sent > 33 { #expect(!hasHoldings(effects)) }
        }
        #expect(sent < 5000, "the link goes on")
        #expect(replica.framesPassedOver > sent / 2)
        #expect(replica.linkedPeers.isEmpty)
        // A new link begins anew.
        _ = handle(.linkOpened(LinkID(8), expected: nil))
        _ = handle(.received(LinkID(8), .hello(LinkFrame.Hello(region: network.nodes[1].region))))
        #expect(!hasClosed(handle(.received(LinkID(8), frame))))
    }

    /// Digests unlike this node's own, below what ends the link, for an hour: they are answered 16 times and 12 times a
    /// minute, however many come.
    @Test mutating func digestsInALoopGetFewAnswers() throws {
        var (answers, bytes) = (0, 0)
        for second in 0..<3600 {
            for number in 0..<10 {
                let hash = Hash256(hashing: [UInt8(truncatingIfNeeded: second), UInt8(number)])
                let digest = LinkFrame.digest(LinkFrame.Digest(hash: hash, clock: now.milliseconds))
                for case .send(_, let frame) in handle(.received(link, digest)) {
                    if case .holdings = frame { answers += 1 }
                    bytes += frame.encoded().count
                }
            }
            now = now.advanced(byMilliseconds: 1000)
        }
        #expect(replica.linkedPeers.count == 1)
        #expect((12 * 60...12 * 60 + 17).contains(answers), "\(answers)")
        #expect(bytes < 1_000_000)
    }

    /// As many as an honest peer sends at most are all taken.
    @Test mutating func whoKeepsToThePacesLosesNothing() throws {
        let frames = try Self.frames(network)
        for _ in 0..<600 {
            for frame in frames { #expect(!hasClosed(handle(.received(link, frame)))) }
            now = now.advanced(byMilliseconds: 10_000)
        }
        #expect(replica.framesPassedOver == 0)
    }

    /// Frames that nobody knows cost nothing and end nothing.
    @Test mutating func unknownFramesAreFree() {
        for _ in 0..<10_000 {
            let effects = handle(.received(link, .unknown(200)))
            #expect(effects.isEmpty)
            if !effects.isEmpty { break }
        }
        #expect(replica.framesPassedOver == 0)
        #expect(replica.linkedPeers.count == 1)
    }

    /// A clock that runs back or leaps gives nobody more than a full burst.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func neverMoreThanTheRate(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var tests = try LinkBudgetTests()
        var (answers, passed) = (0, 0 as Int64)
        for number in 0..<400 {
            let digest = LinkFrame.Digest(hash: Hash256(hashing: [UInt8(truncatingIfNeeded: number)]), clock: 0)
            if tests.hasHoldings(tests.handle(.received(tests.link, .digest(digest)))) { answers += 1 }
            let pause = Int64.random(in: 0...3000, using: &random)
            passed += pause
            tests.now = tests.now.advanced(byMilliseconds: pause)
        }
        #expect(Int64(answers) <= 16 + passed * 12 / 60_000 + 1, "seed \(seed)")
    }
}
