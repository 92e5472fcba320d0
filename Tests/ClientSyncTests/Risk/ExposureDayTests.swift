import ClientSync
import ExposureKeys
import Foundation
import Testing

@Suite struct ExposureDayTests {
    private func days(_ windows: [ExposureWindow], _ configuration: RiskConfiguration = .standard) -> [ExposureDay] {
        ExposureDay.days(of: windows, configuration: configuration, today: Meeting.today)
    }

    @Test func aDayTellsWhatCounted() throws {
        let contact = Meeting.windows(
            Meeting.sightings([(0, 50), (300, 50), (600, 60), (900, 60)]),
            of: try Meeting.key(1, .clinical, daysSinceOnset: 4)
        )
        let near = Meeting.windows(
            Meeting.sightings([(0, 66), (300, 66), (600, 66), (900, 66)], of: 2),
            of: try Meeting.key(2, .selfReport)
        )
        // Far off and confirmed: it has no weight, so it does not speak for certainty.
        let far = Meeting.windows(
            Meeting.sightings([(0, .rssi(-90)), (300, .rssi(-90))], of: 3),
            of: try Meeting.key(3)
        )
        let day = try #require(days(far + contact + near).first)
        #expect(day.day == Meeting.day && day.isContact)
        // (300 * 1.75 + 600) * 0.3 = 337.5, and 900.
        #expect(day.scoreSum == 1237 && day.maximumScore == 900 && day.weightedDurationSum == 2025)
        #expect(day.duration == 1800 && day.nearness == .near)
        #expect(day.reportType == .clinical && day.infectiousness == .high && day.calibrationConfidence == .low)
        let nothing = try #require(days(far).first)
        #expect(!nothing.isContact && nothing.duration == 300 && nothing.nearness == .other)
        #expect(nothing.reportType == .confirmed && nothing.calibrationConfidence == .lowest)
    }

    @Test func aMomentHasNoDurationAndItsNearestScan() throws {
        let seen = Meeting.sightings([(0, 80), (4000, 60)])
        let day = try #require(days(Meeting.windows(seen, of: try Meeting.key())).first)
        #expect(day.duration == 0 && day.scoreSum == 0 && !day.isContact && day.nearness == .near)
    }

    @Test func nearnessIsTheMedianByTime() throws {
        for (last, nearness) in [(Int64(600), AttenuationBucket.immediate), (601, .medium)] {
            let seen = Meeting.sightings([(0, 50), (300, 50), (last, 70)])
            let config = try RiskConfiguration(
                buckets: AttenuationBuckets(thresholds: [55, 67, 75], weights: [100, 100, 100, 100])
            )
            // 301 s are counted as 300 at most, so the second case has a scan more.
            let more = last == 601 ? Meeting.sightings([(620, 70)]) : []
            #expect(days(Meeting.windows(seen + more, of: try Meeting.key()), config).first?.nearness == nearness)
        }
    }

    @Test func daysAreNewestFirstAndSurviveJSON() throws {
        let seen = Meeting.sightings([
            (0, .attenuation(50)), (300, .attenuation(50)), (86_400, .rssi(-70)), (86_700, .rssi(-70)),
        ])
        let days = days(Meeting.windows(seen, of: try Meeting.key()))
        #expect(days.map(\.day.description) == ["2021-07-31", "2021-07-30"])
        let json = try JSONEncoder().encode(days)
        #expect(try JSONDecoder().decode([ExposureDay].self, from: json) == days)
        let text = String(decoding: json, as: UTF8.self)
        for (old, new) in [("\"immediate\"", "\"here\""), ("2021-07-30", "2021-02-30"), ("\"high\"", "\"very\"")] {
            let altered = Data(text.replacingOccurrences(of: old, with: new).utf8)
            #expect(altered != json)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([ExposureDay].self, from: altered) }
        }
    }
}
