import ClientSync
import ExposureKeys
import Foundation
import Testing

@Suite struct ExposureReportTests {
    private func report(exposures: Int = 0, lapsed: Int = 0) throws -> ExposureReport {
        let exposure = """
            {"day":"2021-07-30","first":1,"last":2,"sightings":2,"duration":1,"reportType":"confirmed","regions":["VN-01"]}
            """
        let one = try JSONDecoder().decode(Exposure.self, from: Data(exposure.utf8))
        return ExposureReport(
            asOf: 600,
            encounters: 2,
            keys: 3,
            matchedKeys: 1,
            exposures: Array(repeating: one, count: exposures),
            lapsed: (0..<lapsed).map {
                LapsedWarning(day: CivilDate(unixSeconds: Int64($0) * 86_400, utcOffset: 0), reason: .withdrawn)
            }
        )
    }

    @Test func aReportKeepsABoundedNumber() throws {
        let long = try report(exposures: 2001, lapsed: 33)
        #expect(long.exposures.count == 2000 && long.lapsed.count == 32)
        let json = try JSONEncoder().encode(long)
        #expect(try JSONDecoder().decode(ExposureReport.self, from: json) == long)
        let text = String(decoding: json, as: UTF8.self)
        let day = #"{"day":"2021-08-01","reason":"withdrawn"},"#
        let longer = text.replacingOccurrences(of: #""lapsed":["#, with: #""lapsed":["# + day)
        #expect(longer != text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ExposureReport.self, from: Data(longer.utf8)) }
    }

    @Test func anotherFormIsTold() throws {
        let json = try JSONEncoder().encode(report())
        #expect(try JSONDecoder().decode(ExposureReportForm.self, from: json).isOfThisVersion)
        for other in ["{}", #"{"form":1}"#, #"{"form":3,"days":7}"#] {
            let data = Data(other.utf8)
            #expect(try !JSONDecoder().decode(ExposureReportForm.self, from: data).isOfThisVersion)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(ExposureReport.self, from: data) }
        }
    }
}
