import ExposureKeys
import TestSupport

/// Few values for each field, so that equal identities and ties are common.
func clashingKey(using random: inout SplitMix64) -> DiagnosisKey? {
    KeyMetadata(
        rollingStart: Interval(2_678_400 + 144 * UInt32.random(in: 0...1, using: &random)),
        rollingPeriod: Bool.random(using: &random) ? 144 : 100,
        reportType: ReportType.allCases.randomElement(using: &random) ?? .unknown,
        transmissionRisk: Int.random(in: 0...2, using: &random),
        daysSinceOnset: [nil, -1, 3].randomElement(using: &random) ?? nil
    ).map {
        DiagnosisKey(data: KeyData(high: UInt64.random(in: 0...3, using: &random), low: 0), metadata: $0)
    }
}

/// Reports of few keys, so that many speak of the same one, from few intervals, so that many are equally late.
func clashingReports(_ count: Int, using random: inout SplitMix64) -> [KeyReport<DiagnosisKey>] {
    (0..<count).compactMap { _ in
        clashingKey(using: &random).map {
            KeyReport($0, publication: Interval(2_679_000 + UInt32.random(in: 0...2, using: &random)))
        }
    }
}

/// Metadata from the whole range of every field.
func anyMetadata(using random: inout SplitMix64) -> KeyMetadata? {
    KeyMetadata(
        rollingStart: Interval(UInt32.random(in: 0...(.max - 144), using: &random)),
        rollingPeriod: Int.random(in: KeyMetadata.rollingPeriods, using: &random),
        reportType: ReportType.allCases.randomElement(using: &random) ?? .unknown,
        transmissionRisk: Int.random(in: KeyMetadata.transmissionRisks, using: &random),
        daysSinceOnset: Bool.random(using: &random) ? Int.random(in: KeyMetadata.onsetDays, using: &random) : nil
    )
}
