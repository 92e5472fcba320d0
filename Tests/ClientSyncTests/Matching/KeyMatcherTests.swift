import ClientSync
import ExposureKeys
import ExposureNotification
import TestSupport
import Testing

@Suite struct KeyMatcherTests {
    private static let horizon = Sample.interval.advanced(by: -2200)

    /// Keys of any start and period, in groups and alone.
    private func keys(_ count: Int, using random: inout SplitMix64) throws -> [DiagnosisKey] {
        var keys: [DiagnosisKey] = []
        while keys.count < count {
            let period = Bool.random(using: &random) ? 144 : Int.random(in: 1...144, using: &random)
            let start = Sample.interval.advanced(by: -Int64.random(in: Int64(period)...2150, using: &random))
            let aligned = Interval(start.number / 144 * 144)
            let metadata = try #require(
                KeyMetadata(
                    rollingStart: Bool.random(using: &random) ? aligned : start,
                    rollingPeriod: period,
                    reportType: .confirmed
                )
            )
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                keys.append(DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata))
            }
        }
        return keys
    }

    private func sighting(of key: DiagnosisKey, using random: inout SplitMix64) -> Encounter {
        let offset = Int64.random(in: -1...Int64(key.metadata.rollingPeriod), using: &random)
        let broadcast = key.metadata.rollingStart.advanced(by: offset)
        let shift = [-13, -12, 0, 12, 13].randomElement(using: &random) ?? 0
        return Encounter(
            time: broadcast.advanced(by: Int64(shift)).unixSeconds + Int64.random(in: 0..<600, using: &random),
            identifier: RollingProximityKey(key: key.data).identifier(at: broadcast),
            strength: .rssi(-70)
        )
    }

    private func stranger(using random: inout SplitMix64) -> Encounter {
        Encounter(
            time: Sample.now - Int64.random(in: 0..<1_300_000, using: &random),
            identifier: ProximityIdentifier(high: random.next(), low: random.next()),
            strength: .rssi(-70)
        )
    }

    /// What every identifier of every key, derived by swift-crypto, is seen as.
    private func reference(_ keys: [DiagnosisKey], _ encounters: [Encounter]) -> [[Encounter]] {
        keys.map { key in
            let start = key.metadata.rollingStart
            let identifiers = RollingProximityKey(key: key.data).identifiers(in: start..<key.metadata.end)
            return identifiers.enumerated().flatMap { offset, identifier in
                encounters.filter {
                    $0.identifier == identifier
                        && abs($0.interval.distance(from: start.advanced(by: Int64(offset)))) <= 12
                }
            }.sorted()
        }
    }

    @Test(arguments: UInt64(0)..<8)
    func matchesAreThoseOfAFullSearch(seed: UInt64) throws {
        var random = SplitMix64(seed: 1000 + seed)
        let keys = try keys(200, using: &random)
        var encounters = (0..<Int.random(in: 0...300, using: &random)).map { _ in stranger(using: &random) }
        for _ in 0..<150 {
            encounters.append(sighting(of: keys[Int.random(in: 0..<keys.count, using: &random)], using: &random))
        }
        encounters = Set(encounters).sorted()
        let matcher = KeyMatcher(encounters, tolerance: 12, from: KeyMatcherTests.horizon)
        let found = matcher.matches(of: keys)
        let expected = reference(keys, encounters)
        #expect(found.matches.map(\.position) == expected.indices.filter { !expected[$0].isEmpty })
        for match in found.matches { #expect(match.sightings.sorted() == expected[match.position]) }
        #expect(found.work.passed >= found.matches.count)
    }

    /// What is derived and tested follows from validity and the times of sightings, whatever was seen.
    @Test func workBeforeTheFilterDoesNotDependOnMatches() throws {
        var random = SplitMix64(seed: 77)
        let keys = try keys(300, using: &random)
        let seen = Set(
            (0..<200).map { _ in
                sighting(of: keys[Int.random(in: 0..<keys.count, using: &random)], using: &random)
            }
        ).sorted()
        let strangers = seen.map {
            Encounter(
                time: $0.time,
                identifier: ProximityIdentifier(high: random.next(), low: random.next()),
                strength: $0.strength
            )
        }
        let matching = KeyMatcher(seen, tolerance: 12, from: KeyMatcherTests.horizon).matches(of: keys)
        let idle = KeyMatcher(strangers, tolerance: 12, from: KeyMatcherTests.horizon).matches(of: keys)
        #expect(!matching.matches.isEmpty && idle.matches.isEmpty)
        #expect(matching.work.keys == idle.work.keys && matching.work.identifiers == idle.work.identifiers)
        let intervals = keys.map { key in
            (0..<Int64(key.metadata.rollingPeriod)).filter { offset in
                seen.contains { abs($0.interval.distance(from: key.metadata.rollingStart.advanced(by: offset))) <= 12 }
            }.count
        }
        #expect(matching.work.identifiers == intervals.reduce(0, +))
        #expect(matching.work.passed <= matching.work.identifiers)
    }

    @Test func withoutSightingsNothingIsDerived() throws {
        var random = SplitMix64(seed: 78)
        let matcher = KeyMatcher([], tolerance: 12, from: KeyMatcherTests.horizon)
        let found = matcher.matches(of: try keys(50, using: &random))
        #expect(found.work == MatchWork() && found.matches.isEmpty)
    }

    /// More keys in a run than a chunk takes, and more hits than one call of the kernel: all identifiers of every key
    /// were seen.
    @Test func chunksAndFullHitBuffersLoseNothing() throws {
        var random = SplitMix64(seed: 79)
        let keys = try Sample.keys(KeyChunk.capacity + 40, using: &random)
        let near = Array(keys[(KeyChunk.capacity - 60)...])
        let encounters = near.flatMap { key -> [Encounter] in
            let start = key.metadata.rollingStart
            let identifiers = RollingProximityKey(key: key.data).identifiers(in: start..<key.metadata.end)
            return identifiers.enumerated().map { offset, identifier in
                Encounter(
                    time: start.advanced(by: Int64(offset)).unixSeconds,
                    identifier: identifier,
                    strength: .attenuation(40)
                )
            }
        }
        let found = KeyMatcher(encounters, tolerance: 12, from: KeyMatcherTests.horizon).matches(of: keys)
        #expect(found.matches.map(\.position) == Array((KeyChunk.capacity - 60)..<keys.count))
        #expect(found.matches.allSatisfy { $0.sightings.count == 144 })
    }
}
