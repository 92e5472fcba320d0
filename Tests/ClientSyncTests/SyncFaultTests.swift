import ClientSync
import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// What a hostile, broken or dying party can do, and what it must not be able to do.
@Suite struct SyncFaultTests {
    static func feed(_ country: Country, _ code: String, batches: Int, seed: UInt64) throws -> PublishedFeed {
        var random = SplitMix64(seed: seed)
        var feed = try country.feed(code)
        for _ in 0..<batches { try feed.publish(try Sample.keys(3, using: &random), at: Sample.interval) }
        return feed
    }

    /// Every byte of a range body, and of the index, altered in turn: never believed, never in the way of other feeds.
    @Test func noAlteredByteOfARangeIsBelieved() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let target = try SyncFaultTests.feed(country, "VN-01", batches: 2, seed: 31)
        let other = try SyncFaultTests.feed(country, "VN-02", batches: 2, seed: 32)
        let server = try FeedServer("VN-02", country: country, feeds: [target, other])
        let path = "/v1/feeds/VN-01/0000000000000001/1/0"
        let range = try #require(FeedRange(level: 1, index: 0))
        let size = try #require(try target.body(range)).count
        let reference = try RegionState.reference([other], now: Sample.interval)
        for position in 0..<size {
            await server.alter(path) { body in
                var bytes = body
                bytes[position] ^= 1 << UInt8(position % 8)
                return TransportResponse(status: 200, body: bytes)
            }
            let phone = Phone(country)
            let report = try await phone.sync(server)
            #expect(report.feeds.map(\.problem?.code) == [.badFeed, nil], "byte \(position)")
            #expect(try await phone.state() == reference, "byte \(position)")
        }
        await server.repair()
        let phone = Phone(country)
        #expect(try await phone.sync(server).isUpToDate)
    }

    @Test func noAlteredByteOfAnIndexIsBelieved() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feed = try SyncFaultTests.feed(country, "VN-01", batches: 2, seed: 31)
        let server = try FeedServer("VN-02", country: country, feeds: [feed])
        let size = try await server.get("/v1/index", ifNoneMatch: nil, limit: 1 << 20).body.count
        for position in 0..<size {
            await server.alter("/v1/index") { body in
                var bytes = body
                bytes[position] ^= 1 << UInt8(position % 8)
                return TransportResponse(status: 200, body: bytes)
            }
            let phone = Phone(country)
            await #expect(throws: SyncError(.badIndex, ""), "byte \(position)") { try await phone.sync(server) }
            #expect(try await phone.storage.cursors().isEmpty)
        }
    }

    @Test func skippedRepeatedAndShortRangesAreRefused() async throws {
        let country = try Country(["VN-01"])
        let feed = try SyncFaultTests.feed(country, "VN-01", batches: 4, seed: 33)
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let note = try feed.checkpoint(at: 4).bytes
        let first = feed.batches[0].bytes
        let all = feed.batches.flatMap(\.bytes)
        let bodies: [[UInt8]] = [
            first + first + feed.batches[2].bytes + feed.batches[3].bytes + note,
            feed.batches[1].bytes + first + feed.batches[2].bytes + feed.batches[3].bytes + note,
            feed.batches[0..<3].flatMap(\.bytes) + note,
            all,
            all + note + note,
            Array((all + note).dropLast()),
            try all + feed.checkpoint(at: 3).bytes,
            [],
        ]
        for (position, body) in bodies.enumerated() {
            await server.alter("/v1/feeds/VN-01/0000000000000001/2/0") { _ in
                TransportResponse(status: 200, body: body)
            }
            let phone = Phone(country)
            let report = try await phone.sync(server)
            #expect(report.feeds.map(\.problem?.code) == [.badFeed], "body \(position)")
            #expect(try await phone.storage.regions().isEmpty, "body \(position)")
        }
    }

    @Test func aSignedBatchThatDoesNotDecodeStopsItsFeedAlone() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var bad = try SyncFaultTests.feed(country, "VN-01", batches: 1, seed: 34)
        var random = SplitMix64(seed: 35)
        let good = try Batch(number: 1, publication: Sample.interval, keys: try Sample.keys(9, using: &random))
        var bytes = good.bytes
        bytes[bytes.count - 1] ^= 0xff
        bytes[bytes.count / 2] ^= 0xff
        bytes[18] = 0xff
        bad.publish(raw: try Batch(bytes))
        let other = try SyncFaultTests.feed(country, "VN-02", batches: 3, seed: 36)
        let server = try FeedServer("VN-02", country: country, feeds: [bad, other])
        let phone = Phone(country)
        let report = try await phone.sync(server)
        #expect(report.feeds.map(\.problem?.code) == [.badFeed, nil])
        #expect(try await phone.state() == RegionState.reference([other], now: Sample.interval))
    }

    @Test func statusesAreNamed() async throws {
        let country = try Country(["VN-01"])
        let feed = try SyncFaultTests.feed(country, "VN-01", batches: 1, seed: 37)
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let path = "/v1/feeds/VN-01/0000000000000001/0/0"
        for (status, code) in [
            (404, SyncError.Code.notFound), (410, .gone), (503, .unexpectedStatus), (304, .unexpectedStatus),
        ] {
            await server.alter(path) { _ in TransportResponse(status: status) }
            let report = try await Phone(country).sync(server)
            #expect(report.feeds.map(\.problem?.code) == [code])
        }
        await server.alter("/v1/index") { _ in TransportResponse(status: 500) }
        let phone = Phone(country)
        await #expect(throws: SyncError(.unexpectedStatus, "")) { try await phone.sync(server) }
    }

    @Test func aRangeThatIsTooLargeIsAskedForInHalves() async throws {
        let country = try Country(["VN-01"])
        let feed = try SyncFaultTests.feed(country, "VN-01", batches: 8, seed: 38)
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        var phone = Phone(country)
        phone.options.limits.rangeBytes = 500
        #expect(try await phone.sync(server).isUpToDate)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
        // A single batch beyond the limit is refused, once.
        var strict = Phone(country)
        strict.options.limits.rangeBytes = 100
        #expect(try await strict.sync(server).feeds.map(\.problem?.code) == [.bodyTooLarge])
    }

    @Test func aRegionOutsideTheRosterIsNotBelieved() async throws {
        let country = try Country(["VN-01"])
        let stranger = try Country(["VN-01", "VN-02"])
        let feed = try SyncFaultTests.feed(stranger, "VN-02", batches: 1, seed: 39)
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        let report = try await Phone(country).sync(server)
        #expect(report.feeds.map(\.problem?.code) == [.unlistedRegion])
        let unlistedNode = try FeedServer("VN-02", country: country, feeds: [feed])
        await #expect(throws: SyncError(.badIndex, "")) { try await Phone(country).sync(unlistedNode) }
    }

    @Test func limitsEndASyncAndTheNextOneGoesOn() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        var phone = Phone(country)
        phone.options.limits.requests = 4
        var rounds = 0
        while rounds < 20, try await !phone.sync(server).isUpToDate { rounds += 1 }
        #expect((2...8).contains(rounds))
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
        var few = Phone(country)
        few.options.limits.bytes = 1500
        #expect(try await few.sync(server).feeds.contains { $0.problem?.code == .limitReached })
        var one = Phone(country)
        one.options.limits.epochsPerRegion = 1
        let report = try await one.sync(server)
        #expect(report.problems.map(\.code) == [.tooManyEpochs] && report.index == .news)
        #expect(report.feeds.map(\.feed) == [feeds[0].id, feeds[2].id])
        one.options.limits.feeds = 1
        let cut = try await one.sync(server)
        #expect(cut.feeds.map(\.feed) == [feeds[0].id] && cut.index == .cutShort)
    }

    @Test func aNodeThatFallsSilentLosesNothing() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        for answered in 0..<14 {
            let phone = Phone(country)
            await server.fail(after: answered)
            do {
                let report = try await phone.sync(server)
                #expect(!report.isUpToDate)
                #expect(report.feeds.contains { $0.problem?.code == .noAnswer })
            } catch let error as SyncError {
                #expect(error.code == .noAnswer && answered < 2)
            }
            await server.fail(after: nil)
            #expect(try await phone.sync(server).isUpToDate)
            #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
        }
    }

    /// Killed before and after every commit in turn, then resumed.
    @Test func killedAtAnyCommitAPhoneGoesOnFromThere() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        let reference = try RegionState.reference(feeds, now: Sample.interval)
        for commit in 1...12 {
            for afterwards in [false, true] {
                let memory = MemoryDeviceStorage()
                let phone = Phone(
                    country,
                    storage: InterruptedStorage(memory, failing: commit, afterwards: afterwards)
                )
                await #expect(throws: InterruptedStorage.Killed.self) { try await phone.sync(server) }
                let resumed = Phone(country, storage: memory)
                let before = await memory.cursors().reduce(0) { $0 + $1.size }
                let report = try await resumed.sync(server)
                #expect(report.isUpToDate)
                #expect(UInt64(report.batches) == 67 - before)
                #expect(try await resumed.state() == reference)
            }
        }
    }

    @Test func twoSyncsOfOneStoreDoNotMixTheirSteps() async throws {
        let country = try Country(["VN-01", "VN-02"])
        let feeds = try SyncSessionTests.feeds(of: country)
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        let phone = Phone(country)
        async let one = phone.sync(server)
        async let two = phone.sync(server)
        let reports = try await [one, two]
        for problem in reports.flatMap(\.feeds).compactMap(\.problem) { #expect(problem.code == .cursorMoved) }
        try await phone.sync(server)
        var held = 0
        for region in try await phone.storage.regions() {
            held += try await phone.storage.reduceBatches(of: region, into: 0) { count, _ in count += 1 }
        }
        #expect(held == 67)
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
    }
}
