import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import TestSupport
import Testing

/// Batches and sightings come in at any time, in any order, with and without comparing at once: what is known in the
/// end is what comparing everything with everything gives.
@Suite struct MatchingOverTimeTests {
    @Test(arguments: UInt64(0)..<10)
    func comparingBitByBitFindsTheSame(seed: UInt64) async throws {
        var random = SplitMix64(seed: 4000 + seed)
        let country = try Country(["VN-01", "VN-02"])
        var feeds = [try country.feed("VN-01"), try country.feed("VN-02")]
        let server = try FeedServer("VN-01", country: country, feeds: feeds)
        var phone = Phone(country)
        var published: [DiagnosisKey] = []
        var seen: [Encounter] = []
        for round in 0..<14 {
            let time = Sample.now + Int64(round) * 7200
            let now = Interval(unixSeconds: time)
            for place in feeds.indices where Bool.random(using: &random) {
                var keys = try newKeys(3, now, using: &random)
                for key in published where Int.random(in: 0..<12, using: &random) == 0 {
                    keys.append(
                        DiagnosisKey(
                            data: key.data,
                            metadata: key.metadata.with(reportType: Bool.random(using: &random) ? .revoked : .clinical)
                        )
                    )
                }
                published += keys
                try feeds[place].publish(keys, at: now)
            }
            await server.serve(feeds, at: time)
            phone.options.matches = Bool.random(using: &random)
            #expect(try await phone.sync(server, now: time).isUpToDate)
            let sightings = sightings(of: published, until: now, using: &random)
            seen += sightings
            _ = try await phone.storage.hold(sightings)
            guard Bool.random(using: &random) || round == 13 else { continue }
            let report = try await ExposureMatching(now: now, tasks: 2).run(over: phone.storage)
            let whole = try await ExposureMatching(encounters: seen, now: now).run(over: phone.storage)
            #expect(report.exposures == whole.exposures && report.matchedKeys == whole.matchedKeys, "round \(round)")
            #expect(report.keys == whole.keys)
        }
        #expect(try await phone.storage.matchStates().allSatisfy { $0.seen != nil })
    }

    private func newKeys(_ count: Int, _ now: Interval, using random: inout SplitMix64) throws -> [DiagnosisKey] {
        let period = Int.random(in: 100...144, using: &random)
        let end = now.advanced(by: -Int64.random(in: 0...600, using: &random))
        let metadata = try #require(
            KeyMetadata(rollingStart: end.advanced(by: -Int64(period)), rollingPeriod: period, reportType: .confirmed)
        )
        return (0..<count).map { _ in
            DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata)
        }
    }

    /// Of some keys, at any time of their lives, also of those that end later.
    private func sightings(
        of keys: [DiagnosisKey],
        until now: Interval,
        using random: inout SplitMix64
    ) -> [Encounter] {
        keys.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }.map { key in
            let offset = Int64.random(in: 0..<Int64(key.metadata.rollingPeriod), using: &random)
            let broadcast = key.metadata.rollingStart.advanced(by: offset)
            return Encounter(
                time: broadcast.advanced(by: Int64.random(in: -12...12, using: &random)).unixSeconds,
                identifier: RollingProximityKey(key: key.data).identifier(at: broadcast),
                strength: .attenuation(Int.random(in: 30...90, using: &random))
            )
        }
    }

    /// A batch whose keys all ended before a sighting is not looked at again.
    @Test func newSightingsDoNotMeanAllWorkAnew() async throws {
        var random = SplitMix64(seed: 5)
        let country = try Country(["VN-01"])
        var feed = try country.feed("VN-01")
        for day in 0..<5 {
            try feed.publish(
                try newKeys(3, Sample.interval, using: &random),
                at: Sample.interval.advanced(by: Int64(day))
            )
        }
        let phone = Phone(country)
        #expect(try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed])).isUpToDate)
        let states = try await phone.storage.matchStates()
        #expect(states.count == 5 && states.allSatisfy { $0.seen == 0 })
        let late = Sample.now + 5 * 600 + 7200
        _ = try await phone.storage.hold([
            Encounter(time: late, identifier: ProximityIdentifier(high: 1, low: 2), strength: .rssi(-50))
        ])
        _ = try await ExposureMatching(now: Interval(unixSeconds: late)).run(over: phone.storage)
        #expect(try await phone.storage.matchStates() == states)
        _ = try await phone.storage.hold([
            Encounter(time: Sample.now, identifier: ProximityIdentifier(high: 1, low: 3), strength: .rssi(-50))
        ])
        _ = try await ExposureMatching(now: Interval(unixSeconds: late)).run(over: phone.storage)
        #expect(try await phone.storage.matchStates().allSatisfy { $0.seen == 2 })
    }

    /// A clock that was wrong when a batch was compared, in a sync or later, hides no meeting once it is right again.
    @Test(arguments: [-20, -3, 20, 400] as [Int64], [false, true])
    func aWrongClockHidesNothing(days: Int64, inSync: Bool) async throws {
        var random = SplitMix64(seed: 7)
        let country = try Country(["VN-01"])
        let keys = try Sample.keys(20, using: &random)
        var feed = try country.feed("VN-01")
        try feed.publish(keys, at: Sample.interval)
        let server = try FeedServer("VN-01", country: country, feeds: [feed])
        var phone = Phone(country)
        let broadcast = keys[3].metadata.end.advanced(by: -1)
        _ = try await phone.storage.hold([
            Encounter(
                time: broadcast.unixSeconds,
                identifier: RollingProximityKey(key: keys[3].data).identifier(at: broadcast),
                strength: .attenuation(55)
            )
        ])
        let wrong = Sample.now + days * 86_400
        phone.options.matches = inSync
        try await phone.sync(server, now: inSync ? wrong : Sample.now)
        if !inSync { _ = try await ExposureMatching(now: Interval(unixSeconds: wrong)).run(over: phone.storage) }
        try await phone.sync(server)
        let report = try await ExposureMatching(now: Sample.interval).run(over: phone.storage)
        #expect(report.matchedKeys == 1)
    }

    /// What a sync finds is kept with the batch, in one step with the cursor.
    @Test func aSyncComparesWhatItBrings() async throws {
        var random = SplitMix64(seed: 6)
        let country = try Country(["VN-01"])
        let keys = try Sample.keys(20, using: &random)
        var feed = try country.feed("VN-01")
        try feed.publish(keys, at: Sample.interval)
        let phone = Phone(country)
        let key = keys[3]
        _ = try await phone.storage.hold([
            Encounter(
                time: key.metadata.rollingStart.unixSeconds,
                identifier: RollingProximityKey(key: key.data).identifier(at: key.metadata.rollingStart),
                strength: .attenuation(55)
            )
        ])
        #expect(try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed])).isUpToDate)
        let matched = try await phone.storage.matchedBatches()
        let expected = MatchedBatch(
            feed: feed.id,
            number: 0,
            publication: Sample.interval,
            keys: 20,
            seen: 1,
            near: [key]
        )
        #expect(matched == [expected])
    }
}
