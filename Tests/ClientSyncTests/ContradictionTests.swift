import ClientSync
import ExposureKeys
import FeedFormat
import Testing
import TestSupport

@Suite struct ContradictionTests {
    let country: Country
    /// Two histories that share their first batch, and a feed that has nothing to do with them.
    let honest: PublishedFeed
    let forked: PublishedFeed
    let bystander: PublishedFeed

    init() throws {
        country = try Country(["VN-01", "VN-02"])
        var random = SplitMix64(seed: 41)
        var common = try country.feed("VN-01")
        try common.publish(try Sample.keys(2, using: &random), at: Sample.interval)
        var honest = common
        var forked = common
        for _ in 0..<2 {
            try honest.publish(try Sample.keys(2, using: &random), at: Sample.interval)
            try forked.publish(try Sample.keys(2, using: &random), at: Sample.interval)
        }
        self.honest = honest
        self.forked = forked
        bystander = try SyncFaultTests.feed(country, "VN-02", batches: 3, seed: 42)
    }

    @Test func twoSignedRootsOfOneSizeAreAForkThatStopsTheFeedAlone() async throws {
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [honest]))
        let other = try FeedServer("VN-02", country: country, feeds: [forked, bystander])
        let report = try await phone.sync(other, now: Sample.now + 5)
        #expect(report.feeds.map(\.problem?.code) == [.contradiction, nil])
        #expect(report.evidence.count == 1)
        let kept = try await phone.storage.evidence()
        #expect(kept == report.evidence)
        let evidence = try #require(kept.first)
        #expect(evidence.kind == .fork && evidence.size == 3 && evidence.found == Sample.now + 5)
        #expect(evidence.held == (try honest.checkpoint(at: 3).bytes))
        #expect(evidence.contradicting == (try forked.checkpoint(at: 3).bytes))
        #expect(try await phone.size(of: bystander.id) == 3)
        // The feed stays where it is, also at a node that serves the history held.
        var longer = honest
        try longer.publish([], at: Sample.interval)
        let again = try await phone.sync(
            try FeedServer("VN-02", country: country, feeds: [longer, bystander], time: Sample.now + 9)
        )
        #expect(again.feeds.map(\.problem?.code) == [.contradiction, nil])
        #expect(try await phone.size(of: honest.id) == 3)
    }

    @Test func aLongerForkIsFoundByAskingForTheCheckpointHeld() async throws {
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [honest]))
        var longer = forked
        for _ in 0..<3 { try longer.publish([], at: Sample.interval) }
        let report = try await phone.sync(try FeedServer("VN-02", country: country, feeds: [longer]))
        #expect(report.evidence.map(\.kind) == [.fork])
        #expect(report.evidence.map(\.contradicting) == [try longer.checkpoint(at: 3).bytes])
        #expect(try await phone.state() == RegionState.reference([honest], now: Sample.interval))
    }

    @Test func aShorterForkIsFoundAtASizeThatThePhoneHolds() async throws {
        let phone = Phone(country)
        var short = country.shortened(forked, to: 2)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [country.shortened(honest, to: 2)]))
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [honest], time: Sample.now + 1))
        short.first = 0
        let report = try await phone.sync(try FeedServer("VN-02", country: country, feeds: [short]))
        #expect(report.evidence.map(\.kind) == [.fork])
        #expect(report.evidence.map(\.size) == [2])
        #expect(report.evidence.map(\.held) == [try honest.checkpoint(at: 2).bytes])
    }

    @Test func aNodesWordAloneStopsTheFeedAtThatNodeOnly() async throws {
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [honest]))
        // The node lists the forged root but shows the region's own batches: no second signature exists.
        let liar = try FeedServer("VN-02", country: country, feeds: [forked, bystander])
        let range = try #require(FeedRange(level: 0, index: 2))
        let body = try #require(try honest.body(range))
        await liar.alter("/v1/feeds/VN-01/0000000000000001/0/2") { _ in TransportResponse(status: 200, body: body) }
        let report = try await phone.sync(liar)
        #expect(report.evidence.map(\.kind) == [.indexClaim])
        #expect(report.feeds.map(\.problem?.code) == [.contradiction, nil])
        let evidence = try #require(try await phone.storage.evidence().first)
        let index = try FeedIndex(evidence.contradicting[...], keys: { country.roster.keys(of: $0) })
        #expect(index.node == Region("VN-02"))
        // The same claim again says nothing new.
        try await phone.sync(liar)
        #expect(try await phone.storage.evidence().count == 1)
        // Another node goes on.
        var longer = honest
        try longer.publish([], at: Sample.interval)
        let other = try FeedServer("VN-01", country: country, feeds: [longer], time: Sample.now + 9)
        #expect(try await phone.sync(other).isUpToDate)
        #expect(try await phone.size(of: honest.id) == 4)
    }

    @Test func alteredBytesAreNoFork() async throws {
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [country.shortened(honest, to: 2)]))
        let server = try FeedServer("VN-02", country: country, feeds: [honest])
        let body = try honest.batches[1].bytes + honest.checkpoint(at: 3).bytes
        await server.alter("/v1/feeds/VN-01/0000000000000001/0/2") { _ in TransportResponse(status: 200, body: body) }
        let report = try await phone.sync(server)
        #expect(report.feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await phone.storage.evidence().isEmpty)
    }
}

extension Country {
    func shortened(_ feed: PublishedFeed, to count: Int) -> PublishedFeed {
        var short = PublishedFeed(feed.id, signer: feed.signer)
        for batch in feed.batches.prefix(count) { short.publish(raw: batch) }
        return short
    }
}
