import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Testing
import TestSupport

/// Regions that were taken over.
@Suite struct SuccessorTests {
    private let country: Country

    /// VN-01 is retired into VN-02; VN-03 has nothing to do with either.
    init() throws {
        let plain = try Country(["VN-01", "VN-02", "VN-03"])
        country = plain
    }

    private func roster(retired: Bool) throws -> [UInt8] {
        let regions = try country.roster.regions.map { region in
            guard region.id.code == "VN-01", retired else { return region }
            return try #require(
                RosterRegion(
                    id: region.id,
                    vietnameseName: region.vietnameseName,
                    englishName: region.englishName,
                    operatorName: region.operatorName,
                    keys: region.keys,
                    publicEndpoint: region.publicEndpoint,
                    peerEndpoint: region.peerEndpoint,
                    successor: Region("VN-02")
                )
            )
        }
        let next = try #require(country.roster.next(issued: 2, expires: 4_000_000_000, regions: regions))
        return try next.signed(by: [country.authority])
    }

    /// How many of these keys a phone that met them all is warned of, after these publications.
    private func warnings(
        _ published: [(String, [DiagnosisKey])],
        meeting keys: [DiagnosisKey],
        retired: Bool
    ) async throws -> Int {
        var feeds: [PublishedFeed] = []
        for (code, keys) in published {
            var feed = try country.feed(code)
            try feed.publish(keys, at: Sample.interval)
            feeds.append(feed)
        }
        let server = try FeedServer("VN-03", country: country, feeds: feeds)
        await server.set(roster: try roster(retired: retired))
        let phone = Phone(country)
        #expect(try await phone.sync(server).isUpToDate)
        let encounters = keys.map { key in
            Encounter(
                time: key.metadata.rollingStart.unixSeconds,
                identifier: RollingProximityKey(key: key.data).identifier(at: key.metadata.rollingStart),
                strength: .attenuation(50)
            )
        }
        return try await ExposureMatching(encounters: encounters, now: Sample.interval).run(over: phone.storage)
            .matchedKeys
    }

    private func revoked(_ keys: [DiagnosisKey]) -> [DiagnosisKey] {
        keys.map { DiagnosisKey(data: $0.data, metadata: $0.metadata.with(reportType: .revoked)) }
    }

    @Test func theSuccessorAloneRevokes() async throws {
        var random = SplitMix64(seed: 71)
        let keys = try Sample.keys(4, using: &random)
        let some = revoked(Array(keys.prefix(3)))
        #expect(try await warnings([("VN-01", keys), ("VN-02", some)], meeting: keys, retired: true) == 1)
        // Not before the roster says so, and nobody else.
        #expect(try await warnings([("VN-01", keys), ("VN-02", some)], meeting: keys, retired: false) == 4)
        #expect(try await warnings([("VN-01", keys), ("VN-03", some)], meeting: keys, retired: true) == 4)
        // Not the other way round.
        #expect(try await warnings([("VN-02", keys), ("VN-01", some)], meeting: keys, retired: true) == 4)
    }
}
