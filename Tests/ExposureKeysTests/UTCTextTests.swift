import ExposureKeys
import Foundation
import Testing

@Suite struct UTCTextTests {
    /// As Foundation's calendar has it, over all days and some times of day.
    @Test func momentsAreThoseOfTheCalendar() {
        for day in stride(from: 0, through: 2_932_896, by: 37) as StrideThrough<Int64> {
            let seconds = day * 86_400 + day * 7919 % 86_400
            #expect(UTCText.moment(seconds) == Date(timeIntervalSince1970: Double(seconds)).ISO8601Format())
        }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"), (253_402_300_800, "9999-12-31T23:59:59Z"),
            (.max, "9999-12-31T23:59:59Z"), (-1, "1970-01-01T00:00:00Z"), (.min, "1970-01-01T00:00:00Z"),
        ] as [(Int64, String)]
    )
    func edges(_ seconds: Int64, _ text: String) {
        #expect(UTCText.moment(seconds) == text)
    }
}
