import ClientSync
import ExposureKeys
import ExposureNotification
import TestSupport
import Testing

@Suite struct SightingIndexTests {
    /// Few different identifiers, so that many sightings share one and neighbours in the directory are full.
    @Test(arguments: [0, 1, 3, 40, 700])
    func findsWhatALookAtEverySightingFinds(count: Int) {
        var random = SplitMix64(seed: UInt64(count) + 9)
        let identifiers = (0..<max(1, count / 4)).map { place in
            ProximityIdentifier(high: place.isMultiple(of: 3) ? UInt64(place) : random.next(), low: UInt64(place % 2))
        }
        let encounters = Set(
            (0..<count).map { _ in
                Encounter(
                    time: Int64.random(in: 1_000_000...1_060_000, using: &random),
                    identifier: identifiers[Int.random(in: 0..<identifiers.count, using: &random)],
                    strength: .rssi(-60)
                )
            }
        ).sorted()
        let index = SightingIndex(encounters)
        for identifier in identifiers + [
            ProximityIdentifier(high: .max, low: .max), ProximityIdentifier(high: 0, low: 7),
        ] {
            for interval in stride(from: Int64(1650), through: 1785, by: 9) {
                let expected = encounters.filter { $0.identifier == identifier && abs($0.time / 600 - interval) <= 12 }
                let found = index.sightings(
                    of: identifier,
                    at: Interval(UInt32(interval))...Interval(UInt32(interval)),
                    tolerance: 12
                )
                #expect(Array(found) == expected)
            }
        }
    }
}
