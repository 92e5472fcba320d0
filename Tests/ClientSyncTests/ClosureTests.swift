import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Testing
import TestSupport

/// Phones and rosters that close a stolen key.
@Suite struct ClosureTests {
    let country: Country
    /// Four batches under the key that will be stolen, and the thief's going on after two of them.
    let honest: PublishedFeed
    let forged: PublishedFeed
    /// An epoch that the thief began.
    let invented: PublishedFeed
    /// The region's next one, under its new key.
    let next: PublishedFeed

    init() throws {
        country = try Country(["VN-01", "VN-02"])
        var random = SplitMix64(seed: 51)
        var honest = try country.feed("VN-01")
        for _ in 0..<2 { try honest.publish(try Sample.keys(3, using: &random), at: Sample.interval) }
        var forged = honest
        for _ in 0..<2 { try honest.publish(try Sample.keys(3, using: &random), at: Sample.interval) }
        for _ in 0..<3 { try forged.publish(try Sample.keys(3, using: &random), at: Sample.interval) }
        var invented = try country.feed("VN-01", epoch: 2)
        try invented.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        let region = try #require(Region("VN-01"))
        var next = PublishedFeed(
            FeedID(region: region, epoch: Epoch(3)),
            signer: try Country.nextSigner(of: "VN-01")
        )
        try next.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        (self.honest, self.forged, self.invented, self.next) = (honest, forged, invented, next)
    }

    private func server(_ feeds: [PublishedFeed]) throws -> FeedServer {
        try FeedServer("VN-02", country: country, feeds: feeds)
    }

    /// A phone that has synced these feeds, one after the other.
    private func phone(_ feeds: [PublishedFeed]...) async throws -> Phone {
        var phone = Phone(country)
        phone.options.limits.rosterAge = 0
        for feeds in feeds { try await phone.sync(try server(feeds)) }
        return phone
    }

    /// A sync with a node that has the roster that lets `standing` stand, and these feeds.
    @discardableResult
    private func close(
        _ phone: Phone,
        standing: [PublishedFeed],
        serving feeds: [PublishedFeed]
    ) async throws -> (report: SyncReport, server: FeedServer) {
        let server = try server(feeds)
        await server.set(roster: try country.closing("VN-01", standing: standing))
        return (try await phone.sync(server, now: Sample.now + 10), server)
    }

    private func expect(_ phone: Phone, holds feeds: [PublishedFeed]) async throws {
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
        for feed in feeds { #expect(try await phone.size(of: feed.id) == feed.count) }
        #expect(try await phone.storage.cursors().count == feeds.count)
    }

    @Test func whatIsNotNamedIsForgotten() async throws {
        let phone = try await phone([honest, invented])
        let report = try await close(phone, standing: [honest], serving: [honest, next]).report
        #expect(report.isUpToDate, "\(report.problems)")
        try await expect(phone, holds: [honest, next])
    }

    @Test func warningsOfTheThiefsVanish() async throws {
        let phone = try await phone([honest, invented])
        var encounters: [Encounter] = []
        for feed in [honest, invented] {
            let key = try #require(try feed.batches[0].keys().first)
            let identifier = RollingProximityKey(key: key.data).identifier(at: key.metadata.rollingStart)
            let time = key.metadata.rollingStart.unixSeconds
            encounters.append(Encounter(time: time, identifier: identifier, strength: .attenuation(50)))
        }
        let matching = ExposureMatching(encounters: encounters, now: Sample.interval)
        #expect(try await matching.run(over: phone.storage).matchedKeys == 2)
        try await close(phone, standing: [honest], serving: [honest])
        #expect(try await matching.run(over: phone.storage).matchedKeys == 1)
    }

    @Test func anEpochThatStandsInPartIsCut() async throws {
        let phone = try await phone([honest])
        let short = country.shortened(honest, to: 2)
        let report = try await close(phone, standing: [short], serving: [short]).report
        #expect(report.isUpToDate)
        try await expect(phone, holds: [short])
        // Nothing is left to do.
        let again = try await close(phone, standing: [short], serving: [short])
        #expect(again.report.isUpToDate && again.report.batches == 0)
        #expect(await again.server.requests.allSatisfy { !$0.hasPrefix("/v1/feeds") })
    }

    @Test(arguments: [1, 3, 4, 5]) func theThiefsHistoryGivesWayToTheOneThatStands(size: Int) async throws {
        let phone = try await phone([country.shortened(forged, to: size)])
        let report = try await close(phone, standing: [honest], serving: [honest]).report
        #expect(report.isUpToDate, "\(report.feeds.compactMap(\.problem))")
        try await expect(phone, holds: [honest])
        #expect(try await phone.storage.evidence().isEmpty)
    }

    /// Most phones lag behind what stands: they go on where they are.
    @Test func aPhoneBehindGoesOn() async throws {
        let phone = try await phone([country.shortened(honest, to: 2)])
        let (report, server) = try await close(phone, standing: [honest], serving: [honest])
        #expect(report.isUpToDate && report.batches == 2)
        try await expect(phone, holds: [honest])
        #expect(await server.requests.filter { $0.hasPrefix("/v1/feeds") && !$0.contains("hashes") }.count == 1)
    }

    /// Until a node shows the way to what stands, nothing more is taken.
    @Test func aNodeThatHasLessShowsNothing() async throws {
        let phone = try await phone([country.shortened(honest, to: 2)])
        let short = country.shortened(honest, to: 3)
        let (report, _) = try await close(phone, standing: [honest], serving: [short])
        #expect(report.batches == 0)
        #expect(try await phone.size(of: honest.id) == 2)
        try await close(phone, standing: [honest], serving: [honest])
        try await expect(phone, holds: [honest])
    }

    @Test func batchesDroppedByNodesArePassedOver() async throws {
        var random = SplitMix64(seed: 52)
        var feed = try country.feed("VN-01")
        for _ in 0..<3 { try feed.publish([], at: Sample.interval.advanced(by: -Expiry.batchLifetime)) }
        try feed.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        var served = feed
        served.first = 3
        for phone in [try await phone(), try await phone([country.shortened(feed, to: 1)])] {
            let report = try await close(phone, standing: [feed], serving: [served]).report
            #expect(report.isUpToDate, "\(report.feeds.compactMap(\.problem))")
            #expect(try await phone.size(of: feed.id) == 4)
        }
    }

    @Test func liesAboutWhatStandsAreRefused() async throws {
        let phone = try await phone()
        // The thief's node names as many batches, under a root of its own.
        let liar = country.shortened(forged, to: 4)
        let report = try await close(phone, standing: [honest], serving: [liar]).report
        #expect(report.feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await phone.storage.cursors().isEmpty)
        // Right hashes, but other bytes.
        let server = try server([honest])
        await server.set(roster: try country.closing("VN-01", standing: [honest]))
        let range = try #require(FeedRange(level: 2, index: 0))
        let body = try #require(try liar.body(range))
        await server.alter("/v1/feeds/VN-01/0000000000000001/2/0") { _ in TransportResponse(status: 200, body: body) }
        #expect(try await phone.sync(server, now: Sample.now + 20).feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await phone.storage.cursors().isEmpty)
    }

    /// A node with an older roster still has the thief's; nothing of it is taken, and the node is not accused.
    @Test func closedSignaturesAreNoContradiction() async throws {
        let phone = try await phone([honest])
        try await close(phone, standing: [honest], serving: [honest])
        var longer = invented
        try longer.publish([], at: Sample.interval)
        let report = try await close(phone, standing: [honest], serving: [forged, longer]).report
        #expect(report.feeds.map(\.isClosed) == [false, true])
        #expect(report.feeds.allSatisfy { $0.problem == nil && !$0.isWaiting })
        #expect(try await phone.storage.evidence().isEmpty)
        try await expect(phone, holds: [honest])
    }

    @Test func forksAreSettled() async throws {
        let phone = try await phone([country.shortened(honest, to: 3)], [country.shortened(forged, to: 3)])
        let evidence = try #require(try await phone.storage.evidence().first)
        #expect(evidence.kind == .fork && !evidence.isSettled(by: country.roster))
        let report = try await close(phone, standing: [honest], serving: [honest]).report
        #expect(report.isUpToDate, "\(report.feeds.compactMap(\.problem))")
        try await expect(phone, holds: [honest])
        let roster = try await phone.storage.roster().map { try Roster(verified: $0.bytes[...]) }
        #expect(evidence.isSettled(by: try #require(roster)))
    }

    /// Random histories, seen in random pieces by a phone that is killed at random.
    @Test(arguments: UInt64(0)..<24) func anyPastEndsWithWhatStands(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let memory = MemoryDeviceStorage()
        for round in 0..<4 {
            let size = Int.random(in: 1...4, using: &random)
            let one = country.shortened(Bool.random(using: &random) ? honest : forged, to: size)
            let storage = InterruptedStorage(
                memory,
                failing: Int.random(in: 1...4, using: &random),
                afterwards: Bool.random(using: &random)
            )
            let server = try FeedServer(
                "VN-02",
                country: country,
                feeds: [one, invented],
                time: Sample.now + Int64(round)
            )
            _ = try? await Phone(country, storage: storage).sync(server)
        }
        let stands = country.shortened(honest, to: Int.random(in: 1...4, using: &random))
        let server = try server([stands, next])
        await server.set(roster: try country.closing("VN-01", standing: [stands]))
        for attempt in 1...4 {
            let storage = InterruptedStorage(
                memory,
                failing: attempt,
                afterwards: Bool.random(using: &random)
            )
            var phone = Phone(country, storage: storage)
            phone.options.limits.rosterAge = 0
            _ = try? await phone.sync(server, now: Sample.now + 10 + Int64(attempt))
        }
        var phone = Phone(country, storage: memory)
        phone.options.limits.rosterAge = 0
        let report = try await phone.sync(server, now: Sample.now + 20)
        #expect(report.isUpToDate, "seed \(seed): \(report.problems) \(report.feeds.compactMap(\.problem))")
        try await expect(phone, holds: [stands, next])
    }
}
