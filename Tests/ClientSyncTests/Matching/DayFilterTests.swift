import ClientSync
import ExposureKeys
import ExposureNotification
import TestSupport
import Testing

@Suite struct DayFilterTests {
    /// A day that begins at interval 144 * 18_000.
    private static let day: Int64 = 18_000

    private func sightings(_ count: Int, using random: inout SplitMix64) -> [Encounter] {
        (0..<count).map { _ in
            Encounter(
                time: (DayFilterTests.day * 144 + Int64.random(in: -12..<156, using: &random)) * 600,
                identifier: ProximityIdentifier(high: random.next(), low: random.next()),
                strength: .attenuation(50)
            )
        }
    }

    private func passes(_ identifier: ProximityIdentifier, _ filter: DayFilter) -> Bool {
        let bit = DayFilter.bit(of: identifier, bits: filter.bits)
        return filter.words[bit >> 5] >> UInt32(bit & 31) & 1 == 1
    }

    @Test(arguments: [1, 2, 15, 16, 17, 500, 4096, 20_000])
    func everySightingPassesAndFewStrangersDo(count: Int) {
        var random = SplitMix64(seed: UInt64(count))
        let sightings = sightings(count, using: &random)
        let filter = DayFilter(day: DayFilterTests.day, sightings: sightings, tolerance: 12)
        #expect(sightings.allSatisfy { passes($0.identifier, filter) })
        #expect(DayFilter.sizes.contains(filter.bits) && filter.words.count * 32 == 1 << filter.bits)
        let strangers = (0..<20_000).filter { _ in
            passes(ProximityIdentifier(high: random.next(), low: random.next()), filter)
        }
        // One in 256, or as few as the largest filter allows.
        let share = max(1.0 / 256, Double(count) / Double(1 << DayFilter.sizes.upperBound))
        #expect(Double(strangers.count) < 20_000 * share * 1.5 + 20)
    }

    @Test(arguments: UInt64(0)..<20)
    func intervalsAreThoseWithASightingNear(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let sightings = sightings(Int.random(in: 1...8, using: &random), using: &random)
        let tolerance = Int64.random(in: 0...12, using: &random)
        let filter = DayFilter(day: DayFilterTests.day, sightings: sightings, tolerance: tolerance)
        let start = DayFilterTests.day * 144
        let near = (start..<start + 144).filter { interval in
            sightings.contains { abs($0.time / 600 - interval) <= tolerance }
        }
        #expect(filter.intervals.map(Int64.init) == near)
    }
}
