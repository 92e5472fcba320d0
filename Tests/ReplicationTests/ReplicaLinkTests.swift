import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// How a link begins, and what closes it.
@Suite struct ReplicaLinkTests {
    private let network: InMemoryNetwork
    private var replica: Replica
    private var random = SplitMix64(seed: 1)
    private let link = LinkID(7)

    init() throws {
        network = try InMemoryNetwork(.mesh(3))
        replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
    }

    private mutating func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
        replica.handle(event, now: Timestamp(milliseconds: network.now), random: &random)
    }

    private mutating func open(expected: Region? = nil) {
        let effects = handle(.linkOpened(link, expected: expected))
        #expect(effects.count == 1)
        guard case .send(link, .hello(let hello)) = effects.first else {
            Issue.record("a link begins with a hello")
            return
        }
        let features = LinkFrame.Hello.batchesAreAdverts | LinkFrame.Hello.digests | LinkFrame.Hello.relaysIndexes
        #expect(hello == LinkFrame.Hello(version: 1, region: network.nodes[0].region, features: features))
    }

    private func isClose(_ effects: [ReplicaEffect], _ part: String) -> Bool {
        guard effects.count == 1, case .close(link, let reason) = effects[0] else { return false }
        return reason.contains(part)
    }

    private func hello(_ index: Int, version: UInt8 = 1) -> ReplicaEvent {
        .received(link, .hello(LinkFrame.Hello(version: version, region: network.nodes[index].region)))
    }

    @Test mutating func helloMakesAPeer() {
        open(expected: network.nodes[1].region)
        #expect(replica.linkedPeers.isEmpty)
        #expect(handle(hello(1)).exceptRoster.isEmpty)
        #expect(replica.linkedPeers == [network.nodes[1].region])
        #expect(handle(.linkClosed(link)).isEmpty)
        #expect(replica.linkedPeers.isEmpty)
        #expect(handle(.linkClosed(link)).isEmpty)
    }

    @Test mutating func laterVersionsAreWelcome() {
        open()
        #expect(handle(hello(1, version: 9)).exceptRoster.isEmpty)
        #expect(replica.linkedPeers.count == 1)
    }

    @Test mutating func versionZero() {
        open()
        #expect(isClose(handle(hello(1, version: 0)), "version 0"))
    }

    @Test mutating func anotherFrameBeforeHello() {
        open()
        #expect(isClose(handle(.received(link, .adverts([]))), "before its hello"))
        #expect(handle(hello(1)).exceptRoster.isEmpty)
        #expect(replica.linkedPeers.isEmpty)
    }

    @Test mutating func unknownFrameBeforeHello() {
        open()
        #expect(isClose(handle(.received(link, .unknown(200))), "before its hello"))
    }

    @Test mutating func helloTwice() {
        open()
        _ = handle(hello(1))
        #expect(isClose(handle(hello(1)), "twice"))
        #expect(replica.linkedPeers.isEmpty)
    }

    @Test mutating func helloOfARegionNotExpected() {
        open(expected: network.nodes[1].region)
        #expect(isClose(handle(hello(2)), "another region"))
    }

    @Test mutating func helloOfThisNode() {
        open()
        #expect(isClose(handle(hello(0)), "this node"))
    }

    @Test mutating func helloOfAStranger() throws {
        open()
        let stranger = try #require(Region("DE"))
        let effects = handle(.received(link, .hello(LinkFrame.Hello(region: stranger))))
        #expect(isClose(effects, "not in the roster"))
    }

    @Test mutating func unknownRegionsRaiseOneAlarmAFrame() throws {
        open()
        _ = handle(hello(1))
        let peer = network.nodes[1].region
        let stranger = try #require(Region("DE"))
        let feed = FeedID(region: stranger, epoch: Epoch(1))
        let advert = try #require(Advert(feed: feed, first: 0, count: 4))
        let frames: [LinkFrame] = [
            .adverts([advert, advert, advert]), .subscribe(stranger),
            .batch(LinkFrame.PushedBatch(feed: feed, bytes: [1], checkpoint: [2])),
        ]
        for frame in frames {
            let effects = handle(.received(link, frame))
            #expect(effects.count == 1)
            guard case .alarm(.unknownRegion(stranger, peer: peer)) = effects.first else {
                Issue.record("no alarm for \(frame)")
                continue
            }
        }
        #expect(handle(.received(link, .unsubscribe(stranger))).isEmpty)
        #expect(handle(.received(link, .unknown(77))).isEmpty)
    }

    /// Answers to requests and frames of links that are gone change nothing.
    @Test mutating func strayEventsAreIgnored() {
        let stray: [ReplicaEvent] = [
            .received(LinkID(99), .adverts([])), .linkClosed(LinkID(99)), .frontierFetched(RequestID(5), nil),
            .batchesFetched(RequestID(5), []), .stored(RequestID(5)), .storeFailed(RequestID(5), reason: "?"),
            .published([]), .dropped(FeedID(region: network.nodes[1].region, epoch: Epoch(1)), first: 3, bytes: 0),
            .tick,
        ]
        for event in stray { #expect(handle(event).isEmpty) }
    }

    /// A list of feeds longer than a frame should be is cut into several.
    @Test mutating func greetingIsCutIntoFrames() {
        let held = (0..<2500).map {
            HeldFeed(
                feed: FeedID(region: network.nodes[0].region, epoch: Epoch(UInt64($0))),
                frontier: Frontier(leaves: [Hash256(hashing: [1])]),
                first: 0
            )
        }
        replica = Replica(region: network.nodes[0].region, roster: network.roster, held: held)
        open()
        var sizes: [Int] = []
        for case .send(link, .adverts(let adverts)) in handle(hello(1)) { sizes.append(adverts.count) }
        #expect(sizes == [1024, 1024, 452])
    }
}
