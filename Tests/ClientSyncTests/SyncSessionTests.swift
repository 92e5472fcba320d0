import ClientSync
import ExposureKeys
import FeedFormat
import Testing
import TestSupport

@Suite struct SyncSessionTests {
    /// Two regions; the first has two epochs, the second naming the first as its predecessor.
    static func feeds(of country: Country, hours: Int = 30) throws -> [PublishedFeed] {
        var random = SplitMix64(seed: 11)
        var old = try country.feed("VN-01", epoch: 0x1000)
        for hour in 0..<5 {
            let keys = try Sample.keys(4, daysAgo: 3, using: &random)
            try old.publish(keys, at: Sample.interval.advanced(by: Int64(-300 + hour * 6)))
        }
        var new = try country.feed("VN-01", epoch: 0x2000)
        var other = try country.feed("VN-02")
        for hour in 0..<hours {
            let time = Sample.interval.advanced(by: Int64(hour - hours) * 6)
            try new.publish(
                try Sample.keys(hour % 5, daysAgo: 3, using: &random),
                at: time,
                predecessors: hour == 0 ? [old.id.epoch] : []
            )
            try other.publish(try Sample.keys(3, daysAgo: 3, using: &random), at: time)
        }
        // A revocation, and a key that the other region publishes as well.
        let first = try #require(try old.batches[0].keys().first)
        try new.publish(
            [DiagnosisKey(data: first.data, metadata: first.metadata.with(reportType: .revoked))],
            at: Sample.interval
        )
        try other.publish([try #require(try old.batches[0].keys().last)], at: Sample.interval)
        return [old, new, other]
    }

    @Test func aFreshPhoneTakesEverythingByTheFewestRanges() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-02", country: country, feeds: feeds)
        let phone = Phone(country)
        let report = try await phone.sync(server)
        #expect(report.isUpToDate)
        #expect(report.feeds.map(\.feed) == feeds.map(\.id))
        #expect(report.batches == 5 + 31 + 31)
        #expect(report.keys == 20 + 60 + 1 + 90 + 1)
        #expect(report.indexSigner == Region("VN-02"))
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
        // 5 = 4 + 1 and 31 = 16 + 8 + 4 + 2 + 1, besides roster and index.
        #expect(report.requests == 2 + 2 + 5 + 5)
        #expect(await server.requests.contains("/v1/feeds/VN-02/0000000000000001/4/0"))
    }

    @Test func theSecondSyncFetchesWhatIsNewAndNothingElse() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        let phone = Phone(country)
        try await phone.sync(server)
        await server.forgetRequests()
        let unchanged = try await phone.sync(server)
        #expect(unchanged.notModified && unchanged.isUpToDate && unchanged.bytes == 0)
        #expect(unchanged.indexTime == Sample.now)
        #expect(await server.requests == ["/v1/index"])

        var random = SplitMix64(seed: 12)
        try feeds[2].publish(try Sample.keys(7, using: &random), at: Sample.interval)
        await server.serve(feeds, at: Sample.now + 60)
        await server.forgetRequests()
        let report = try await phone.sync(server, now: Sample.now + 60)
        #expect(report.batches == 1 && report.keys == 7 && report.isUpToDate)
        #expect(await server.requests == ["/v1/index", "/v1/feeds/VN-02/0000000000000001/0/31"])
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
    }

    @Test func anotherChoiceOfRegionsIsNotNotModified() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        var phone = Phone(country)
        phone.options.regions = [try #require(Region("VN-02"))]
        let some = try await phone.sync(server)
        #expect(some.feeds.map(\.feed) == [feeds[2].id] && some.isUpToDate)
        phone.options.regions = nil
        let all = try await phone.sync(server)
        #expect(!all.notModified)
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
        phone.options.regions = [try #require(Region("VN-99")), try #require(Region("VN-01"))]
        let absent = try await phone.sync(server)
        #expect(absent.problems.map(\.code) == [.absentRegion])
        #expect(absent.feeds.count == 2 && !absent.isUpToDate)
    }

    @Test func theCursorHoldsAtAnotherNodeAndAtOneThatLags() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var random = SplitMix64(seed: 5)
        var feed = try country.feed("VN-01")
        var early: PublishedFeed?
        for number in 0..<23 {
            try feed.publish(try Sample.keys(3, using: &random), at: Sample.interval)
            if number == 12 { early = feed }
        }
        let behind = try FeedServer("VN-02", country: country, feeds: [try #require(early)])
        let ahead = try FeedServer("VN-01", country: country, feeds: [feed])
        let phone = Phone(country)
        #expect(try await phone.sync(behind).batches == 13)
        #expect(try await phone.sync(ahead).batches == 10)
        let again = try await phone.sync(behind)
        // Modified or not, a node behind the cursor is lag: nothing is lost and nothing is wrong.
        #expect(again.batches == 0 && again.isUpToDate && again.evidence.isEmpty)
        #expect(try await phone.size(of: feed.id) == 23)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    @Test func lagIsReported() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var random = SplitMix64(seed: 6)
        var feed = try country.feed("VN-01")
        try feed.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        let lagging = try FeedServer("VN-02", country: country, feeds: [feed])
        try feed.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]))
        let report = try await phone.sync(lagging)
        #expect(report.feeds.map(\.nodeLags) == [true])
        #expect(report.isUpToDate)
    }

    @Test func theSettledPartIsFetchedOnceAndKept() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        await server.settle([feeds[0].id])
        let phone = Phone(country)
        #expect(try await phone.sync(server).isUpToDate)
        var random = SplitMix64(seed: 13)
        try feeds[2].publish(try Sample.keys(1, using: &random), at: Sample.interval)
        await server.serve(feeds, at: Sample.now + 1)
        await server.forgetRequests()
        #expect(try await phone.sync(server).isUpToDate)
        #expect(await server.requests.filter { $0.contains("settled") } == [])
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
    }

    @Test func aFeedWhoseBeginningIsGoneStartsAtItsFrontier() async throws {
        let country = try Country(["VN-01"])
        var random = SplitMix64(seed: 21)
        var feed = try country.feed("VN-01")
        for _ in 0..<21 { try feed.publish(try Sample.keys(2, using: &random), at: Sample.interval) }
        feed.first = 6
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let phone = Phone(country)
        let report = try await phone.sync(server)
        #expect(report.batches == 15 && report.isUpToDate)
        #expect(await server.requests.contains("/v1/feeds/VN-01/0000000000000001/frontier/6"))
        #expect(try await phone.size(of: feed.id) == 21)

        // A frontier that is another one proves nothing: nothing is kept.
        await server.alter("/v1/feeds/VN-01/0000000000000001/frontier/6") { body in
            var bytes = body
            bytes[20] ^= 1
            return TransportResponse(status: 200, body: bytes)
        }
        let other = Phone(country)
        let refused = try await other.sync(server)
        #expect(refused.feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await other.storage.cursors().isEmpty)
        #expect(try await other.storage.regions().isEmpty)
    }

    @Test func afterALongAbsenceLeafHashesLeadOn() async throws {
        let country = try Country(["VN-01"])
        var random = SplitMix64(seed: 22)
        var feed = try country.feed("VN-01")
        for _ in 0..<3 { try feed.publish(try Sample.keys(2, using: &random), at: Sample.interval) }
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let phone = Phone(country)
        try await phone.sync(server)
        let later = Sample.now + 20 * 86_400
        let laterInterval = Interval(unixSeconds: later)
        for number in 0..<20 {
            let publication = number < 10 ? Sample.interval.advanced(by: 200) : laterInterval
            try feed.publish([], at: publication)
        }
        feed.first = 13
        await server.serve([feed], at: later)
        let report = try await phone.sync(server, now: later)
        #expect(report.isUpToDate && report.batches == 10)
        #expect(await server.requests.contains { $0.contains("/hashes/") })
        #expect(await !server.requests.contains { $0.contains("/frontier/") })
        #expect(try await phone.size(of: feed.id) == 23)
        #expect(try await phone.state() == RegionState.reference([feed], now: laterInterval))

        // The same way with a hash altered does not lead to the signed root.
        let absent = Phone(country)
        var beginning = try country.feed("VN-01")
        for batch in feed.batches.prefix(3) { beginning.publish(raw: batch) }
        try await absent.sync(try FeedServer("VN-01", country: country, feeds: [beginning]))
        await server.alter("/v1/feeds/VN-01/0000000000000001/hashes/2/1") { body in
            TransportResponse(status: 200, body: body.reversed())
        }
        let refused = try await absent.sync(server, now: later)
        #expect(refused.feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await absent.size(of: feed.id) == 3)
    }

    @Test func aBatchFromTheFutureWaits() async throws {
        let country = try Country(["VN-01"])
        var random = SplitMix64(seed: 23)
        var feed = try country.feed("VN-01")
        let ahead = Sample.interval.advanced(by: Expiry.futureTolerance)
        for publication in [Sample.interval, Sample.interval, ahead, ahead] {
            try feed.publish(try Sample.keys(2, using: &random), at: publication)
        }
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let phone = Phone(country)
        let report = try await phone.sync(server)
        #expect(report.batches == 2 && report.feeds.map(\.isWaiting) == [true] && !report.isUpToDate)
        #expect(try await phone.size(of: feed.id) == 2)
        let later = try await phone.sync(server, now: Sample.now + 600)
        #expect(later.batches == 2 && later.isUpToDate)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    @Test func expiredBatchesArePassedByAndDropped() async throws {
        let country = try Country(["VN-01"])
        var random = SplitMix64(seed: 24)
        var feed = try country.feed("VN-01")
        let expired = Sample.interval.advanced(by: -Expiry.batchLifetime)
        for publication in [expired, expired.advanced(by: 1), Sample.interval] {
            let keys = publication == Sample.interval ? try Sample.keys(2, using: &random) : []
            try feed.publish(keys, at: publication)
        }
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let phone = Phone(country)
        let report = try await phone.sync(server)
        #expect(report.batches == 2 && report.feeds.map(\.expired) == [1] && report.isUpToDate)
        #expect(try await phone.size(of: feed.id) == 3)
        await server.serve([feed], at: Sample.now + 600)
        try await phone.sync(server, now: Sample.now + 600)
        let region = try #require(Region("VN-01"))
        let numbers = try await phone.storage.reduceBatches(of: region, into: [UInt64]()) { $0.append($1.number) }
        #expect(numbers == [2])
    }

    @Test func aClockThatRunsAheadLosesNothing() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        let phone = Phone(country)
        try await phone.sync(server, now: Sample.now + 40 * 86_400)
        try await phone.sync(server, now: Sample.now + 40 * 86_400)
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
    }

    @Test func progressGrowsToTheReport() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        let (stream, continuation) = AsyncStream.makeStream(of: SyncProgress.self)
        let report = try await Phone(country).sync(server) { continuation.yield($0) }
        continuation.finish()
        var last = SyncProgress()
        for await progress in stream {
            #expect(progress.bytes >= last.bytes && progress.keys >= last.keys)
            last = progress
        }
        #expect(last.feedsDone == 3 && last.feedsTotal == 3)
        #expect(last.keys == report.keys && last.batches == report.batches && last.bytes == report.bytes)
    }
}
