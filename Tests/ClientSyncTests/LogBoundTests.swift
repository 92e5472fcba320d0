import ClientSync
import ExposureNotification
import Testing
import TestSupport

@Suite struct LogBoundTests {
    private func sighting(_ time: Int64, _ identifier: UInt64) -> Encounter {
        let identifier = ProximityIdentifier(high: identifier, low: 0)
        return Encounter(time: time, identifier: identifier, strength: .rssi(-60))
    }

    private func kept(_ encounters: [Encounter], _ maximum: Int, latest: Int64? = nil) -> [Encounter] {
        let sorted = encounters.sorted()
        let dropped = LogBound.dropped(of: sorted, keeping: maximum, latest: latest) { UInt64($0) }
        #expect(dropped == dropped.sorted() && Set(dropped).count == dropped.count)
        let gone = Set(dropped)
        return sorted.indices.filter { !gone.contains($0) }.map { sorted[$0] }
    }

    @Test func theFullestMinuteLosesFirst() {
        // Five in the first minute, three in the second, one in the third.
        let all = [0, 1, 2, 3, 4, 60, 61, 62, 120].enumerated().map { sighting(Int64($1), UInt64($0)) }
        #expect(kept(all, 9) == all)
        func counts(_ maximum: Int) -> [Int] {
            let held = kept(all, maximum)
            return [0, 1, 2].map { minute in held.count { $0.time / 60 == minute } }
        }
        #expect(
            (0...9).map(counts) == [
                [0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [1, 2, 1], [2, 2, 1], [2, 3, 1], [3, 3, 1], [4, 3, 1],
                [5, 3, 1],
            ]
        )
    }

    @Test func whatIsSeenInTwoScansGoesLast() {
        let twice = [sighting(0, 1), sighting(11, 1), sighting(0, 2), sighting(300, 2)]
        // Two sightings within ten seconds are one scan.
        let once = [sighting(0, 3), sighting(10, 3), sighting(5000, 4)]
        #expect(kept(twice + once, 4) == twice.sorted())
        #expect(kept(twice + once, 5) == (twice + [sighting(5000, 4)]).sorted())
        #expect(kept(twice + once, 3).count == 3 && Set(kept(twice + once, 3)).isSubset(of: twice))
    }

    @Test func theFarFutureGoesFirstByWhatRegionsHaveShownOnly() {
        let day: Int64 = 86_400
        let soon = (0..<3).map { sighting(100 * day + Int64($0), UInt64($0)) }
        let far = [sighting(115 * day, 8), sighting(115 * day + 1, 9)]
        #expect(kept(soon + far, 4, latest: 100 * day) == (soon + far.prefix(1)).sorted())
        #expect(kept(soon + far, 4, latest: nil).count { $0.time > 110 * day } == 2)
        #expect(kept(soon + [sighting(.max, 7)], 3, latest: .max).contains(sighting(.max, 7)))
    }

    @Test(arguments: UInt64(0)..<100) func asManyAsThereIsRoomForStayInEachClass(seed: UInt64) {
        var random = SplitMix64(seed: 8_700 + seed)
        var all: [Encounter] = []
        for identifier in 0..<UInt64.random(in: 1...60, using: &random) {
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                all.append(sighting(Int64.random(in: 0...600, using: &random), identifier))
            }
        }
        all = Array(Set(all))
        func isOnce(_ encounter: Encounter) -> Bool {
            let times = all.filter { $0.identifier == encounter.identifier }.map(\.time)
            return (times.max() ?? 0) - (times.min() ?? 0) <= 10
        }
        let maximum = Int.random(in: 0...all.count, using: &random)
        let held = kept(all.shuffled(using: &random), maximum)
        #expect(held.count == maximum && Set(held).isSubset(of: all))
        let gone = Set(all).subtracting(held)
        if gone.contains(where: { !isOnce($0) }) { #expect(!held.contains(where: isOnce)) }
        // No minute that lost has fewer left than one that could have lost instead has more.
        let once = Set(all.filter(isOnce))
        func left(_ minute: Int64) -> Int { held.count { $0.time / 60 == minute && once.contains($0) } }
        let losers = Set(gone.filter { once.contains($0) }.map { $0.time / 60 })
        for loser in losers { for minute in Int64(0)...10 { #expect(left(minute) <= left(loser) + 1) } }
    }
}
