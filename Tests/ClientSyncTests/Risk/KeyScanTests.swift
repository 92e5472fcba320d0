import ClientSync
import Testing
import TestSupport

@Suite struct KeyScanTests {
    @Test(arguments: UInt64(0)..<200)
    func scansPartitionTheSightingsAndNeverLastLongerThanTheirSpread(seed: UInt64) {
        var random = SplitMix64(seed: 4_000 + seed)
        let sightings = Meeting.random(using: &random)
        let scans = KeyScan.scans(of: sightings.shuffled(using: &random))
        // Sightings that are the same are one.
        #expect(Set(scans.flatMap(\.sightings)) == Set(sightings))
        #expect(scans.reduce(0) { $0 + $1.sightings.count } == Set(sightings).count)
        let times = sightings.map(\.time)
        let spread = (times.max() ?? 0) - (times.min() ?? 0)
        #expect(Int64(scans.reduce(0) { $0 + $1.seconds }) <= spread)
        for scan in scans {
            let seen = scan.sightings.map(\.time)
            #expect(seen == seen.sorted() && seen.first == scan.time && (seen.last ?? 0) - scan.time <= 10)
            #expect((0...300).contains(scan.seconds))
        }
        #expect(zip(scans, scans.dropFirst()).allSatisfy { $1.time - $0.time > 10 })
        #expect(KeyScan.scans(of: sightings + sightings) == scans)
    }

    @Test func aScanCountsForTheTimeSinceTheLastAtMostFiveMinutes() {
        let seconds: [Int64] = [0, 4, 10, 11, 60, 360, 661, 1261, 1862, 1900]
        let scans = KeyScan.scans(of: Meeting.sightings(seconds.map { ($0, 50) }))
        #expect(scans.map { $0.time - Meeting.start } == [0, 11, 60, 360, 661, 1261, 1862, 1900])
        #expect(scans.map(\.seconds) == [0, 11, 49, 300, 300, 300, 0, 38])
        #expect(scans.first?.sightings.count == 3)
        #expect(KeyScan.scans(of: []).isEmpty)
    }
}
