import ClientSync
import ExposureKeys
import FeedFormat
import Testing

@Suite struct RosterSyncTests {
    @Test func aHeldRosterServesForADayAndIsThenAskedForAgain() async throws {
        let country = try Country(["VN-01"])
        let server = try FeedServer("VN-01", country: country, feeds: [])
        let phone = Phone(country)
        try await phone.sync(server)
        await server.forgetRequests()
        try await phone.sync(server, now: Sample.now + 86_399)
        #expect(await server.requests == ["/v1/index"])
        try await phone.sync(server, now: Sample.now + 86_400)
        #expect(await server.requests == ["/v1/index", "/v1/roster", "/v1/index"])
        #expect(try await phone.storage.roster()?.checked == Sample.now + 86_400)
    }

    @Test func aNewRegionBringsTheNewRoster() async throws {
        let old = try Country(["VN-01"])
        let new = try Country(["VN-01", "VN-02"], version: 2, previous: old.roster.hash)
        let feed = try SyncFaultTests.feed(new, "VN-02", batches: 1, seed: 51)
        let server = try FeedServer("VN-01", country: old, feeds: [])
        let phone = Phone(old)
        try await phone.sync(server)
        await server.set(roster: new.note)
        await server.serve([feed], at: Sample.now + 1)
        let report = try await phone.sync(server)
        #expect(report.rosterVersion == 2 && report.isUpToDate && report.batches == 1)
        // A node with the old roster lags; the newer one stays.
        let lagging = try FeedServer("VN-01", country: old, feeds: [feed])
        #expect(try await phone.sync(lagging, now: Sample.now + 90_000).rosterVersion == 2)
    }

    @Test func aRosterThatDoesNotContinueTheHeldOneIsRefused() async throws {
        let first = try Country(["VN-01"])
        let phone = Phone(first)
        try await phone.sync(try FeedServer("VN-01", country: first, feeds: []))
        let unrelated = try Country(["VN-01", "VN-02", "VN-03"])
        let wrongSuccessor = try Country(["VN-01"], version: 2, previous: unrelated.roster.hash)
        let hash = unrelated.roster.hash
        let later = try Country(["VN-01"], version: 3, previous: first.roster.hash, earlier: [hash])
        let named = [Hash256](repeating: hash, count: FormatLimits.earlierRosters - 1)
        let tooLate = try Country(["VN-01"], version: 1002, previous: hash, earlier: named)
        for country in [unrelated, wrongSuccessor, later, tooLate] {
            let server = try FeedServer("VN-01", country: country, feeds: [])
            await #expect(throws: SyncError(.badRoster, "")) {
                try await phone.sync(server, now: Sample.now + 90_000)
            }
        }
        #expect(try await phone.storage.roster()?.bytes == first.note)
        // Versions between may have been missed: the last one names them all.
        let third = try Country(["VN-01"], version: 3, previous: hash, earlier: [first.roster.hash])
        let server = try FeedServer("VN-01", country: third, feeds: [])
        #expect(try await phone.sync(server, now: Sample.now + 90_000).rosterVersion == 3)
        // What a node gives must be a roster of the past or of the future; the first one still is.
        let old = try FeedServer("VN-01", country: first, feeds: [])
        #expect(try await phone.sync(old, now: Sample.now + 180_000).rosterVersion == 3)
        let forked = try FeedServer("VN-01", country: unrelated, feeds: [])
        await #expect(throws: SyncError(.badRoster, "")) { try await phone.sync(forked, now: Sample.now + 270_000) }
        #expect(try await phone.storage.roster()?.bytes == third.note)
    }

    /// 63 provinces become 34: what the old ones published counts on, and what their successors publish counts too.
    @Test func provincesAreMerged() async throws {
        let all = VietnamProvince.until2025.map(\.region.code)
        let retired = VietnamProvince.until2025.filter { $0.region != $0.successor }
        let successors = Dictionary(uniqueKeysWithValues: retired.map { ($0.region.code, $0.successor.code) })
        let before = try Country(all)
        let after = try Country(all, version: 2, previous: before.roster.hash, successors: successors)
        var feeds = try ["VN-10", "VN-15", "VN-27"].map { try SyncFaultTests.feed(before, $0, batches: 1, seed: 61) }
        let server = try FeedServer("VN-01", country: before, feeds: feeds)
        let phone = Phone(before)
        #expect(try await phone.sync(server).batches == 3)
        await server.set(roster: after.note)
        feeds += try ["VN-26", "VN-24"].map { try SyncFaultTests.feed(after, $0, batches: 1, seed: 62) }
        await server.serve(feeds, at: Sample.now + 90_000)
        let report = try await phone.sync(server, now: Sample.now + 90_000)
        #expect(report.rosterVersion == 2 && report.isUpToDate && report.batches == 2)
    }

    @Test func anExpiredRosterServesAWhileLonger() async throws {
        let expiry = Sample.now + 10
        let first = try Country(["VN-01"], expires: expiry)
        let server = try FeedServer("VN-01", country: first, feeds: [])
        let phone = Phone(first)
        #expect(try await phone.sync(server).isUpToDate)
        let last = expiry + phone.options.limits.rosterGrace - 1
        for now in [expiry, last] {
            let report = try await phone.sync(server, now: now)
            #expect(report.problems == [SyncError(.rosterExpired, "")] && report.rosterVersion == 1)
        }
        await #expect(throws: SyncError(.badRoster, "")) { try await phone.sync(server, now: last + 1) }
        // One that has expired is not taken either, and what does not follow the one held is refused even then.
        let stale = try Country(["VN-01"], version: 2, previous: first.roster.hash, expires: last + 1)
        let forked = try Country(["VN-01", "VN-02"], expires: last + 1000)
        for country in [stale, forked] {
            await server.set(roster: country.note)
            await #expect(throws: SyncError(.badRoster, "")) { try await phone.sync(server, now: last + 1) }
        }
        let second = try Country(["VN-01"], version: 2, previous: first.roster.hash)
        await server.set(roster: second.note)
        #expect(try await phone.sync(server, now: last + 1).rosterVersion == 2)
    }

    @Test func unsignedAndExpiredRostersAreRefused() async throws {
        let country = try Country(["VN-01"], expires: Sample.now)
        let server = try FeedServer("VN-01", country: country, feeds: [])
        await #expect(throws: SyncError(.badRoster, "")) { try await Phone(country).sync(server) }
        #expect(try await Phone(country).sync(server, now: Sample.now - 1).isUpToDate)
        var strict = Phone(country)
        let second = try #require(
            NoteSigner(name: "second", algorithm: .ed25519, seed: [UInt8](repeating: 9, count: 32))
        )
        strict.options.authorities = try #require(
            RosterAuthorities(verifiers: [country.authority.verifier, second.verifier], threshold: 2)
        )
        let demanding = strict
        await #expect(throws: SyncError(.badRoster, "")) { try await demanding.sync(server, now: Sample.now - 1) }
        await server.alter("/v1/roster") { _ in TransportResponse(status: 404) }
        await #expect(throws: SyncError(.notFound, "")) { try await Phone(country).sync(server, now: Sample.now - 1) }
    }
}
