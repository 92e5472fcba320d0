import ExposureKeys
import Testing
import TestSupport

struct BluezoneRegionKeysTests {
    static func state(_ count: Int, using random: inout SplitMix64) -> BluezoneRegionKeys {
        BluezoneRegionKeys(joining: clashingDayReports(count, using: &random))
    }

    static func join(_ left: BluezoneRegionKeys, _ right: BluezoneRegionKeys) -> BluezoneRegionKeys {
        var result = left
        result.join(right)
        return result
    }

    @Test func joinIsALawfulSemilattice() {
        var random = SplitMix64(seed: 1)
        for turn in 0..<1500 {
            let a = Self.state(turn % 13, using: &random)
            let b = Self.state(turn % 7, using: &random)
            let c = Self.state(turn % 5, using: &random)
            #expect(Self.join(a, a) == a)
            #expect(Self.join(a, b) == Self.join(b, a))
            #expect(Self.join(Self.join(a, b), c) == Self.join(a, Self.join(b, c)))
            #expect(Self.join(a, BluezoneRegionKeys()) == a && Self.join(BluezoneRegionKeys(), a) == a)
            #expect(Self.join(Self.join(a, b), a) == Self.join(a, b), "absorption")
        }
    }

    @Test func orderDuplicatesAndBatchingLeaveNoTrace() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<300 {
            let reports = clashingDayReports(40, using: &random)
            let whole = BluezoneRegionKeys(joining: reports)
            let disorder = (reports + reports.prefix(15)).shuffled(using: &random)
            #expect(BluezoneRegionKeys(joining: disorder) == whole)
            var byBatches = BluezoneRegionKeys()
            for start in stride(from: 0, to: disorder.count, by: 7) {
                let batch = Array(disorder[start..<min(start + 7, disorder.count)])
                byBatches.join(BluezoneRegionKeys(joining: batch))
            }
            #expect(byBatches == whole)
            #expect(byBatches.count == byBatches.keys.count)
        }
    }

    @Test func theStateIsTheHighestReportOfEveryIdentityInOrder() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<300 {
            let reports = clashingDayReports(30, using: &random)
            let state = BluezoneRegionKeys(joining: reports)
            for (left, right) in zip(state.keys, state.keys.dropFirst()) { #expect(left.identity < right.identity) }
            for key in state.keys {
                let rivals = reports.filter { $0.key.identity == key.identity }
                #expect(rivals.dropFirst().reduce(rivals[0], KeyReport.join).key == key)
            }
            #expect(Set(reports.map(\.key.identity)).count == state.count)
        }
    }

    @Test func newsAreExactlyTheDifference() {
        var random = SplitMix64(seed: 4)
        for turn in 0..<1500 {
            let ours = Self.state(turn % 17, using: &random)
            let theirs = Self.state(turn % 11, using: &random)
            let news = ours.news(in: theirs)
            let merged = Self.join(ours, theirs)
            #expect(Self.join(ours, BluezoneRegionKeys(joining: news)).keys == merged.keys)
            #expect(merged.news(in: theirs).isEmpty && merged.news(in: ours).isEmpty)
            for report in news {
                #expect(Self.join(ours, BluezoneRegionKeys(joining: [report])).keys != ours.keys)
            }
        }
    }

    @Test func liveKeysAreNeitherRevokedNorOver() throws {
        func key(_ last: UInt64, day: UInt32, _ type: ReportType) throws -> BluezoneDayKey {
            let metadata = try #require(KeyMetadataTests.metadata(start: 144 * day, type: type))
            return try #require(BluezoneDayKey(firstSubKey: BluezoneSubKey(0, 0, 0, last), metadata: metadata))
        }
        let now = Interval(144 * 20_000)
        let keys = [
            try key(1, day: 19_985, .confirmed),
            try key(2, day: 19_986, .unknown),
            try key(3, day: 19_999, .confirmed),
            try key(4, day: 19_999, .revoked),
            try key(5, day: 20_000, .clinical),
        ]
        let state = BluezoneRegionKeys(joining: keys, publishedAt: now)
        #expect(state.live(at: now).map(\.firstSubKey.words.3) == [2, 3, 5])
    }

    @Test func aRevocationWinsWhateverTheOrder() throws {
        let metadata = try #require(KeyMetadataTests.metadata(start: 144 * 20_000, risk: 8, onset: 8190))
        let subKey = BluezoneSubKey(1, 2, 3, 4)
        let reported = try #require(BluezoneDayKey(firstSubKey: subKey, metadata: metadata))
        let lower = try #require(KeyMetadataTests.metadata(start: 144 * 20_000, type: .revoked))
        let revoked = try #require(BluezoneDayKey(firstSubKey: subKey, metadata: lower))
        let now = metadata.end
        for reports in [[reported, revoked], [revoked, reported], [revoked, reported, reported]] {
            var state = BluezoneRegionKeys()
            for report in reports { state.join(BluezoneRegionKeys(joining: [report], publishedAt: now)) }
            #expect(state.live(at: now).isEmpty && state.keys == [revoked])
        }
        #expect(BluezoneRegionKeys(joining: [reported], publishedAt: now).live(at: now) == [reported])
    }
}
