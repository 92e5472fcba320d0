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

    @Test func aContactIsExplainedAndASingleSightingIsNotCalledOne() async throws {
        let (report, _) = try await report()
        let english = ExposureExplanation(report, language: .english).text
        #expect(english.contains("1 contact found"))
        #expect(english.contains("29 July 2021, between 07:00 and 07:15: a contact of about 15 minutes."))
        #expect(english.contains("very near") && english.contains("48 dB"))
        #expect(english.contains("confirmed by a test") && english.contains("published by VN-01"))
        #expect(english.contains("1 day after the person's symptoms began"))
        #expect(english.contains("at 07:01: seen once") && english.contains("is not a contact"))
        #expect(english.contains("5 sightings of this phone compared with 2 published keys"))
        let vietnamese = ExposureExplanation(report, language: .vietnamese).text
        #expect(vietnamese.contains("Ngày 29/7/2021, từ 07:00 đến 07:15: tiếp xúc khoảng 15 phút."))
        #expect(vietnamese.contains("rất gần") && vietnamese.contains("bắt gặp một lần"))
        #expect(vietnamese.contains("trạm y tế"))
    }

    @Test func signalStrengthAloneIsSaidToBeThat() async throws {
        let (report, _) = try await report { .rssi(-$0) }
        #expect(ExposureExplanation(report, language: .english).text.contains("signal strength alone (-48 dBm"))
        #expect(ExposureExplanation(report, language: .vietnamese).text.contains("cường độ tín hiệu"))
    }

    @Test func nothingFoundIsNoAllClear() {
        let empty = ExposureReport(asOf: Sample.now, encounters: 3, keys: 7, matchedKeys: 0, exposures: [])
        let english = ExposureExplanation(empty, language: .english).text
        #expect(english.hasPrefix("No contact found."))
        #expect(english.contains("as of 1 August 2021, 07:00") && english.contains("cannot be found this way"))
        #expect(ExposureExplanation(empty, language: .vietnamese).text.hasPrefix("Không phát hiện tiếp xúc."))
    }

    @Test func withoutKeysNothingIsClaimed() {
        let blind = ExposureReport(asOf: Sample.now, encounters: 3, keys: 0, matchedKeys: 0, exposures: [])
        #expect(ExposureExplanation(blind, language: .english).text.hasPrefix("Nothing can be said yet"))
        #expect(ExposureExplanation(blind, language: .vietnamese).text.hasPrefix("Chưa thể kết luận"))
    }

    @Test func nothingIdentifiesTheOtherPerson() async throws {
        let (report, secrets) = try await report()
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        let texts = ExposureExplanation.Language.allCases.map { ExposureExplanation(report, language: $0).text }
        for text in texts + [json] {
            for secret in secrets { #expect(!text.lowercased().contains(secret.prefix(8))) }
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
