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
        let seconds: [Int64] = [0, 4, 10, 11, 60, 360, 661, 1261, 1862, 1900, 3700, 5501]
        let scans = KeyScan.scans(of: Meeting.sightings(seconds.map { ($0, 50) }))
        #expect(scans.map { $0.time - Meeting.start } == [0, 11, 60, 360, 661, 1261, 1862, 1900, 3700, 5501])
        #expect(scans.map(\.seconds) == [0, 11, 49, 300, 300, 300, 300, 38, 300, 0])
        #expect(scans.first?.sightings.count == 3)
        #expect(KeyScan.scans(of: []).isEmpty)
    }

    @Test(
        arguments: [
            (30, 30), (299, 299), (300, 300), (301, 300), (600, 300), (601, 300), (660, 300), (1799, 300), (1800, 300),
            (1801, 0), (9000, 0),
        ] as [(Int64, Int)]
    )
    func whatTheSecondOfTwoScansCountsFor(gap: Int64, seconds: Int) {
        let scans = KeyScan.scans(of: Meeting.sightings([(0, 50), (gap, 50)]))
        #expect(scans.map(\.seconds) == [0, seconds])
    }

    /// Where the phone has scanned in between and not seen the key, the other phone was away then. What lies within 25
    /// seconds is the same scan.
    @Test(
        arguments: [
            (30, [19], 30), (30, [4], 30), (52, [26], 26), (52, [27], 52), (660, [360], 300), (660, [361], 299),
            (660, [634], 26), (660, [635], 300), (660, [100, 634, 200], 26),
            (1799, [1790], 300), (1799, [1700, 600], 99), (1801, [1201], 300), (1801, [1200], 0), (9000, [8400], 300),
            (9000, [8399], 0), (9000, [8900], 100),
        ] as [(Int64, [Int64], Int)]
    )
    func knownScansOfThePhoneCount(gap: Int64, phone: [Int64], seconds: Int) {
        let sightings = Meeting.sightings([(0, 50), (gap, 50)])
        let scans = KeyScan.scans(of: sightings, phone: PhoneScans(phone.map { Meeting.start + $0 }))
        #expect(scans.map(\.seconds) == [0, seconds], "\(gap) \(phone)")
    }

    /// A first scan counts from a scan of the phone at most ten minutes before, whoever was seen in it.
    @Test(
        arguments: [
            ([], 0), ([-25], 0), ([-26], 26), ([-240], 240), ([-300], 300), ([-301], 300), ([-600], 300), ([-601], 0),
            ([-600, -30], 30), ([0, 5, 300], 0),
        ] as [([Int64], Int)]
    )
    func whatAFirstScanCountsFor(phone: [Int64], seconds: Int) {
        let known = PhoneScans(phone.map { Meeting.start + $0 })
        #expect(KeyScan.scans(of: Meeting.sightings([(0, 50)]), phone: known).map(\.seconds) == [seconds])
    }

    /// Who is heard at the beginning of each scan takes nothing from who is heard at its end.
    @Test(arguments: [1, 12, 24] as [Int64]) func oneScanIsOneWhoeverIsHeardFirst(later: Int64) {
        let scans = (0..<12).map { Int64($0) * 300 }
        let own = Meeting.sightings(scans.map { ($0 + later, 50) })
        let known = PhoneScans(scans.map { Meeting.start + $0 } + own.map(\.time))
        #expect(KeyScan.scans(of: own, phone: known).map(\.seconds) == [0] + Array(repeating: 300, count: 11))
    }

    /// The log itself is among what is known: it changes nothing but the first scan of a meeting.
    @Test(arguments: UInt64(0)..<200)
    func whatIsKnownNeverMakesMoreThanTheTimeThereWas(seed: UInt64) {
        var random = SplitMix64(seed: 4_300 + seed)
        let sightings = Meeting.random(using: &random)
        let own = sightings.map(\.time)
        #expect(KeyScan.scans(of: sightings, phone: PhoneScans(own)).first?.seconds == 0)
        let others = (0..<Int.random(in: 0...200, using: &random)).map { _ in
            Meeting.start + Int64.random(in: -3000...60_000, using: &random)
        }
        let scans = KeyScan.scans(of: sightings, phone: PhoneScans(own + others))
        let plain = KeyScan.scans(of: sightings)
        #expect(scans.map(\.time) == plain.map(\.time) && scans.map(\.sightings) == plain.map(\.sightings))
        let spread = (own.max() ?? 0) - (own.min() ?? 0)
        #expect(Int64(scans.reduce(0) { $0 + $1.seconds }) <= spread + KeyScan.longest)
        #expect(scans.allSatisfy { (0...300).contains($0.seconds) })
        for (scan, next) in zip(scans, scans.dropFirst()) { #expect(Int64(next.seconds) <= next.time - scan.time) }
        // More known scans within a meeting never make it longer.
        for (position, scan) in scans.enumerated().dropFirst() where scan.time - scans[position - 1].time <= 1800 {
            #expect(scan.seconds <= plain[position].seconds)
        }
    }
}
