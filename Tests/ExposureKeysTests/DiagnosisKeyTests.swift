import ExposureKeys
import Testing
import TestSupport

struct KeyDataTests {
    @Test func bytesSurviveAndCompareAsValuesDo() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<1000 {
            let one = KeyData(high: UInt64.random(in: 0...2, using: &random), low: random.next())
            let other = KeyData(high: UInt64.random(in: 0...2, using: &random), low: random.next())
            #expect(KeyData(bytes: one.bytes) == one)
            #expect((one < other) == one.bytes.lexicographicallyPrecedes(other.bytes))
        }
        #expect(KeyData(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10).bytes == Array(1...16))
    }

    @Test func onlySixteenBytesAreAKey() {
        for count in [0, 1, 15, 17, 32] { #expect(KeyData(bytes: [UInt8](repeating: 1, count: count)) == nil) }
        #expect(KeyData(bytes: Array(0...31)[8..<24])?.bytes == Array(8...23), "a slice")
    }
}

struct KeyMetadataTests {
    static func metadata(
        start: UInt32 = 0,
        period: Int = 144,
        risk: Int = 0,
        onset: Int? = nil,
        type: ReportType = .confirmed
    ) -> KeyMetadata? {
        KeyMetadata(
            rollingStart: Interval(start),
            rollingPeriod: period,
            reportType: type,
            transmissionRisk: risk,
            daysSinceOnset: onset
        )
    }

    @Test func fieldsSurvivePacking() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<5000 {
            let metadata = try #require(anyMetadata(using: &random))
            let again = KeyMetadata(
                rollingStart: metadata.rollingStart,
                rollingPeriod: metadata.rollingPeriod,
                reportType: metadata.reportType,
                transmissionRisk: metadata.transmissionRisk,
                daysSinceOnset: metadata.daysSinceOnset
            )
            #expect(again == metadata && again?.packed == metadata.packed)
            #expect(metadata.packed >> 61 == 0)
        }
    }

    @Test func everyBoundaryIsKeptAndNothingBeyond() throws {
        for period in [1, 144] { #expect(Self.metadata(period: period)?.rollingPeriod == period) }
        for period in [0, -1, 145, .max] { #expect(Self.metadata(period: period) == nil) }
        for risk in [0, 8] { #expect(Self.metadata(risk: risk)?.transmissionRisk == risk) }
        for risk in [-1, 9, .max] { #expect(Self.metadata(risk: risk) == nil) }
        for onset in [-8190, -14, 0, 14, 4014, 8190] { #expect(Self.metadata(onset: onset)?.daysSinceOnset == onset) }
        for onset in [-8191, 8191, .min, .max] { #expect(Self.metadata(onset: onset) == nil) }
        #expect(try #require(Self.metadata()).daysSinceOnset == nil)
        let last = try #require(Self.metadata(start: .max - 144))
        #expect(last.end == Interval(.max) && last.rollingStart == Interval(.max - 144))
        #expect(Self.metadata(start: .max - 143) == nil, "its end would not fit")
    }

    /// The packed number sorts as the tuple of fields does, an absent onset before every onset.
    @Test func orderIsThatOfTheFields() throws {
        func fields(_ metadata: KeyMetadata) -> [Int] {
            [
                Int(metadata.reportType.rawValue), metadata.rollingPeriod, metadata.transmissionRisk,
                metadata.daysSinceOnset ?? .min, Int(metadata.rollingStart.number),
            ]
        }
        var random = SplitMix64(seed: 3)
        for turn in 0..<5000 {
            // Wide values first; then narrow ones, where the later fields decide.
            let one = turn % 2 == 0 ? anyMetadata(using: &random) : clashingKey(using: &random)?.metadata
            let other = turn % 2 == 0 ? anyMetadata(using: &random) : clashingKey(using: &random)?.metadata
            let (left, right) = (try #require(one), try #require(other))
            #expect((left < right) == fields(left).lexicographicallyPrecedes(fields(right)))
        }
    }

    @Test func anotherReportTypeChangesNothingElse() throws {
        var random = SplitMix64(seed: 4)
        for _ in 0..<500 {
            let metadata = try #require(anyMetadata(using: &random))
            for type in ReportType.allCases {
                let changed = metadata.with(reportType: type)
                #expect(changed.reportType == type && changed.with(reportType: metadata.reportType) == metadata)
                #expect(changed.rollingStart == metadata.rollingStart && changed.end == metadata.end)
                #expect(changed.transmissionRisk == metadata.transmissionRisk)
                #expect(changed.daysSinceOnset == metadata.daysSinceOnset)
            }
        }
    }
}

struct DiagnosisKeyTests {
    @Test func identityIsBytesStartAndPeriod() throws {
        func key(_ data: UInt64, _ start: UInt32, _ period: Int, _ risk: Int = 0) throws -> DiagnosisKey {
            DiagnosisKey(
                data: KeyData(high: data, low: 0),
                metadata: try #require(KeyMetadataTests.metadata(start: start, period: period, risk: risk))
            )
        }
        #expect(try key(1, 144, 144, 3).identity == key(1, 144, 144, 5).identity)
        let ascending = [try key(1, 0, 1), try key(1, 0, 2), try key(1, 144, 1), try key(2, 0, 1)].map(\.identity)
        for (left, right) in zip(ascending, ascending.dropFirst()) { #expect(left < right && !(right < left)) }
    }

    @Test func batchOrderIsGroupsThenBytes() throws {
        var random = SplitMix64(seed: 6)
        let sorted = clashingReports(500, using: &random).map(\.key).sorted(by: DiagnosisKey.precedesInBatch)
        for (left, right) in zip(sorted, sorted.dropFirst()) {
            #expect(left.metadata < right.metadata || left.metadata == right.metadata && left.data <= right.data)
        }
    }
}
