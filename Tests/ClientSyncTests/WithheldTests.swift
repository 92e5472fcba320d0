import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// Nodes that call batches dropped which still live: `first` in an index is the node's word alone.
@Suite struct WithheldTests {
    private let country: Country
    private let feed: PublishedFeed
    /// What a node makes of it that shows the last batch only.
    private let shortened: PublishedFeed

    init() throws {
        country = try Country(["VN-01", "VN-02"])
        feed = try SyncFaultTests.feed(country, "VN-01", batches: 21, seed: 71)
        var shortened = feed
        shortened.first = 20
        self.shortened = shortened
    }

    private func server(_ feed: PublishedFeed, roster: [UInt8]? = nil, code: String = "VN-02") async throws
        -> FeedServer
    {
        let server = try FeedServer(code, country: country, feeds: [feed])
        if let roster { await server.set(roster: roster) }
        return server
    }

    /// A phone that has the first three batches.
    private func begun() async throws -> Phone {
        var beginning = try country.feed("VN-01")
        for batch in feed.batches.prefix(3) { beginning.publish(raw: batch) }
        var phone = Phone(country)
        phone.options.limits.rosterAge = 0
        try await phone.sync(try await server(beginning))
        return phone
    }

    /// It takes what is to be had, and says each time that something is lacking, until a node gives that.
    @Test func aPhoneIsNotTalkedPastBatchesThatLive() async throws {
        let phone = try await begun()
        let withholding = try await server(shortened)
        for batches in [1, 0] {
            let report = try await phone.sync(withholding)
            #expect(report.feeds.map(\.problem?.code) == [.withheld] && !report.isUpToDate)
            #expect(report.batches == batches)
            #expect(try await phone.size(of: feed.id) == 21)
        }
        let cursor = try #require(try await phone.storage.cursors().first)
        #expect(cursor.first == 20)
        #expect(try await phone.sync(try await server(feed, code: "VN-01")).isUpToDate)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    @Test func oneThatBeganTooHighGoesBack() async throws {
        let phone = Phone(country)
        let begun = try await phone.sync(try await server(shortened))
        #expect(begun.batches == 1 && begun.isUpToDate)
        // The node that began it has no more to give, the first that has fills the gap.
        var middle = feed
        middle.first = 9
        let some = try await phone.sync(try await server(middle, code: "VN-01"))
        #expect(some.batches == 11 && some.isUpToDate, "\(some.feeds)")
        let honest = try await server(feed)
        #expect(try await phone.sync(honest).batches == 9)
        #expect(try await phone.size(of: feed.id) == 21)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
        await honest.forgetRequests()
        try await phone.sync(honest)
        #expect(await honest.requests == ["/v1/index"])
    }

    /// A node may hold a thief's batch behind those of the region, and no other node ever will.
    @Test(arguments: [10, 20, 21]) func oneThatBeganTooHighGoesBackAtANodeThatHasLess(count: Int) async throws {
        let phone = Phone(country)
        #expect(try await phone.sync(try await server(shortened)).batches == 1)
        let report = try await phone.sync(try await server(feed.cut(to: count), code: "VN-01"))
        #expect(report.batches == (count < 20 ? 0 : 20), "what lies between is not to be had")
        #expect(report.feeds.allSatisfy { $0.problem == nil })
        #expect(try await phone.size(of: feed.id) == 21)
        if count < 20 { return }
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    @Test func whatFillsTheGapIsProven() async throws {
        let phone = Phone(country)
        try await phone.sync(try await server(shortened))
        let state = try await phone.state()
        let liar = try await server(feed, code: "VN-01")
        await liar.alter("/v1/feeds/VN-01/0000000000000001/4/0") { body in
            var bytes = body
            bytes[40] ^= 1
            return TransportResponse(status: 200, body: bytes)
        }
        await liar.alter("/v1/feeds/VN-01/0000000000000001/2/4") { _ in TransportResponse(status: 410) }
        #expect(try await phone.sync(liar).feeds.map(\.problem?.code) == [.gone])
        await liar.repair()
        await liar.alter("/v1/feeds/VN-01/0000000000000001/hashes/4/0") { body in
            TransportResponse(status: 200, body: body.reversed())
        }
        #expect(try await phone.sync(liar).feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await phone.state() == state)
        await liar.repair()
        #expect(try await phone.sync(liar).isUpToDate)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    /// Its region has signed a batch that claims another place: kept under that number it would stand for another one.
    @Test(arguments: [false, true]) func whatFillsTheGapStandsAtItsNumber(isClosed: Bool) async throws {
        var feed = try country.feed("VN-01")
        for _ in 0..<3 { try feed.publish([], at: Sample.interval) }
        feed.publish(raw: try Batch(number: 77, publication: Sample.interval, keys: []))
        for _ in 0..<2 { try feed.publish([], at: Sample.interval) }
        var shortened = feed
        shortened.first = 4
        let roster = isClosed ? try country.closing("VN-01", standing: [feed]) : nil
        var phone = Phone(country)
        phone.options.limits.rosterAge = 0
        if !isClosed { #expect(try await phone.sync(try await server(shortened)).batches == 2) }
        let report = try await phone.sync(try await server(feed, roster: roster), now: Sample.now + 10)
        #expect(report.feeds.map(\.problem?.code) == [.badFeed], "\(report.feeds)")
        let held = try await phone.storage.publications(of: feed.id, below: 100).map(\.number)
        #expect(held == (isClosed ? [] : [4, 5]))
    }

    /// A phone that was away until all it has expired is told of nothing that it lacks.
    @Test func whatExpiredMeanwhileIsNotLacking() async throws {
        let phone = try await begun()
        let later = Sample.now + Int64(Expiry.batchLifetime + Interval.perDay) * 600
        var feed = feed
        let publication = Interval(unixSeconds: later)
        try feed.publish([], at: publication)
        feed.first = 21
        let node = try FeedServer("VN-02", country: country, feeds: [feed], time: later)
        let report = try await phone.sync(node, now: later)
        #expect(report.isUpToDate && report.batches == 1, "\(report.feeds)")
        #expect(try await phone.state() == RegionState.reference([feed], now: publication))
    }

    /// Nodes drop at slightly different times: whoever still has an expired batch need not send those before it.
    @Test func anExpiredBatchEndsTheGap() async throws {
        var random = SplitMix64(seed: 72)
        var feed = try country.feed("VN-01")
        let expired = Sample.interval.advanced(by: -Expiry.batchLifetime)
        for _ in 0..<16 { try feed.publish([], at: expired) }
        for _ in 0..<4 { try feed.publish(try Sample.keys(2, using: &random), at: Sample.interval) }
        var dropped = feed
        dropped.first = 16
        let phone = Phone(country)
        #expect(try await phone.sync(try await server(dropped)).batches == 4)
        let late = try await server(feed, code: "VN-01")
        var options = phone
        options.options.limits.rangeLevel = 0
        #expect(try await options.sync(late).isUpToDate)
        let ranges = await late.requests.filter { $0.contains("/0000000000000001/0/") }
        #expect(ranges == ["/v1/feeds/VN-01/0000000000000001/0/15"])
        await late.forgetRequests()
        let next = try await server(feed)
        #expect(try await options.sync(next).isUpToDate)
        #expect(await !next.requests.contains { $0.contains("/feeds/") })
    }

    @Test func whatStandsUnderAClosedKeyIsNotCutShort() async throws {
        let roster = try country.closing("VN-01", standing: [feed])
        let phone = try await begun()
        let report = try await phone.sync(try await server(shortened, roster: roster), now: Sample.now + 10)
        #expect(report.feeds.map(\.problem?.code) == [.withheld] && report.batches == 1)

        var fresh = Phone(country)
        fresh.options.limits.rosterAge = 0
        try await fresh.sync(try await server(shortened, roster: roster), now: Sample.now + 10)
        for phone in [phone, fresh] {
            #expect(try await phone.sync(try await server(feed, roster: roster), now: Sample.now + 20).isUpToDate)
            #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
        }
    }
}
