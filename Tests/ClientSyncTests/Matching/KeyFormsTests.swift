import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import TestSupport
import Testing

/// One key's bytes, published in several forms, by one region or several: a sighting counts once, and nothing that a
/// region publishes lowers what another warns of.
@Suite struct KeyFormsTests {
    private let country: Country
    private let data = KeyData(high: 0x6b65_7974_6964_6531, low: 7)
    /// Midnight in UTC, two days before the tests match.
    private let day = Interval(UInt32(Sample.interval.number / 144 * 144 - 288))

    init() throws {
        country = try Country(["VN-01", "VN-02", "VN-03"])
    }

    private func form(
        _ start: Int64 = 0,
        _ period: Int = 144,
        _ type: ReportType = .confirmed,
        onset: Int? = 0,
        risk: Int = 0,
        data: KeyData? = nil
    ) throws -> DiagnosisKey {
        let metadata = try #require(
            KeyMetadata(
                rollingStart: day.advanced(by: start),
                rollingPeriod: period,
                reportType: type,
                transmissionRisk: risk,
                daysSinceOnset: onset
            )
        )
        return DiagnosisKey(data: data ?? self.data, metadata: metadata)
    }

    /// Sightings of the key, one every four minutes, from an interval of the day on.
    private func seen(from interval: Int64, minutes: Int64, data: KeyData? = nil) -> [Encounter] {
        let start = day.advanced(by: interval).unixSeconds
        return stride(from: 0, through: minutes * 60, by: 240).map { second in
            let time = start + second
            let identifier = RollingProximityKey(key: data ?? self.data).identifier(at: Interval(unixSeconds: time))
            return Encounter(time: time, identifier: identifier, strength: .attenuation(50))
        }
    }

    /// One batch: region, epoch, keys, and how many intervals before the tests match it was published.
    private typealias Published = (region: String, epoch: UInt64, keys: [DiagnosisKey], age: Int64)

    private func report(_ published: [Published], _ encounters: [Encounter]) async throws -> ExposureReport {
        var feeds: [PublishedFeed] = []
        for batch in published {
            let known = feeds.firstIndex { $0.id.region.code == batch.region && $0.id.epoch == Epoch(batch.epoch) }
            if known == nil { feeds.append(try country.feed(batch.region, epoch: batch.epoch)) }
            try feeds[known ?? feeds.count - 1].publish(batch.keys, at: Sample.interval.advanced(by: -batch.age))
        }
        let phone = Phone(country)
        _ = try await phone.storage.hold(encounters)
        #expect(try await phone.sync(try FeedServer("VN-01", country: country, feeds: feeds)).isUpToDate)
        let kept = try await ExposureMatching(now: Sample.interval).run(over: phone.storage)
        // Matching what the store holds and matching sightings that are passed in are the same.
        let passedIn = try await ExposureMatching(encounters: encounters, now: Sample.interval).run(over: phone.storage)
        #expect(kept.days == passedIn.days && kept.exposures == passedIn.exposures)
        return kept
    }

    private func score(_ published: [Published], _ encounters: [Encounter]) async throws -> Int64 {
        try await report(published, encounters).days.reduce(0) { $0 + $1.scoreSum }
    }

    /// Eight minutes stay eight, in whichever forms and by whomever the key is published, and are no contact.
    @Test func aSightingCountsOnce() async throws {
        let encounters = seen(from: 10, minutes: 8)
        let alone = try await score([("VN-01", 1, [try form(0, 90)], 0)], encounters)
        #expect(alone == 480 * 175 / 100)
        let (short, whole, shifted) = (try form(0, 90), try form(), try form(5, 144))
        for published: [Published] in [
            [("VN-01", 1, [short, whole], 0)],
            [("VN-01", 1, [short], 5), ("VN-01", 1, [whole], 0)],
            [("VN-01", 1, [whole], 5), ("VN-01", 2, [short, shifted], 0)],
            [("VN-01", 1, [short], 0), ("VN-02", 1, [whole], 0)],
            [("VN-01", 1, [shifted], 0), ("VN-02", 1, [whole, short], 0), ("VN-03", 1, [short], 0)],
        ] {
            let found = try await report(published, encounters)
            #expect(found.days.map(\.scoreSum) == [alone] && found.days.map(\.isContact) == [false])
            #expect(found.matchedKeys == 1 && found.exposures.map(\.sightings) == [3])
        }
    }

    /// The validity is the union of the forms: what lies in one of them counts, whichever it is.
    @Test func formsThatOverlapAreValidTogether() async throws {
        let encounters = seen(from: 88, minutes: 40)
        let (early, late) = (try form(0, 90), try form(85, 50))
        let found = try await report([("VN-01", 1, [early], 2), ("VN-01", 1, [late], 0)], encounters)
        #expect(found.exposures.map(\.duration) == [2400])
        #expect(try await report([("VN-01", 1, [early], 0)], encounters).exposures.map(\.duration) == [960])
    }

    /// A test that is withdrawn in one form warns in none that it overlaps, also where the key was seen outside the form
    /// that was revoked, whatever comes first.
    @Test func whatIsWithdrawnInOneFormWarnsInNone() async throws {
        let (short, whole) = (try form(0, 90), try form())
        for place: Int64 in [10, 85, 120] {
            let encounters = seen(from: place, minutes: 40)
            for (reported, revoked) in [(whole, short), (short, whole), (whole, try form(60, 10))] {
                let withdrawal = revoked.with(reportType: .revoked)
                for ages: (Int64, Int64) in [(5, 0), (0, 0), (0, 5)] {
                    for epochs: (UInt64, UInt64) in [(1, 1), (1, 2), (2, 1)]
                    where ages.0 >= ages.1 || epochs.0 != epochs.1 {
                        let published: [Published] = [
                            ("VN-01", epochs.0, [reported, short, whole], ages.0),
                            ("VN-01", epochs.1, [withdrawal], ages.1),
                        ]
                        let found = try await report(published, encounters)
                        #expect(found.days.isEmpty && found.matchedKeys == 0, "\(place) \(ages) \(epochs)")
                    }
                }
            }
        }
    }

    @Test func aRevocationLeavesFormsThatItDoesNotOverlap() async throws {
        let encounters = seen(from: 120, minutes: 16)
        let published: [Published] = [
            ("VN-01", 1, [try form(0, 90), try form(100, 44)], 1), ("VN-01", 1, [try form(0, 90, .revoked)], 0),
        ]
        #expect(try await report(published, encounters).days.map(\.isContact) == [true])
    }

    /// A region that wants a warning to end tries by rank, onset, risk, period, start and time of publication.
    @Test func noRegionLowersAnothersWarning() async throws {
        let encounters = seen(from: 20, minutes: 20)
        let honest: Published = ("VN-01", 1, [try form(onset: 0)], 2)
        let alone = try await report([honest], encounters)
        #expect(alone.days.map(\.isContact) == [true])
        var attempts: [[DiagnosisKey]] = []
        for type in ReportType.allCases {
            for onset in [nil, -14, 0, 5, 14, 4000] as [Int?] {
                attempts.append([try form(0, 144, type, onset: onset, risk: 8)])
                attempts.append([try form(20, 1, type, onset: onset), try form(22, 30, type, onset: onset)])
            }
        }
        attempts.append([try form(0, 21, .recursive), try form(21, 1, .recursive), try form(22, 122, .recursive)])
        attempts.append([try form(-40, 144, .recursive, onset: 14), try form(60, 144, .recursive, onset: 14)])
        for attempt in attempts {
            for age: Int64 in [0, 2, 9] {
                let found = try await report([honest, ("VN-02", 1, attempt, age)], encounters)
                let days = found.days.filter(\.isContact)
                #expect(days.map(\.day) == alone.days.map(\.day), "\(attempt.map(\.metadata.packed))")
                for (one, other) in zip(days, alone.days) { #expect(one.scoreSum >= other.scoreSum) }
            }
        }
    }

    /// Two regions that each publish a part of the day add up, and a third one that spans both does not take that away.
    @Test func claimsThatDoNotOverlapCountSideBySide() async throws {
        let encounters = seen(from: 10, minutes: 8) + seen(from: 100, minutes: 8)
        let parts: [Published] = [("VN-01", 1, [try form(0, 50)], 0), ("VN-02", 1, [try form(50, 94)], 0)]
        let together = try await score(parts, encounters)
        #expect(together == 2 * 480 * 175 / 100)
        let spanning: Published = ("VN-03", 1, [try form(0, 144, .recursive)], 0)
        #expect(try await score(parts + [spanning], encounters) == together)
    }

    /// Of reports of one type the later one counts, whichever has the larger number, and whatever the order of epochs.
    @Test func aCorrectionCounts() async throws {
        let encounters = seen(from: 20, minutes: 20)
        for (before, after, isContact) in [(5, -1, true), (-1, 14, false), (14, 0, true)] {
            for epochs: (UInt64, UInt64) in [(1, 2), (2, 1), (1, 1)] {
                let published: [Published] = [
                    ("VN-01", epochs.0, [try form(onset: before)], 2), ("VN-01", epochs.1, [try form(onset: after)], 1),
                ]
                let found = try await report(published, encounters)
                #expect(found.days.map(\.isContact) == [isContact], "\(before) \(after) \(epochs)")
            }
        }
    }

    /// Whatever is published, in whichever order it comes, a person is told the same.
    @Test func nothingDependsOnTheOrderOfBatches() async throws {
        var random = SplitMix64(seed: 77)
        for _ in 0..<25 {
            let keys = try (0..<6).map { _ in
                try form(
                    Int64.random(in: -20...60, using: &random),
                    Int.random(in: 1...144, using: &random),
                    try #require(ReportType.allCases.randomElement(using: &random)),
                    onset: Int.random(in: -5...8, using: &random)
                )
            }
            let published: [Published] = keys.enumerated().map { position, key in
                (["VN-01", "VN-02"][position % 2], UInt64(position + 1), [key], Int64(position % 3))
            }
            let encounters = seen(from: Int64.random(in: 0...100, using: &random), minutes: 40)
            let one = try await report(published, encounters)
            let other = try await report(published.shuffled(using: &random), encounters.shuffled(using: &random))
            #expect(one == other)
        }
    }

    // MARK: Two keys that claim one identifier

    private func claim(
        _ key: KeyData,
        _ sightings: [Encounter],
        _ type: ReportType,
        of region: String
    ) throws -> KeyClaim {
        let form = try form(0, 144, type, data: key)
        return try Meeting.claim(form, sightings, of: region)
    }

    @Test func whereTwoKeysClaimOneIdentifierItCountsOnce() throws {
        let sightings = seen(from: 10, minutes: 20)
        let (small, large) = (KeyData(high: 1, low: 0), KeyData(high: 2, low: 0))
        for (first, second, expected) in [
            (ReportType.confirmed, ReportType.confirmed, small), (.recursive, .confirmed, large),
            (.confirmed, .recursive, small), (.revoked, .recursive, large),
        ] {
            for isSwapped in [false, true] {
                let claims = [
                    try claim(small, sightings, first, of: isSwapped ? "VN-02" : "VN-01"),
                    try claim(large, sightings, second, of: isSwapped ? "VN-01" : "VN-02"),
                ]
                let met = MetKey.met(by: isSwapped ? claims.reversed() : claims, .standard)
                #expect(met.map { $0.claims.map(\.key) } == [[.exposureNotification(expected)]])
                #expect(met.first?.claims.first?.sightings == sightings)
            }
        }
    }
}
