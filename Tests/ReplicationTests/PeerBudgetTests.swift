import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// What one peer may cost, whatever it sends: in units, the same in a node and in the simulator.
@Suite struct PeerBudgetTests {
    private let network: InMemoryNetwork
    private var replica: Replica
    private var random = SplitMix64(seed: 1)
    private var now: Timestamp

    init() throws {
        network = try InMemoryNetwork(.mesh(4))
        for index in 0..<4 { try network.start(index) }
        for index in 0..<3 { try network.publish(index, batches: 2) }
        replica = Replica(region: network.nodes[3].region, roster: network.roster, held: [])
        now = Timestamp(milliseconds: network.now)
        open(LinkID(1), 1)
    }

    private mutating func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
        replica.handle(event, now: now, random: &random)
    }

    private mutating func open(_ link: LinkID, _ peer: Int) {
        _ = handle(.linkOpened(link, expected: nil))
        _ = handle(.received(link, .hello(LinkFrame.Hello(region: network.nodes[peer].region, features: 7))))
    }

    /// Takes a frame as a shell does.
    /// - Returns: whether it was read.
    @discardableResult
    private mutating func send(_ frame: LinkFrame, over link: LinkID = LinkID(1)) throws -> Bool {
        var decoder = LinkFrameDecoder()
        decoder.append(frame.encoded())
        while let cost = try decoder.nextCost() {
            guard case .take = try replica.admit(cost, from: link, now: now) else { return false }
            if let frame = try decoder.next() { _ = handle(.received(link, frame)) }
        }
        return true
    }

    private static func frames(_ network: InMemoryNetwork) throws -> [LinkFrame] {
        let region = network.nodes[0].region
        let adverts = (0..<20_000 as Range<UInt64>).compactMap { number in
            Advert(feed: FeedID(region: region, epoch: Epoch(number)), first: 0, count: 1)
        }
        let feed = FeedID(region: region, epoch: Epoch(7))
        let checkpoint = [UInt8](repeating: 1, count: 300)
        return [
            .adverts(adverts), .adverts(Array(adverts.prefix(1))), .subscribe(region), .unsubscribe(region),
            .unknown(200), .roster(version: 1, hash: network.roster.hash), .pull(feed, from: 0),
            .batch(LinkFrame.PushedBatch(feed: feed, bytes: [1, 2, 3], checkpoint: checkpoint)),
            .batch(LinkFrame.PushedBatch(feed: feed, bytes: [UInt8](repeating: 0, count: 8 << 20), checkpoint: [1])),
            .digest(LinkFrame.Digest(hash: Hash256(hashing: [1]), clock: 0)), .checkpoint(feed, checkpoint),
            .holdings(IndexPart([]), wantsAnswer: true),
        ]
    }

    /// Each frame costs at least 20 units, a second brings 100,000: after the burst no more than that is read. Nothing is
    /// lost by waiting, and the link stays unless the frames' own pace is exceeded by far.
    @Test(arguments: 0..<12)
    mutating func whoSendsWithoutEndWaits(sort: Int) throws {
        let frame = try Self.frames(network)[sort]
        var (read, waited) = (0, 0)
        for _ in 0..<1000 {
            for _ in 0..<200 {
                guard try send(frame) else {
                    waited += 1
                    break
                }
                read += 1
                if replica.linkedPeers.isEmpty { return }
            }
            now = now.advanced(byMilliseconds: 10)
        }
        // Ten seconds.
        #expect(read <= (500_000 + 10 * 100_000) / 20 + 1000)
        #expect(waited > 0, "\(read) were read")
    }

    @Test mutating func anotherLinkBringsNothingMore() throws {
        open(LinkID(2), 1)
        while try send(.unknown(200)) {}
        #expect(try !send(.unknown(200), over: LinkID(2)))
        _ = handle(.linkClosed(LinkID(1)))
        open(LinkID(3), 1)
        #expect(try !send(.unknown(200), over: LinkID(3)))
        // Others are not concerned.
        open(LinkID(4), 2)
        #expect(try send(.unknown(200), over: LinkID(4)))
        now = now.advanced(byMilliseconds: 1000)
        #expect(try send(.unknown(200), over: LinkID(3)))
        #expect(replica.framesPassedOver >= 3)
    }

    /// Batches that prove to be good cost nothing in the end, however many come.
    @Test mutating func goodBatchesNeverWait() throws {
        let network = try InMemoryNetwork(.mesh(4))
        for index in 0..<4 { try network.start(index) }
        try network.publish(0, batches: 3000)
        let feed = try #require(network.truth.keys.first)
        let batches = try #require(network.truth[feed]?.batches.values)
        for batch in batches {
            let pushed = LinkFrame.PushedBatch(feed: feed, bytes: batch.bytes, checkpoint: batch.checkpoint)
            #expect(try send(.batch(pushed)), "batch \(batch.number)")
            // Stored at once.
            for number in 0..<64 as Range<UInt64> { _ = handle(.stored(RequestID(batch.number + number))) }
        }
        #expect(replica.lag == 0)
    }

    /// Hashes that lead nowhere, for feed after feed: they are asked for so often, and then now and then.
    @Test mutating func hashesThatLeadNowhereAreBounded() throws {
        let region = network.nodes[0].region
        let hashes = (0..<2048).map { Hash256(hashing: [UInt8(truncatingIfNeeded: $0)]) }
        var asked = 0
        for number in 0..<60 as Range<UInt64> {
            let feed = FeedID(region: region, epoch: Epoch(number))
            let advert = try #require(Advert(feed: feed, first: 0, count: 100_000))
            var effects = handle(.received(LinkID(1), .adverts([advert])))
            for _ in 0..<100 {
                var next: [ReplicaEffect] = []
                for effect in effects {
                    switch effect {
                    case .fetchLeaves(let request, _, _, let range):
                        asked += Int(range.count)
                        let leaves = Array(hashes.prefix(Int(range.count)))
                        next += handle(.leavesFetched(request, leaves))
                    case .fetchBatches(let request, _, _, let range):
                        next += handle(.batchesFetched(request, range.map { _ in nil }))
                    default: break
                    }
                }
                now = now.advanced(byMilliseconds: 100)
                effects = next + handle(.tick)
            }
        }
        // Ten minutes: 60 million units.
        #expect(asked * 6 < 600 * 100_000 + 500_000 + 60 * 2048 * 6, "\(asked)")
    }

    /// Before a hello nothing large is read.
    @Test mutating func whoHasNotSaidHelloMayNotSendMuch() throws {
        _ = handle(.linkOpened(LinkID(9), expected: nil))
        for cost in [FrameCost(bytes: 100, inflatedBytes: 8 << 20), FrameCost(bytes: 4097, inflatedBytes: 0)] {
            do throws(FormatError) {
                let admission = try replica.admit(cost, from: LinkID(9), now: now)
                Issue.record("\(cost): \(admission)")
            } catch {
                #expect(error.code == .limitExceeded)
            }
        }
        let small = try replica.admit(FrameCost(bytes: 100, inflatedBytes: 4096), from: LinkID(9), now: now)
        #expect(small == .take)
    }

    /// A clock that stands still or leaps gives nobody more than the burst.
    @Test mutating func aLeapFillsNoMoreThanTheBurst() throws {
        for leap in [Int64.max / 4, 0, 86_400_000] {
            var read = 0
            now = now.advanced(byMilliseconds: leap)
            while try send(.unknown(200)) { read += 1 }
            #expect(read <= 25_001)
        }
    }
}
