import ClientSync
import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// A phone holds a roster for a day without asking; what a node serves tells it sooner that there is a newer one.
@Suite struct RosterRenewalTests {
    let country: Country
    /// Four batches under the key that will be stolen.
    let honest: PublishedFeed
    /// What the thief published under it.
    let invented: PublishedFeed
    /// What the region publishes under its next key.
    let next: PublishedFeed

    init() throws {
        country = try Country(["VN-01", "VN-02"])
        var random = SplitMix64(seed: 81)
        var honest = try country.feed("VN-01")
        for _ in 0..<4 { try honest.publish(try Sample.keys(3, using: &random), at: Sample.interval) }
        var invented = try country.feed("VN-01", epoch: 2)
        try invented.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        let region = try #require(Region("VN-01"))
        let feed = FeedID(region: region, epoch: Epoch(3))
        var next = PublishedFeed(feed, signer: try Country.nextSigner(of: "VN-01"))
        try next.publish(try Sample.keys(3, using: &random), at: Sample.interval)
        (self.honest, self.invented, self.next) = (honest, invented, next)
    }

    /// A phone with a young roster, that has synced these feeds with a node.
    private func phone(_ feeds: [PublishedFeed]) async throws -> (phone: Phone, server: FeedServer) {
        let server = try FeedServer("VN-02", country: country, feeds: feeds)
        let phone = Phone(country)
        #expect(try await phone.sync(server).isUpToDate)
        await server.forgetRequests()
        return (phone, server)
    }

    private func expect(_ phone: Phone, holds feeds: [PublishedFeed]) async throws {
        #expect(try await phone.state() == RegionState.reference(feeds, now: Sample.interval))
        #expect(try await phone.storage.cursors().map(\.feed) == feeds.map(\.id))
    }

    @Test func whatANodeDoesNotListAnyMoreIsForgottenAtOnceIfItsKeyIsClosed() async throws {
        let (phone, server) = try await phone([honest, invented])
        await server.set(roster: try country.closing("VN-01", standing: [honest]))
        await server.serve([honest], at: Sample.now + 10)
        let report = try await phone.sync(server, now: Sample.now + 10)
        #expect(report.isUpToDate && report.rosterVersion == 2)
        #expect(await server.requests == ["/v1/index", "/v1/roster"])
        try await expect(phone, holds: [honest])
    }

    @Test func aFeedThatIsShorterThanBeforeIsCutAtOnceIfItsKeyIsClosed() async throws {
        let (phone, server) = try await phone([honest])
        let short = country.shortened(honest, to: 2)
        await server.set(roster: try country.closing("VN-01", standing: [short]))
        await server.serve([short], at: Sample.now + 10)
        #expect(try await phone.sync(server, now: Sample.now + 10).isUpToDate)
        try await expect(phone, holds: [short])
    }

    @Test func aKeyThatTheRosterDoesNotKnowBringsTheNewRoster() async throws {
        let (phone, server) = try await phone([honest])
        await server.set(roster: try country.closing("VN-01", standing: [honest]))
        await server.serve([honest, next], at: Sample.now + 10)
        let report = try await phone.sync(server, now: Sample.now + 10)
        #expect(report.isUpToDate && report.rosterVersion == 2 && report.batches == 1)
        #expect(await server.requests.filter { $0 == "/v1/roster" }.count == 1)
        try await expect(phone, holds: [honest, next])
    }

    /// What came under the old roster in the same sync does not outlive the new one.
    @Test func whatCameBeforeTheNewRosterIsJudgedByIt() async throws {
        let (phone, server) = try await phone([])
        await server.set(roster: try country.closing("VN-01", standing: [honest]))
        await server.serve([honest, invented, next], at: Sample.now + 10)
        let report = try await phone.sync(server, now: Sample.now + 10)
        #expect(report.feeds.map(\.isClosed) == [false, true, false])
        try await expect(phone, holds: [honest, next])
    }

    /// A node that lags costs a request, and nothing that is held; a key that no roster knows stays a problem.
    @Test func withoutANewerRosterNothingChanges() async throws {
        let (phone, server) = try await phone([honest, invented])
        await server.serve([country.shortened(honest, to: 2), next], at: Sample.now + 10)
        let report = try await phone.sync(server, now: Sample.now + 10)
        #expect(report.feeds.map(\.nodeLags) == [true, false])
        #expect(report.feeds.last?.problem == SyncError(.badFeed, ""))
        #expect(await server.requests.filter { $0 == "/v1/roster" }.count == 1)
        try await expect(phone, holds: [honest, invented])
    }
}
