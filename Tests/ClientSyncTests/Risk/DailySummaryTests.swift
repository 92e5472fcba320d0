import ClientSync
import ExposureKeys
import Testing
import TestSupport

@Suite struct DailySummaryTests {
    private func summaries(
        _ windows: [ExposureWindow],
        _ configuration: RiskConfiguration = .standard
    ) -> [DailySummary] {
        DailySummary.summaries(of: windows, configuration: configuration, today: Meeting.today)
    }

    private static let walk: [(second: Int64, attenuation: Int)] = [
        (0, 50), (240, 50), (540, 60), (840, 70), (1140, 80), (1300, 50),
    ]

    /// 240 s at 175 %, 300 s at 100 %, 300 s at 33 %, 300 s at 0 %, 160 s at 175 %: 420 + 300 + 99 + 0 + 280.
    @Test func aDayIsAddedUpAsByHand() throws {
        let first = Meeting.windows(Meeting.sightings(DailySummaryTests.walk), of: try Meeting.key())
        let alone = try #require(summaries(first).first)
        #expect(alone.day == Meeting.day && summaries(first).count == 1)
        #expect(alone.overall.weightedDurationSum == 1099 && alone.overall.scoreSum == 1099)
        #expect(alone.overall.maximumScore == 1099 && alone.isContact(.standard))
        // Without the last scan it is 819, which is less than 900.
        let shorter = Meeting.windows(
            Meeting.sightings(Array(DailySummaryTests.walk.dropLast())),
            of: try Meeting.key()
        )
        #expect(summaries(shorter).first?.overall.scoreSum == 819)
        #expect(summaries(shorter).first?.isContact(.standard) == false)
        // At 30 % it is 329.7, rounded down.
        let weak = Meeting.windows(Meeting.sightings(DailySummaryTests.walk), of: try Meeting.key(1, daysSinceOnset: 4))
        #expect(summaries(weak).first?.overall.scoreSum == 329)
        #expect(summaries(weak).first?.overall.weightedDurationSum == 1099)

        let second = Meeting.windows(
            Meeting.sightings([(3000, 65), (3300, 65), (3600, 65)], of: 2),
            of: try Meeting.key(2, .selfReport, daysSinceOnset: nil)
        )
        let both = try #require(summaries(second + first).first)
        #expect(both.overall.scoreSum == 1699 && both.overall.maximumScore == 1099)
        #expect(both.byReportType.map(\.type) == [.confirmed, .selfReport])
        #expect(both.byReportType.map(\.item.scoreSum) == [1099, 600])
        #expect(both.byReportType.map(\.item.maximumScore) == [1099, 600])
    }

    @Test func fifteenMinutesNearAreAContactAndASecondLessIsNone() throws {
        for (last, isContact) in [(Int64(900), true), (899, false)] {
            let seen = Meeting.sightings([(0, 60), (300, 60), (600, 60), (last, 60)])
            let day = try #require(summaries(Meeting.windows(seen, of: try Meeting.key())).first)
            #expect(day.overall.scoreSum == last && day.isContact(.standard) == isContact)
        }
        // Fractions are not lost before the sum: three times 299 s at 33 % are 296.01, not three times 98.
        let third = try RiskConfiguration(minimumDailyScore: 296)
        let seen = [Int64(0), 3600, 7200].flatMap { Meeting.sightings([($0, 70), ($0 + 299, 70)]) }
        let day = try #require(summaries(Meeting.windows(seen, of: try Meeting.key()), third).first)
        #expect(day.overall.scoreSum == 296 && day.overall.maximumScore == 98 && day.isContact(third))
        #expect(!day.isContact(try RiskConfiguration(minimumDailyScore: 297)))
    }

    @Test(arguments: UInt64(0)..<100)
    func theOrderOfWindowsDoesNotMatter(seed: UInt64) throws {
        var random = SplitMix64(seed: 7_000 + seed)
        var windows: [ExposureWindow] = []
        for person in 1...4 {
            let type = ReportType.allCases.randomElement(using: &random) ?? .unknown
            let key = try Meeting.key(UInt64(person), type, daysSinceOnset: Int.random(in: -6...8, using: &random))
            windows += Meeting.windows(Meeting.random(using: &random), of: key)
        }
        let expected = summaries(windows)
        #expect(summaries(windows.shuffled(using: &random)) == expected)
        for day in expected {
            let parts = day.byReportType.map(\.item)
            #expect(parts.map(\.maximumScore).max() == day.overall.maximumScore)
            // Each part is rounded down by itself.
            let sum = parts.reduce(0) { $0 + $1.scoreSum }
            #expect((sum...sum + Int64(parts.count)).contains(day.overall.scoreSum))
            #expect(day.overall.maximumScore <= day.overall.scoreSum)
        }
    }

    /// Going on with a meeting never lowers what it counts for, nor does another meeting.
    @Test(arguments: UInt64(0)..<100)
    func theScoreGrowsWithDuration(seed: UInt64) throws {
        var random = SplitMix64(seed: 8_000 + seed)
        let key = try Meeting.key()
        let sightings = Meeting.random(using: &random).sorted { $0.time < $1.time }
        var former: [CivilDate: Int64] = [:]
        for count in 1...sightings.count {
            let days = summaries(Meeting.windows(Array(sightings.prefix(count)), of: key))
            for day in days {
                // A sighting that joins a scan may move its mean by a bucket; the others only add.
                let isNewScan = count == 1 || sightings[count - 1].time - sightings[count - 2].time > 10
                if isNewScan { #expect(day.overall.scoreSum >= former[day.day] ?? 0) }
                former[day.day] = day.overall.scoreSum
            }
        }
        let other = Meeting.windows(Meeting.random(using: &random), of: try Meeting.key(2))
        for day in summaries(Meeting.windows(sightings, of: key) + other) {
            #expect(day.overall.scoreSum >= former[day.day] ?? 0)
        }
    }

    /// Whatever is configured, and however near.
    @Test func aSingleSightingIsNeverAContact() throws {
        let eager = try RiskConfiguration(
            buckets: AttenuationBuckets(thresholds: [253, 254, 255], weights: [250, 250, 250, 250]),
            standardWeight: 250,
            highWeight: 250,
            reportTypes: ReportTypeWeights(
                confirmedTest: 250,
                confirmedClinicalDiagnosis: 250,
                selfReport: 250,
                recursive: 250,
                whenMissing: .confirmed
            ),
            minimumDailyScore: 1
        )
        let strengths = (0...255).map { SignalStrength.attenuation($0) } + (-127...20).map { SignalStrength.rssi($0) }
        for strength in strengths {
            let windows = Meeting.windows(Meeting.sightings([(0, strength)]), of: try Meeting.key())
            #expect(windows.count == 1)
            #expect(summaries(windows, eager).allSatisfy { !$0.isContact(eager) && $0.overall.scoreSum == 0 })
        }
        // Two in one scan are no more, nor are single ones of many people, or some hours apart.
        let apart = Meeting.windows(
            Meeting.sightings([(0, 30), (9, 30), (5000, 30), (10_000, 30)]),
            of: try Meeting.key()
        )
        let others = try (UInt64(2)...20).flatMap { person in
            Meeting.windows(Meeting.sightings([(0, 30)], of: person), of: try Meeting.key(person))
        }
        #expect(summaries(apart + others, eager).allSatisfy { !$0.isContact(eager) })
        let twice = Meeting.windows(Meeting.sightings([(0, 30), (11, 30)]), of: try Meeting.key())
        #expect(summaries(twice, eager).first?.isContact(eager) == true)
    }

    @Test func revokedReportsCountForNothing() throws {
        let seen = Meeting.sightings(DailySummaryTests.walk)
        let revoked = Meeting.windows(seen, of: try Meeting.key(1, .revoked))
        #expect(revoked.count == 1 && summaries(revoked).isEmpty)
        #expect(ExposureDay.days(of: revoked, configuration: .standard, today: Meeting.today).isEmpty)
        let standing = Meeting.windows(seen, of: try Meeting.key(2))
        #expect(summaries(revoked + standing) == summaries(standing))
        // A recursive report has no weight, but is there; an unknown one counts as confirmed.
        let recursive = Meeting.windows(seen, of: try Meeting.key(3, .recursive))
        #expect(summaries(recursive).first?.overall.scoreSum == 0)
        #expect(summaries(recursive).first?.overall.weightedDurationSum == 1099)
        let unknown = Meeting.windows(seen, of: try Meeting.key(4, .unknown))
        #expect(summaries(unknown).first?.byReportType.map(\.type) == [.confirmed])
    }

    @Test func filtersLeaveOutWindowsAndDays() throws {
        let long = Meeting.windows(Meeting.sightings(DailySummaryTests.walk), of: try Meeting.key())
        let short = Meeting.windows(Meeting.sightings([(0, 60), (200, 60)], of: 2), of: try Meeting.key(2))
        for (minimum, sum) in [(0, Int64(1299)), (200, 1299), (201, 1099), (1099, 1099)] {
            let configuration = try RiskConfiguration(minimumWindowScore: minimum)
            #expect(summaries(long + short, configuration).first?.overall.scoreSum == sum)
        }
        #expect(summaries(long, try RiskConfiguration(minimumWindowScore: 1100)).isEmpty)
        // The meeting was on 30 July, matching is on 1 August.
        for (days, isThere) in [(0, true), (1, false), (2, true), (30, true)] {
            let configuration = try RiskConfiguration(daysSinceExposureThreshold: days)
            #expect(summaries(long, configuration).isEmpty != isThere)
            let told = ExposureDay.days(of: long, configuration: configuration, today: Meeting.today)
            #expect(told.isEmpty != isThere)
        }
    }
}
