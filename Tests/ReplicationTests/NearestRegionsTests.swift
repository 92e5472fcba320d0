import ExposureKeys
import Replication
import Testing
import TestSupport

struct NearestRegionsTests {
    private static let regions = VietnamProvince.until2025.map(\.region)

    private func candidates(_ times: [Int64]) -> [NearestRegions.Candidate] {
        zip(Self.regions, times).map { NearestRegions.Candidate(region: $0, time: $1) }
    }

    @Test func theNearestAreChosen() {
        var nearest = NearestRegions(limit: 3)
        nearest.update(candidates([40_000, 3000, 9000, 2000, 70_000]))
        #expect(nearest.chosen == [1, 2, 3].map { Self.regions[$0] })
        nearest.update(candidates([40_000]))
        #expect(nearest.chosen == [Self.regions[0]])
        nearest.update([])
        #expect(nearest.chosen == [])
    }

    @Test func clearlyNearerIsAFifthAndAMillisecond() {
        #expect(NearestRegions.isClearlyNearer(8000, than: 10_000))
        #expect(!NearestRegions.isClearlyNearer(8001, than: 10_000))
        #expect(!NearestRegions.isClearlyNearer(1, than: 1000))
        #expect(NearestRegions.isClearlyNearer(0, than: 1000))
    }

    /// Whatever the times were and are: as many as there can be, nobody left out who is clearly nearer, and the same
    /// times once more change nothing.
    @Test(arguments: 0..<200 as Range<UInt64>) func nobodyClearlyNearerIsLeftOut(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = Int.random(in: 0...5, using: &random)
        var nearest = NearestRegions(limit: limit)
        for _ in 0..<20 {
            let count = Int.random(in: 0...12, using: &random)
            let times = (0..<count).map { _ in Int64.random(in: 0...(60_000), using: &random) }
            let given = candidates(times).shuffled(using: &random)
            nearest.update(given)
            let chosen = nearest.chosen
            #expect(chosen.count == min(limit, count) && chosen == chosen.sorted())
            let inside = given.filter { chosen.contains($0.region) }
            let outside = given.filter { !chosen.contains($0.region) }
            for other in outside {
                #expect(!inside.contains { NearestRegions.isClearlyNearer(other.time, than: $0.time) })
            }
            nearest.update(given.shuffled(using: &random))
            #expect(nearest.chosen == chosen)
        }
    }

    /// Times that vary by a tenth from look to look exchange nobody, however long it goes on.
    @Test(arguments: 0..<50 as Range<UInt64>) func noiseExchangesNobody(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let times = (0..<12).map { _ in Int64.random(in: 1000...80_000, using: &random) }
        var nearest = NearestRegions(limit: 3)
        nearest.update(candidates(times))
        var lasting = nearest
        for _ in 0..<200 {
            // The first look sees the least; what comes after is up to a tenth slower.
            lasting.update(candidates(times.map { $0 + Int64.random(in: 0...($0 / 10), using: &random) }))
            #expect(lasting.chosen == nearest.chosen)
        }
    }
}
