import ExposureKeys
import Testing
import TestSupport

struct RegionKeysTests {
    static func state(_ count: Int, using random: inout SplitMix64) -> RegionKeys {
        RegionKeys(joining: clashingReports(count, using: &random))
    }

    static func join(_ left: RegionKeys, _ right: RegionKeys) -> RegionKeys {
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
            #expect(Self.join(a, RegionKeys()) == a && Self.join(RegionKeys(), a) == a)
            #expect(Self.join(Self.join(a, b), a) == Self.join(a, b), "absorption")
        }
    }

    @Test func orderDuplicatesAndBatchingLeaveNoTrace() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<300 {
            let reports = clashingReports(40, using: &random)
            let whole = RegionKeys(joining: reports)
            let disorder = (reports + reports.prefix(15)).shuffled(using: &random)
            #expect(RegionKeys(joining: disorder) == whole)
            var byBatches = RegionKeys()
            for start in stride(from: 0, to: disorder.count, by: 7) {
                byBatches.join(RegionKeys(joining: Array(disorder[start..<min(start + 7, disorder.count)])))
            }
            #expect(byBatches == whole)
            #expect(byBatches.count == byBatches.keys.count)
        }
    }

    @Test func theStateIsTheHighestReportOfEveryIdentityInOrder() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<300 {
            let reports = clashingReports(30, using: &random)
            let state = RegionKeys(joining: reports)
            for (left, right) in zip(state.keys, state.keys.dropFirst()) { #expect(left.identity < right.identity) }
            for standing in state.reports {
                let rivals = reports.filter { $0.key.identity == standing.key.identity }
                let highest = rivals.max { left, right in
                    let (one, other) = (left.key.metadata, right.key.metadata)
                    if one.reportType != other.reportType { return one.reportType < other.reportType }
                    if left.publication != right.publication { return left.publication < right.publication }
                    return one.packed < other.packed
                }
                #expect(standing == highest)
                #expect(state.report(of: standing.key.identity) == standing)
                #expect(state.reports(of: standing.key.data).contains(standing))
            }
            let identities = Set(reports.map(\.key.identity))
            #expect(identities.count == state.count)
        }
    }

    /// Joining the news gives the content that joining everything gives; nothing in the news is known already; and
    /// afterwards there are none.
    @Test func newsAreExactlyTheDifference() {
        var random = SplitMix64(seed: 4)
        for turn in 0..<1500 {
            let ours = Self.state(turn % 17, using: &random)
            let theirs = Self.state(turn % 11, using: &random)
            let news = ours.news(in: theirs)
            let merged = Self.join(ours, theirs)
            #expect(Self.join(ours, RegionKeys(joining: news)).keys == merged.keys)
            #expect(merged.news(in: theirs).isEmpty && merged.news(in: ours).isEmpty)
            for report in news {
                #expect(Self.join(ours, RegionKeys(joining: [report])).keys != ours.keys)
                #expect(merged.reports.contains(report))
            }
        }
        #expect(RegionKeys().news(in: RegionKeys()).isEmpty)
    }

    @Test func liveKeysAreNeitherRevokedNorOver() throws {
        func key(_ byte: UInt64, end: UInt32, _ type: ReportType) throws -> DiagnosisKey {
            DiagnosisKey(
                data: KeyData(high: byte, low: 0),
                metadata: try #require(KeyMetadataTests.metadata(start: end - 144, type: type))
            )
        }
        let now = Interval(3_000_000)
        let lifetime = UInt32(14 * 144)
        let keys = [
            try key(1, end: now.number - lifetime, .confirmed),
            try key(2, end: now.number - lifetime + 1, .unknown),
            try key(3, end: now.number, .confirmed),
            try key(4, end: now.number, .revoked),
            try key(5, end: now.number + 5, .clinical),
        ]
        let state = RegionKeys(joining: keys, publishedAt: now)
        #expect(state.live(at: now).map(\.data.high) == [2, 3, 5])
    }

    @Test func aRevocationRemovesFromTheLiveKeysForGood() throws {
        let reported = DiagnosisKey(
            data: KeyData(high: 7, low: 7),
            metadata: try #require(KeyMetadataTests.metadata(start: 2_999_000))
        )
        let revoked = DiagnosisKey(data: reported.data, metadata: reported.metadata.with(reportType: .revoked))
        let now = Interval(2_999_200)
        for reports in [[reported, revoked], [revoked, reported], [revoked, reported, reported]] {
            var state = RegionKeys()
            for report in reports { state.join(RegionKeys(joining: [report], publishedAt: now)) }
            #expect(state.live(at: now).isEmpty && state.count == 1)
        }
        #expect(RegionKeys(joining: [reported], publishedAt: now).live(at: now) == [reported])
    }
}
