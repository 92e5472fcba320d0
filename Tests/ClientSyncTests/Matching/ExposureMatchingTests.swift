import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

@Suite struct ExposureMatchingTests {
    private let region: Region
    private let country: Country

    init() throws {
        region = try #require(Region("VN-01"))
        country = try Country(["VN-01", "VN-02"])
    }

    /// A phone that has synced these reports, each list published by one region in one batch.
    private func phone(_ published: [(String, [DiagnosisKey])]) async throws -> Phone {
        var feeds: [PublishedFeed] = []
        for (code, keys) in published {
            var feed = try country.feed(code)
            try feed.publish(keys, at: Sample.interval)
            feeds.append(feed)
        }
        let phone = Phone(country)
        #expect(try await phone.sync(try FeedServer("VN-01", country: country, feeds: feeds)).isUpToDate)
        return phone
    }

    private func sighting(
        of key: DiagnosisKey,
        broadcast: Interval,
        at time: Int64,
        _ strength: SignalStrength = .attenuation(50)
    ) -> Encounter {
        let identifier = RollingProximityKey(key: key.data).identifier(at: broadcast)
        return Encounter(time: time, identifier: identifier, strength: strength)
    }

    private func exposures(_ phone: Phone, _ encounters: [Encounter]) async throws -> [Exposure] {
        try await ExposureMatching(encounters: encounters, now: Sample.interval).run(over: phone.storage).exposures
    }

    @Test func theToleranceIsTwoHoursOnBothSidesAndExact() async throws {
        var random = SplitMix64(seed: 61)
        let key = try #require(try Sample.keys(1, daysAgo: 3, using: &random).first)
        let phone = try await phone([("VN-01", [key])])
        let start = key.metadata.rollingStart
        let end = key.metadata.end.advanced(by: -1)
        for (broadcast, shift, isFound) in [
            (start, -12, true), (start, -13, false), (start, 12, true), (start, 13, false),
            (end, 12, true), (end, 13, false), (end, -12, true), (end, 0, true),
            (start.advanced(by: -1), 0, false), (end.advanced(by: 1), 0, false),
        ] as [(Interval, Int64, Bool)] {
            let seen = broadcast.advanced(by: shift)
            for second in [Int64(0), 599] {
                let encounter = sighting(of: key, broadcast: broadcast, at: seen.unixSeconds + second)
                let found = try await exposures(phone, [encounter])
                #expect(found.map(\.sightings) == (isFound ? [1] : []), "\(broadcast) shifted by \(shift)")
            }
        }
    }

    @Test func revokedAndOldKeysDoNotMatch() async throws {
        var random = SplitMix64(seed: 62)
        let revoked = try #require(try Sample.keys(1, reportType: .revoked, using: &random).first)
        let old = try #require(try Sample.keys(1, daysAgo: 14, using: &random).first)
        let young = try #require(try Sample.keys(1, daysAgo: 13, using: &random).first)
        let phone = try await phone([("VN-01", [revoked, old, young])])
        let encounters = [revoked, old, young].map { key in
            sighting(of: key, broadcast: key.metadata.rollingStart, at: key.metadata.rollingStart.unixSeconds)
        }
        let report = try await ExposureMatching(encounters: encounters, now: Sample.interval).run(over: phone.storage)
        #expect(report.keys == 3 && report.exposures.count == 1)
        let found = try #require(report.exposures.first)
        #expect(found.first == young.metadata.rollingStart.unixSeconds)
        // One region's revocation does not silence another that publishes the same key.
        let confirmed = DiagnosisKey(data: revoked.data, metadata: revoked.metadata.with(reportType: .confirmed))
        let both = try await self.phone([("VN-01", [revoked]), ("VN-02", [confirmed])])
        #expect(try await exposures(both, encounters).map(\.regions) == [[try #require(Region("VN-02"))]])
    }

    @Test func sightingsAreGroupedByLocalDayAndMeasured() async throws {
        var random = SplitMix64(seed: 63)
        let start = Sample.interval.advanced(by: -2 * Interval.perDay)
        let metadata = try #require(
            KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .clinical, daysSinceOnset: -2)
        )
        let key = DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata)
        let confirmed = DiagnosisKey(data: key.data, metadata: metadata.with(reportType: .confirmed))
        let phone = try await phone([("VN-01", [key]), ("VN-02", [confirmed])])
        // Start is 07:00 in Vietnam. Sixteen hours and more later it is past 23:00, so the day turns in between.
        let base = start.unixSeconds
        func seen(_ minutes: Int64, _ attenuation: Int) -> Encounter {
            let time = base + minutes * 60
            return sighting(of: key, broadcast: Interval(unixSeconds: time), at: time, .attenuation(attenuation))
        }
        let found = try await exposures(
            phone,
            [seen(60, 60), seen(65, 40), seen(75, 80), seen(86, 50), seen(1015, 30), seen(1022, 31), seen(1022, 31)]
                .shuffled(using: &random)
        )
        #expect(found.count == 2)
        let later = try #require(found.first)
        let earlier = try #require(found.last)
        #expect(earlier.day.description == "2021-07-30" && earlier.sightings == 5 && earlier.duration == 15 * 60)
        #expect(earlier.first == base + 3600 && earlier.last == base + 1015 * 60)
        #expect(earlier.attenuation == Exposure.Levels(nearest: 30, typical: 50) && earlier.rssi == nil)
        #expect(earlier.reportType == .confirmed && earlier.daysSinceOnset == -2)
        #expect(earlier.regions.map(\.code) == ["VN-01", "VN-02"])
        #expect(later.day.description == "2021-07-31" && later.sightings == 1 && later.duration == 5 * 60)
    }

    @Test func oldSightingsAreForgottenByTheFeedsTimeNotByTheClockAlone() async throws {
        let empty = MemoryDeviceStorage()
        #expect(try await empty.encounterHorizon(now: Sample.now) == 0)
        let phone = try await phone([("VN-01", [])])
        let age: Int64 = 15 * 86_400 + 7200
        #expect(try await phone.storage.encounterHorizon(now: Sample.now) == Sample.now - age)
        #expect(try await phone.storage.encounterHorizon(now: Sample.now - 5) == Sample.now - 5 - age)
        #expect(try await phone.storage.encounterHorizon(now: .max) == Sample.now + 86_400 - age)
    }

    @Test func receivedPowerIsKeptAsSuch() async throws {
        var random = SplitMix64(seed: 64)
        let key = try #require(try Sample.keys(1, using: &random).first)
        let phone = try await phone([("VN-01", [key])])
        let start = key.metadata.rollingStart
        let encounters = [-80, -60, -70, -75].enumerated().map { position, power in
            sighting(of: key, broadcast: start, at: start.unixSeconds + Int64(position) * 100, .rssi(power))
        }
        let found = try #require(try await exposures(phone, encounters).first)
        #expect(found.attenuation == nil && found.rssi == Exposure.Levels(nearest: -60, typical: -70))
        #expect(found.duration == 300)
    }

    /// The whole way: a warning, the revocation of the key it rests on, and a report that takes the warning back.
    @Test func aRevocationTakesTheWarningBack() async throws {
        var random = SplitMix64(seed: 65)
        let key = try #require(try Sample.keys(1, using: &random).first)
        let start = key.metadata.rollingStart
        let encounters = [0, 300, 600, 900].map { second in
            sighting(of: key, broadcast: start, at: start.unixSeconds + second)
        }
        var feed = try country.feed("VN-01")
        try feed.publish([key], at: Sample.interval)
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]))
        let matching = ExposureMatching(encounters: encounters, now: Sample.interval)
        let before = try await matching.run(over: phone.storage)
        #expect(before.days.map(\.isContact) == [true] && before.lapsed.isEmpty && before.keys == 1)
        let strict = try RiskConfiguration(minimumDailyScore: 86_400)
        let stricter = ExposureMatching(encounters: encounters, now: Sample.interval, configuration: strict)
        #expect(try await stricter.run(over: phone.storage).days.map(\.isContact) == [false])
        try await phone.storage.hold(before)
        let revoked = DiagnosisKey(data: key.data, metadata: key.metadata.with(reportType: .revoked))
        try feed.publish([revoked], at: Sample.interval)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]))
        let after = try await matching.run(over: phone.storage)
        #expect(after.days.isEmpty && after.exposures.isEmpty && after.matchedKeys == 0 && after.keys == 2)
        #expect(after.lapsed == before.days.map { LapsedWarning(day: $0.day, reason: .withdrawn) })
        try await phone.storage.hold(after)
        #expect(try await matching.run(over: phone.storage) == after)
    }

    /// Random keys and sightings, planted within and at the edges of validity and tolerance, against deriving every
    /// identifier of every key.
    @Test(arguments: UInt64(0)..<6)
    func matchesAreThoseOfTheFullSearch(seed: UInt64) async throws {
        var random = SplitMix64(seed: 700 + seed)
        var keys: [DiagnosisKey] = []
        for _ in 0..<120 {
            let period = Int.random(in: 1...144, using: &random)
            let start = Sample.interval.advanced(by: -Int64.random(in: Int64(period)...2150, using: &random))
            let metadata = try #require(
                KeyMetadata(rollingStart: start, rollingPeriod: period, reportType: .confirmed)
            )
            guard Expiry.mayCarry(keyEnding: metadata.end, publishedAt: Sample.interval) else { continue }
            keys.append(DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata))
        }
        var encounters = (0..<150).map { _ in
            Encounter(
                time: Sample.now - Int64.random(in: 0..<1_300_000, using: &random),
                identifier: ProximityIdentifier(high: random.next(), low: random.next()),
                strength: .rssi(-70)
            )
        }
        for key in keys.shuffled(using: &random).prefix(80) {
            for _ in 0..<4 {
                let offset = Int64.random(in: -2...Int64(key.metadata.rollingPeriod) + 1, using: &random)
                let broadcast = key.metadata.rollingStart.advanced(by: offset)
                let shift = [-14, -13, -12, -11, 0, 11, 12, 13, 14].randomElement(using: &random) ?? 0
                let time = broadcast.advanced(by: Int64(shift)).unixSeconds + Int64.random(in: 0..<600, using: &random)
                encounters.append(sighting(of: key, broadcast: broadcast, at: time))
            }
        }
        let phone = try await phone([("VN-01", keys)])
        let matching = ExposureMatching(encounters: encounters, now: Sample.interval, tasks: 3)
        let found = try await matching.run(over: phone.storage)
        let reference = ExposureMatchingTests.fullSearch(keys: keys, encounters: encounters)
        #expect(!reference.sighted.isEmpty)
        #expect(found.matchedKeys == reference.keys)
        #expect(found.exposures.map { Sighted($0) }.sorted() == reference.sighted.sorted())
    }

    /// First and last sighting, and their number, per key and local day.
    private struct Sighted: Equatable, Comparable {
        let first: Int64
        let last: Int64
        let count: Int

        init(_ exposure: Exposure) {
            first = exposure.first
            last = exposure.last
            count = exposure.sightings
        }

        init(_ times: [Int64]) {
            first = times.min() ?? 0
            last = times.max() ?? 0
            count = times.count
        }

        static func < (left: Sighted, right: Sighted) -> Bool {
            (left.first, left.last, left.count) < (right.first, right.last, right.count)
        }
    }

    private static func fullSearch(keys: [DiagnosisKey], encounters: [Encounter]) -> (keys: Int, sighted: [Sighted]) {
        var keyCount = 0
        var result: [Sighted] = []
        for key in keys where Sample.interval.distance(from: key.metadata.end) < 14 * 144 {
            let rolling = RollingProximityKey(key: key.data)
            var times: [Int64: [Int64]] = [:]
            for offset in 0..<Int64(key.metadata.rollingPeriod) {
                let broadcast = key.metadata.rollingStart.advanced(by: offset)
                let identifier = rolling.identifier(at: broadcast)
                for encounter in encounters where encounter.identifier == identifier {
                    let difference = encounter.time / 600 - Int64(broadcast.number)
                    if (-12...12).contains(difference) {
                        times[(encounter.time + 25_200) / 86_400, default: []].append(encounter.time)
                    }
                }
            }
            if !times.isEmpty { keyCount += 1 }
            for day in times.keys.sorted() { result.append(Sighted(times[day] ?? [])) }
        }
        return (keyCount, result)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"] != nil))
    func publishedVectorsMatch() async throws {
        struct Vectors: Decodable {
            struct Item: Decodable {
                let enin: UInt32
                let rpi: String
            }
            let tek: String
            let enin_start: UInt32
            let rolling_period: Int
            let intervals: [Item]
        }
        let folder = try #require(ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"])
        let file = URL(fileURLWithPath: folder).appendingPathComponent("exposure-notification-crypto.json")
        let vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
        func halves(_ text: String) throws -> (UInt64, UInt64) {
            (try #require(UInt64(text.prefix(16), radix: 16)), try #require(UInt64(text.dropFirst(16), radix: 16)))
        }
        let (high, low) = try halves(vectors.tek)
        let start = Interval(vectors.enin_start)
        let metadata = try #require(
            KeyMetadata(rollingStart: start, rollingPeriod: vectors.rolling_period, reportType: .confirmed)
        )
        let now = metadata.end
        var feed = try country.feed("VN-01")
        try feed.publish([DiagnosisKey(data: KeyData(high: high, low: low), metadata: metadata)], at: now)
        let server = try FeedServer("VN-01", country: country, feeds: [feed], time: now.unixSeconds)
        let phone = Phone(country)
        try await phone.sync(server, now: now.unixSeconds)
        var encounters: [Encounter] = []
        for item in vectors.intervals {
            let (high, low) = try halves(item.rpi)
            encounters.append(
                Encounter(
                    time: Interval(item.enin).unixSeconds,
                    identifier: ProximityIdentifier(high: high, low: low),
                    strength: .attenuation(60)
                )
            )
        }
        let report = try await ExposureMatching(encounters: encounters, now: now).run(over: phone.storage)
        #expect(report.exposures.reduce(0) { $0 + $1.sightings } == 144)
        #expect(report.exposures.reduce(0) { $0 + $1.duration } == 143 * 300)
    }
}

extension Encounter {
    fileprivate func later(by seconds: Int64) -> Encounter {
        Encounter(time: time + seconds, identifier: identifier, strength: strength)
    }
}
