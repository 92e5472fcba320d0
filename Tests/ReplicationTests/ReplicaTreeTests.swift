import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// What a node asks of its neighbours when a push is late and when its parent is gone.
@Suite struct ReplicaTreeTests {
    private let network: InMemoryNetwork
    private let region: Region
    private let settings = ReplicationSettings()
    private var replica: Replica
    private var writer: FeedWriter
    private var random = SplitMix64(seed: 1)
    private var now: Timestamp
    /// To nodes 1 to 5; node 6 publishes and is no neighbour.
    private let links = (0...5).map { LinkID(UInt64($0)) }

    init() throws {
        network = try InMemoryNetwork(.mesh(7))
        let publisher = network.nodes[6]
        region = publisher.region
        replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
        writer = FeedWriter(
            beginning: FeedID(region: publisher.region, epoch: Epoch(1)),
            predecessors: [],
            signer: publisher.signer
        )
        now = Timestamp(milliseconds: network.now)
        for link in 1...5 {
            _ = handle(.linkOpened(links[link], expected: nil))
            let hello = LinkFrame.Hello(
                region: network.nodes[link].region,
                features: LinkFrame.Hello.batchesAreAdverts
            )
            _ = handle(.received(links[link], .hello(hello)))
        }
        // Answers come after 10 to 50 ms.
        for link in 1...5 {
            _ = pass(10)
            _ = handle(.received(links[link], .adverts([])))
        }
    }

    // MARK: Driving one replica

    private mutating func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
        let effects = replica.handle(event, now: now, random: &random)
        for case .store(let request, _, _, _) in effects {
            _ = replica.handle(.stored(request), now: now, random: &random)
        }
        return effects
    }

    private mutating func pass(_ milliseconds: Int64) -> [ReplicaEffect] {
        var effects: [ReplicaEffect] = []
        for _ in 0..<milliseconds {
            now = now.advanced(byMilliseconds: 1)
            effects += handle(.tick)
        }
        return effects
    }

    private mutating func written() throws -> LinkFrame.PushedBatch {
        let batches = try writer.publish([], publication: now.interval, time: now.milliseconds / 1000)
        let batch = try #require(batches.first)
        return LinkFrame.PushedBatch(feed: writer.feed, bytes: batch.batch.bytes, checkpoint: batch.checkpoint.bytes)
    }

    private mutating func advert(from link: Int) throws -> [ReplicaEffect] {
        let advert = try #require(Advert(feed: writer.feed, first: 0, count: writer.frontier.size))
        return handle(.received(links[link], .adverts([advert])))
    }

    /// Link 1 becomes the parent and pushes ten batches; the adverts of links 2 to 5 come 10, 20, 30 and 40 ms later.
    private mutating func settle() throws {
        let first = try written()
        let effects = try advert(from: 1)
        let request = try #require(fetches(effects).first)
        _ = handle(
            .batchesFetched(request, [ReceivedBatch(bytes: first.bytes, checkpoint: first.checkpoint)])
        )
        for _ in 0..<10 {
            _ = handle(.received(links[1], .batch(try written())))
            for link in 2...5 {
                _ = pass(10)
                _ = try advert(from: link)
            }
            _ = pass(1000)
        }
    }

    private func fetches(_ effects: [ReplicaEffect]) -> [RequestID] {
        effects.compactMap { if case .fetchBatches(let request, _, _, _) = $0 { request } else { nil } }
    }

    private func links(_ effects: [ReplicaEffect], _ frame: LinkFrame) -> [LinkID] {
        effects.compactMap { if case .send(let link, frame) = $0 { link } else { nil } }
    }

    private var pull: LinkFrame { .pull(writer.feed, from: writer.frontier.size - 1) }

    // MARK: A late push

    @Test mutating func whatNeighboursUsuallyHaveLaterIsFetchedAtOnce() throws {
        try settle()
        _ = try written()
        let heard = try advert(from: 4)
        #expect(fetches(heard).count == 1)
    }

    @Test mutating func whatNeighboursUsuallyHaveAtTheSameTimeIsWaitedForAMoment() throws {
        try settle()
        for _ in 0..<10 {
            _ = handle(.received(links[1], .batch(try written())))
            _ = pass(settings.advertPause)
            _ = try advert(from: 2)
            _ = pass(1000)
        }
        let late = try written()
        let heard = try advert(from: 2)
        #expect(fetches(heard).isEmpty)
        let soon = pass(2)
        #expect(fetches(soon).isEmpty)
        let effects = pass(5)
        #expect(fetches(effects).count == 1)
        // The push comes after all: the parent stays.
        let taken = handle(.received(links[1], .batch(late)))
        #expect(links(taken, .unsubscribe(region)).isEmpty)
        let request = try #require(fetches(effects).first)
        let fetched = [ReceivedBatch(bytes: late.bytes, checkpoint: late.checkpoint)]
        let fetchedLate = handle(.batchesFetched(request, fetched))
        #expect(links(fetchedLate, .unsubscribe(region)).isEmpty)
        #expect(replica.held.map(\.count) == [writer.frontier.size])
    }

    /// Links 1 to 5 have round trips of 10 to 50 ms.
    @Test mutating func aFetchFromAfarIsOvertakenByANearerNeighbour() throws {
        try settle()
        let late = try written()
        let first = try advert(from: 5)
        let request = try #require(fetches(first).first)
        _ = pass(1)
        let far = try advert(from: 4)
        #expect(links(far, pull).isEmpty)
        _ = pass(9)
        let nearer = try advert(from: 3)
        #expect(links(nearer, pull) == [links[3]])
        let nearest = try advert(from: 2)
        #expect(links(nearest, pull) == [links[2]])
        let again = try advert(from: 2)
        #expect(links(again, pull).isEmpty)
        let taken = handle(.received(links[3], .batch(late)))
        #expect(links(taken, .subscribe(region)) == [links[3]])
        #expect(links(taken, .unsubscribe(region)) == [links[1]])
        let fetched = [ReceivedBatch(bytes: late.bytes, checkpoint: late.checkpoint)]
        let ignored = handle(.batchesFetched(request, fetched))
        #expect(links(ignored, .subscribe(region)).isEmpty)
        #expect(replica.held.map(\.count) == [writer.frontier.size])
    }

    /// A parent that pushes when a fetch from afar is under way is as late as one that pushes before it.
    @Test mutating func aPushDuringAFetchIsMeasuredToo() throws {
        try settle()
        let late = try written()
        let heard = try advert(from: 5)
        #expect(fetches(heard).count == 1)
        _ = pass(30)
        let taken = handle(.received(links[1], .batch(late)))
        #expect(links(taken, pull).isEmpty)
        #expect(links(taken, .unsubscribe(region)) == [links[1]])
        #expect(links(taken, .subscribe(region)) == [links[5]])
    }

    // MARK: A lost parent

    @Test mutating func severalAreAskedForWhatALostParentWouldHavePushed() throws {
        try settle()
        _ = handle(.received(links[3], .subscribe(region)))
        let lost = handle(.linkClosed(links[1]))
        #expect(links(lost, .subscribe(region)) == [links[2], links[4], links[5]])
        #expect(links(lost, .pull(writer.feed, from: writer.frontier.size)) == [links[2], links[4], links[5]])
        _ = pass(1000)
        let taken = handle(.received(links[5], .batch(try written())))
        #expect(links(taken, .unsubscribe(region)) == [links[2], links[4]])
        #expect(links(taken, .subscribe(region)).isEmpty)
        let second = handle(.received(links[5], .batch(try written())))
        #expect(links(second, .unsubscribe(region)).isEmpty)
        #expect(replica.held.map(\.count) == [writer.frontier.size])
    }

    /// What crosses with the request is on its way already; what others have is not.
    @Test mutating func afterALostParentAdvertsOfThoseAskedAreNotFetched() throws {
        try settle()
        _ = handle(.received(links[3], .subscribe(region)))
        _ = handle(.linkClosed(links[1]))
        _ = try written()
        let heard = try advert(from: 2)
        #expect(fetches(heard).isEmpty)
        let waiting = pass(settings.pushGrace - 1)
        #expect(fetches(waiting).isEmpty)
        let waited = pass(1)
        #expect(fetches(waited).count == 1)
    }

    @Test mutating func afterALostParentAdvertsOfOthersAreFetchedAtOnce() throws {
        try settle()
        _ = handle(.received(links[3], .subscribe(region)))
        _ = handle(.linkClosed(links[1]))
        _ = try written()
        let heard = try advert(from: 3)
        #expect(fetches(heard).count == 1)
    }
}
