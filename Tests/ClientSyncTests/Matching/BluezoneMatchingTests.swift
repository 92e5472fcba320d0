import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import TestSupport
import Testing

@Suite struct BluezoneMatchingTests {
    private static let horizon = Sample.interval.advanced(by: -2200)

    private func keys(_ count: Int, using random: inout SplitMix64) throws -> [BluezoneDayKey] {
        try (0..<count).map { _ in
            let day = Sample.interval.number / 144 - UInt32.random(in: 2...14, using: &random)
            let metadata = try #require(
                KeyMetadata(rollingStart: Interval(day * 144), rollingPeriod: 144, reportType: .confirmed)
            )
            let subKey = BluezoneSubKey(random.next(), random.next(), random.next(), random.next())
            return try #require(BluezoneDayKey(firstSubKey: subKey, metadata: metadata))
        }
    }

    private func sighting(_ identifier: BluezoneIdentifier, at time: Int64) -> Encounter {
        Encounter(
            time: time,
            identifier: ProximityIdentifier(high: identifier.high, low: UInt64(identifier.low) << 32),
            schedule: .bluezone,
            strength: .rssi(-70)
        )
    }

    /// Sightings at and around the edges of the tolerance, against every identifier of every key.
    @Test(arguments: UInt64(0)..<6)
    func matchesAreThoseOfAFullSearch(seed: UInt64) throws {
        var random = SplitMix64(seed: 600 + seed)
        let keys = try keys(40, using: &random)
        var encounters: [Encounter] = []
        for _ in 0..<80 {
            let key = keys[Int.random(in: 0..<keys.count, using: &random)]
            let slot = Int.random(in: 0..<96, using: &random)
            let identifier = BluezoneSchedule().identifiers(of: key, in: [slot])[0]
            let start = key.metadata.rollingStart.unixSeconds + Int64(slot) * 900
            let shift = [-7801, -7800, -7200, 0, 450, 899, 8099, 8100, 8700].randomElement(using: &random) ?? 0
            encounters.append(sighting(identifier, at: start + Int64(shift)))
        }
        encounters = Set(encounters).sorted()
        let found = KeyMatcher(encounters, tolerance: 12, from: BluezoneMatchingTests.horizon).matches(of: keys)
        var expected: [Int: [Encounter]] = [:]
        for (position, key) in keys.enumerated() {
            for broadcast in BluezoneSchedule().broadcasts(of: key) {
                let seen = encounters.filter {
                    $0.broadcastIdentifier == broadcast.identifier.bytes
                        && broadcast.time.mayBeSeen(in: $0.interval, tolerance: 12)
                }
                if !seen.isEmpty { expected[position, default: []] += seen }
            }
        }
        #expect(!expected.isEmpty && found.matches.map(\.position) == expected.keys.sorted())
        for match in found.matches { #expect(match.sightings.sorted() == expected[match.position]?.sorted()) }
        #expect(found.work.identifiers <= 96 * keys.count)
    }

    /// The same bytes heard by the other system are another phone.
    @Test func schedulesAreNotMixed() throws {
        var random = SplitMix64(seed: 610)
        let key = try keys(1, using: &random)[0]
        let seen = sighting(
            BluezoneSchedule().identifiers(of: key, in: [40])[0],
            at: key.metadata.rollingStart.unixSeconds + 36_000
        )
        let other = Encounter(time: seen.time, identifier: seen.identifier, strength: seen.strength)
        for (encounter, count) in [(seen, 1), (other, 0)] {
            let matcher = KeyMatcher([encounter], tolerance: 12, from: BluezoneMatchingTests.horizon)
            #expect(matcher.matches(of: [key]).matches.count == count)
        }
        let diagnosis = try Sample.keys(200, using: &random)
        #expect(
            KeyMatcher([seen], tolerance: 12, from: BluezoneMatchingTests.horizon).matches(of: diagnosis).work
                == MatchWork()
        )
    }

    /// Through feed, sync and report; a revocation withdraws.
    @Test func aFeedsDayKeyIsMetAndRevoked() async throws {
        var random = SplitMix64(seed: 611)
        let country = try Country(["VN-01"])
        var feed = try country.feed("VN-01")
        let key = try keys(1, using: &random)[0]
        feed.publish(raw: try Batch(number: 0, publication: Sample.interval, keys: [], bluezone: [key]))
        let phone = Phone(country)
        let start = key.metadata.rollingStart.unixSeconds
        let slots = Array(40..<44)
        let sightings = zip(slots, BluezoneSchedule().identifiers(of: key, in: slots)).flatMap { slot, identifier in
            stride(from: Int64(0), to: 900, by: 240).map { sighting(identifier, at: start + Int64(slot) * 900 + $0) }
        }
        _ = try await phone.storage.hold(sightings)
        #expect(try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed])).keys == 1)
        let matching = ExposureMatching(now: Sample.interval)
        #expect(try await matching.run(over: phone.storage).matchedKeys == 1)
        let metadata = key.metadata.with(reportType: .revoked)
        let revoked = try #require(BluezoneDayKey(firstSubKey: key.firstSubKey, metadata: metadata))
        feed.publish(raw: try Batch(number: 1, publication: Sample.interval, keys: [], bluezone: [revoked]))
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]), now: Sample.now + 3600)
        let report = try await matching.run(over: phone.storage)
        #expect(report.days.allSatisfy { !$0.isContact })
    }
}
