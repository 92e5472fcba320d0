import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

@Suite struct ExposureExplanationTests {
    /// A report of one contact and one single sighting, with the key and identifiers behind it.
    private func report(
        _ strength: (Int) -> SignalStrength = { .attenuation($0) }
    ) async throws -> (ExposureReport, secrets: [String]) {
        let country = try Country(["VN-01"])
        var random = SplitMix64(seed: 81)
        var keys = try Sample.keys(2, daysAgo: 2, using: &random)
        let metadata = try #require(
            KeyMetadata(
                rollingStart: keys[0].metadata.rollingStart,
                rollingPeriod: 144,
                reportType: .confirmed,
                daysSinceOnset: 1
            )
        )
        keys[0] = DiagnosisKey(data: keys[0].data, metadata: metadata)
        var feed = try country.feed("VN-01")
        try feed.publish(keys, at: Sample.interval)
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]))
        let start = metadata.rollingStart
        let first = RollingProximityKey(key: keys[0].data).identifier(at: start)
        let second = RollingProximityKey(key: keys[1].data).identifier(at: start)
        var encounters = (0..<4).map { position in
            Encounter(time: start.unixSeconds + Int64(position) * 300, identifier: first, strength: strength(48))
        }
        encounters.append(Encounter(time: start.unixSeconds + 60, identifier: second, strength: strength(72)))
        let report = try await ExposureMatching(encounters: encounters, now: Sample.interval).run(over: phone.storage)
        let bytes = [keys[0].data.bytes, keys[1].data.bytes, first.bytes, second.bytes]
        return (report, bytes.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() })
    }

    @Test func aContactIsExplained() async throws {
        let (report, _) = try await report()
        let english = ExposureExplanation(report, language: .english).text
        #expect(english.hasPrefix("Contact on 1 day with people who were reported infected later."))
        #expect(english.contains("29 July 2021: a contact, of about 15 minutes in all."))
        #expect(english.contains("How near: most of the time very near") && english.contains("confirmed by a test"))
        #expect(english.contains("one of the most infectious") && english.contains("health station"))
        #expect(english.contains("5 sightings of this phone compared with 2 published keys"))
        let vietnamese = ExposureExplanation(report, language: .vietnamese).text
        #expect(vietnamese.hasPrefix("Phát hiện tiếp xúc vào 1 ngày với người sau đó được báo nhiễm."))
        #expect(vietnamese.contains("Ngày 29/7/2021: có tiếp xúc, tổng cộng khoảng 15 phút."))
        #expect(vietnamese.contains("rất gần") && vietnamese.contains("dễ lây nhất"))
        #expect(vietnamese.contains("trạm y tế"))
    }

    private func day(
        _ sightings: [(second: Int64, attenuation: Int)],
        _ type: ReportType = .confirmed,
        daysSinceOnset: Int? = 0
    ) throws -> ExposureReport {
        let windows = Meeting.windows(
            Meeting.sightings(sightings),
            of: try Meeting.key(1, type, daysSinceOnset: daysSinceOnset)
        )
        return ExposureReport(
            asOf: Sample.now,
            encounters: sightings.count,
            keys: 1,
            matchedKeys: 1,
            exposures: [],
            days: ExposureDay.days(of: windows, configuration: .standard, today: Meeting.today),
            freshness: fresh
        )
    }

    private let fresh = FreshnessRecord(fetchedUntil: Sample.now)

    @Test func aSingleSightingAndAShortMeetingAreNotCalledContacts() throws {
        let moment = try day([(0, 40)])
        let english = ExposureExplanation(moment, language: .english).text
        #expect(english.hasPrefix("No contact found. On 1 day somebody was near"))
        #expect(english.contains("30 July 2021: somebody was near, but this phone's scans do not show for how long"))
        #expect(
            english.contains("does not count as a contact") && english.contains("How near: at the nearest very near")
        )
        #expect(english.contains("What to do: nothing special"))
        let vietnamese = ExposureExplanation(moment, language: .vietnamese).text
        #expect(vietnamese.hasPrefix("Không phát hiện tiếp xúc. Vào 1 ngày"))
        #expect(vietnamese.contains("không cho biết trong bao lâu") && vietnamese.contains("Không tính là tiếp xúc."))
        #expect(vietnamese.contains("Khoảng cách: lúc gần nhất rất gần"))
        let short = try day([(0, 60), (300, 60), (500, 60)], .selfReport, daysSinceOnset: 5)
        let brief = ExposureExplanation(short, language: .english).text
        #expect(
            brief.contains("30 July 2021: near for about 10 minutes") && brief.contains("does not count as a contact")
        )
        #expect(brief.contains("nobody has checked it") && brief.contains("one of the less infectious"))
        #expect(ExposureExplanation(short, language: .vietnamese).text.contains("tổng cộng khoảng 10 phút"))
    }

    @Test func aWithdrawnWarningIsSaidFirst() {
        let days = [CivilDate(unixSeconds: Meeting.start, utcOffset: 0), CivilDate(unixSeconds: 0, utcOffset: 0)]
        let report = ExposureReport(
            asOf: Sample.now,
            encounters: 3,
            keys: 7,
            matchedKeys: 0,
            exposures: [],
            lapsed: [
                LapsedWarning(day: days[0], reason: .withdrawn), LapsedWarning(day: days[1], reason: .unconfirmed),
            ],
            freshness: fresh
        )
        let english = ExposureExplanation(report, language: .english).text.split(separator: "\n\n")
        #expect(english.count == 4)
        #expect(
            english[1].hasPrefix(
                "The warning for 30 July 2021 no longer stands: the report of an infection has been withdrawn."
            )
        )
        #expect(english[2].hasPrefix("The warning for 1 January 1970 cannot be confirmed at present"))
        let vietnamese = ExposureExplanation(report, language: .vietnamese).text.split(separator: "\n\n")
        #expect(
            vietnamese[1].hasPrefix(
                "Cảnh báo cho ngày 30/7/2021 không còn hiệu lực: báo cáo ca nhiễm đã được rút lại."
            )
        )
        #expect(vietnamese[2].hasPrefix("Cảnh báo cho ngày 1/1/1970 hiện chưa thể xác nhận"))
    }

    /// Half a minute is no five minutes.
    @Test func lessThanFiveMinutesIsCalledThat() throws {
        let short = try day([(0, 60), (30, 60)])
        #expect(ExposureExplanation(short, language: .english).text.contains("near for less than 5 minutes in all"))
        #expect(ExposureExplanation(short, language: .vietnamese).text.contains("ở gần tổng cộng chưa đến 5 phút"))
    }

    @Test(
        arguments: [(0, 0), (149, 0), (150, 5), (449, 5), (450, 10), (899, 15), (3600, 60), (-7, 0)] as [(Int64, Int64)]
    )
    func minutesAreRoundedToFive(seconds: Int64, minutes: Int64) {
        #expect(ExposureExplanation.minutes(seconds) == minutes)
    }

    @Test func signalStrengthAloneIsSaidToBeThat() async throws {
        let (report, _) = try await report { .rssi(-$0) }
        #expect(ExposureExplanation(report, language: .english).text.contains("signal strength alone"))
        #expect(ExposureExplanation(report, language: .vietnamese).text.contains("cường độ tín hiệu"))
    }

    @Test func nothingFoundIsNoAllClear() {
        let empty = ExposureReport(
            asOf: Sample.now,
            encounters: 1234,
            keys: 314_921,
            matchedKeys: 0,
            exposures: [],
            freshness: fresh
        )
        let english = ExposureExplanation(empty, language: .english).text
        #expect(english.hasPrefix("No contact found."))
        #expect(english.contains("as of 1 August 2021, 07:00") && english.contains("cannot be found this way"))
        #expect(english.contains("1,234 sightings of this phone compared with 314,921 published keys"))
        let vietnamese = ExposureExplanation(empty, language: .vietnamese).text
        #expect(vietnamese.hasPrefix("Không phát hiện tiếp xúc."))
        #expect(vietnamese.contains("Đã so 1.234 lần ghi nhận của máy này với 314.921 khóa đã công bố"))
    }

    @Test func withoutKeysNothingIsClaimed() {
        let blind = ExposureReport(asOf: Sample.now, encounters: 3, keys: 0, matchedKeys: 0, exposures: [])
        #expect(ExposureExplanation(blind, language: .english).text.hasPrefix("Nothing can be said yet"))
        #expect(ExposureExplanation(blind, language: .vietnamese).text.hasPrefix("Chưa thể kết luận"))
    }

    /// Neither by its key, nor by a time of day, a region or the day on which the person fell ill.
    @Test func nothingIdentifiesTheOtherPerson() async throws {
        let (report, secrets) = try await report()
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        let told = String(decoding: try JSONEncoder().encode(report.days), as: UTF8.self)
        let texts = ExposureExplanation.Language.allCases.map { ExposureExplanation(report, language: $0).text }
        for text in texts + [json] {
            for secret in secrets { #expect(!text.lowercased().contains(secret.prefix(8))) }
        }
        #expect(report.days.count == 1 && report.exposures.count == 2)
        for text in texts + [told] {
            // The clocks in the text are those of matching and of fetching, both 07:00 on 1 August.
            let clocks = text.matches(of: /[0-9]{2}:[0-9]{2}/).map { String($0.output) }
            #expect(clocks.allSatisfy { $0 == "07:00" } && clocks.count <= 2)
            #expect(!text.contains("VN-01") && !text.lowercased().contains("symptoms began"))
            for exposure in report.exposures { #expect(!text.contains("\(exposure.first)")) }
        }
    }

    @Test func theReportSurvivesJSON() async throws {
        let (report, _) = try await report()
        let json = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(ExposureReport.self, from: json) == report)
        let text = String(decoding: json, as: UTF8.self)
        for (old, new) in [("confirmed", "certain"), ("VN-01", "vn"), ("2021-07-29", "2021-07-32")] {
            let altered = Data(text.replacingOccurrences(of: old, with: new).utf8)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(ExposureReport.self, from: altered) }
        }
    }
}
