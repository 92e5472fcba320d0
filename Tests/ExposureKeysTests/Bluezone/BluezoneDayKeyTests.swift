import ExposureKeys
import Testing
import TestSupport

/// Few values for each field, so that equal identities and ties are common.
func clashingDayKey(using random: inout SplitMix64) -> BluezoneDayKey? {
    KeyMetadata(
        rollingStart: Interval(144 * UInt32.random(in: 18_600...18_601, using: &random)),
        rollingPeriod: 144,
        reportType: ReportType.allCases.randomElement(using: &random) ?? .unknown,
        transmissionRisk: Int.random(in: 0...2, using: &random),
        daysSinceOnset: [nil, -1, 3].randomElement(using: &random) ?? nil
    ).flatMap {
        let last = UInt64.random(in: 0...3, using: &random)
        return BluezoneDayKey(firstSubKey: BluezoneSubKey(1, 2, 3, last), metadata: $0)
    }
}

func clashingDayReports(_ count: Int, using random: inout SplitMix64) -> [KeyReport<BluezoneDayKey>] {
    (0..<count).compactMap { _ in
        clashingDayKey(using: &random).map {
            KeyReport($0, publication: Interval(2_679_000 + UInt32.random(in: 0...2, using: &random)))
        }
    }
}

struct BluezoneDayKeyTests {
    private func key(_ metadata: KeyMetadata, _ last: UInt64 = 0) -> BluezoneDayKey? {
        BluezoneDayKey(firstSubKey: BluezoneSubKey(0, 0, 0, last), metadata: metadata)
    }

    @Test func onlyAWholeDayInUTCHasAKey() throws {
        let day: UInt32 = 144 * 18_600
        let whole = try #require(KeyMetadataTests.metadata(start: day))
        #expect(key(whole)?.metadata == whole && key(whole)?.firstSubKey == BluezoneSubKey(0, 0, 0, 0))
        // Midnight in UTC, and not in Vietnam.
        #expect(whole.rollingStart.unixSeconds % 86_400 == 0)
        for start in [day - 1, day + 1, day + 72, day - 42] {
            #expect(key(try #require(KeyMetadataTests.metadata(start: start))) == nil, "\(start)")
        }
        for period in [1, 96, 143] {
            #expect(key(try #require(KeyMetadataTests.metadata(start: day, period: period))) == nil, "\(period)")
        }
        let last = UInt32.max / 144 * 144 - 144
        #expect(key(try #require(KeyMetadataTests.metadata(start: 0))) != nil)
        #expect(key(try #require(KeyMetadataTests.metadata(start: last))) != nil)
    }

    @Test func identityIsBytesAndDay() throws {
        func key(_ last: UInt64, _ day: UInt32, _ risk: Int = 0) throws -> BluezoneDayKey {
            let metadata = try #require(KeyMetadataTests.metadata(start: 144 * day, risk: risk))
            return try #require(self.key(metadata, last))
        }
        #expect(try key(1, 7, 3).identity == key(1, 7, 5).identity)
        let ascending = [try key(1, 7), try key(1, 8), try key(2, 6)].map(\.identity)
        for (left, right) in zip(ascending, ascending.dropFirst()) { #expect(left < right && !(right < left)) }
    }

    @Test func batchOrderIsGroupsThenBytes() {
        var random = SplitMix64(seed: 6)
        let sorted = clashingDayReports(500, using: &random).map(\.key).sorted(by: BluezoneDayKey.precedesInBatch)
        for (left, right) in zip(sorted, sorted.dropFirst()) {
            #expect(
                left.metadata < right.metadata
                    || left.metadata == right.metadata && left.firstSubKey <= right.firstSubKey
            )
        }
    }
}
