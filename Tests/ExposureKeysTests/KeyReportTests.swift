import ExposureKeys
import TestSupport
import Testing

struct KeyReportTests {
    private func report(
        _ type: ReportType = .confirmed,
        onset: Int? = nil,
        risk: Int = 0,
        at publication: UInt32 = 2_679_000
    ) throws -> KeyReport<DiagnosisKey> {
        let metadata = try #require(KeyMetadataTests.metadata(risk: risk, onset: onset, type: type))
        let key = DiagnosisKey(data: KeyData(high: 1, low: 1), metadata: metadata)
        return KeyReport(key, publication: Interval(publication))
    }

    @Test func joinIsAssociativeCommutativeAndIdempotent() throws {
        var random = SplitMix64(seed: 5)
        func any() throws -> KeyReport<DiagnosisKey> {
            try report(
                try #require(ReportType.allCases.randomElement(using: &random)),
                onset: Bool.random(using: &random) ? Int.random(in: -2...2, using: &random) : nil,
                risk: Int.random(in: 0...2, using: &random),
                at: UInt32.random(in: 2_679_000...2_679_002, using: &random)
            )
        }
        for _ in 0..<5000 {
            let (a, b, c) = (try any(), try any(), try any())
            #expect(KeyReport.join(a, a) == a)
            #expect(KeyReport.join(a, b) == KeyReport.join(b, a))
            #expect(KeyReport.join(KeyReport.join(a, b), c) == KeyReport.join(a, KeyReport.join(b, c)))
            let joined = KeyReport.join(a, b)
            #expect(joined == a || joined == b, "one report stands whole")
            #expect(joined.key.metadata.reportType == max(a.key.metadata.reportType, b.key.metadata.reportType))
        }
    }

    @Test func higherReportTypesWinWhateverElseTheySay() throws {
        let chain: [ReportType] = [.unknown, .recursive, .selfReport, .clinical, .confirmed, .revoked]
        #expect(ReportType.allCases.sorted() == chain)
        for (lower, higher) in zip(chain, chain.dropFirst()) {
            let weak = try report(lower, onset: 8190, risk: 8, at: 2_679_999)
            let strong = try report(higher, at: 2_679_000)
            #expect(KeyReport.join(weak, strong) == strong && KeyReport.join(strong, weak) == strong)
        }
    }

    /// What is corrected stands, whichever of the two has the larger packed number.
    @Test(arguments: [(5, -1), (-1, 14), (3, nil), (nil, 3), (0, 1), (1, 0)] as [(Int?, Int?)])
    func ofOneTypeTheLaterStands(before: Int?, after: Int?) throws {
        let (first, second) = (try report(onset: before, at: 100), try report(onset: after, at: 101))
        #expect(KeyReport.join(first, second) == second && KeyReport.join(second, first) == second)
    }

    @Test func ofOneIntervalContentDecides() throws {
        let (one, other) = (try report(onset: 5), try report(onset: -1))
        #expect(KeyReport.join(one, other) == one && KeyReport.join(other, one) == one)
    }
}
