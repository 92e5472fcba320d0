import ClientSync
import Testing

@Suite struct TimeTextTests {
    @Test(arguments: [
        ("0", 0), ("1627776000", 1_627_776_000), ("1970-01-01T00:00:00Z", 0),
        ("2021-08-01T00:00:00Z", 1_627_776_000), ("2021-08-01T07:00:00+07:00", 1_627_776_000),
        ("2021-07-31T20:30:00-03:30", 1_627_776_000), ("2021-08-01t00:00:00.987z", 1_627_776_000),
        ("2020-02-29T23:59:59Z", 1_583_020_799), ("2000-03-01T00:00:00Z", 951_868_800),
        ("2100-03-01T00:00:00Z", 4_107_542_400), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("1627776000123", 1_627_776_000), ("1627776000.5", 1_627_776_000), ("1.0", 1),
        ("2021-08-01T07:00:00+0700", 1_627_776_000), ("2021-08-01T07:00:00+07", 1_627_776_000),
        ("2021-07-31T20:30:00.5-0330", 1_627_776_000), ("2021-08-01 00:00:00Z", 1_627_776_000),
        ("2021-08-01 07:00:00 +07:00", 1_627_776_000), ("2021-08-01 07:00:00,25 +0700", 1_627_776_000),
        ("253402300799", 253_402_300_799), ("9999-12-31T23:59:60+00:01", 253_402_300_739),
    ])
    func timesAreRead(text: String, seconds: Int64) {
        #expect(TimeText.parse(text) == seconds)
    }

    @Test(arguments: [
        "", " 1", "-1", "12345678901234", "1.", ".5", "1.5.5", "1,5", "1e9", "2021-08-01", "2021-08-01T00:00:00",
        "2021-02-29T00:00:00Z",
        "2021-13-01T00:00:00Z", "2021-08-01T24:00:00Z", "2021-08-01T00:60:00Z", "2021-08-01T00:00:00.Z",
        "2021-08-01T00:00:00+7:00", "2021-08-01T00:00:00+07:60", "2021-08-01T00:00:00ZZ", "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00", "2021-08-01  00:00:00Z", "2021-08-01T00:00:00+070", "2021-08-01T00:00:00+07:",
        "2021-08-01T00:00:00+7", "2021-08-01T00:00:00+2400", "2021-08-01T00:00:00  Z", "253402300800", "999999999999",
        "9999-12-31T23:59:59-00:01", "٢٠٢١-08-01T00:00:00Z",
    ])
    func otherTextIsNoTime(text: String) {
        #expect(TimeText.parse(text) == nil)
    }

    @Test(arguments: [
        ("2021-08-01T00:00:00", "no offset"), ("2021-08-01 00:00:00.5", "no offset"),
        ("1627776000123456", "more digits"), ("01/08/2021 00:00", "is written 2021-08-01"),
        ("yesterday", "neither RFC 3339"), ("", "neither RFC 3339"),
    ])
    func whatIsRightIsSaid(text: String, words: String) {
        #expect(TimeText.parse(text) == nil)
        #expect(TimeText.advice(on: text).contains(words))
    }

    @Test func everyDayFollowsTheDayBefore() throws {
        var previous: CivilDate?
        for day in Int64(0)..<60_000 {
            let date = CivilDate(unixSeconds: day * 86_400 + 3600, utcOffset: 0)
            #expect(date.unixSeconds == day * 86_400)
            if let previous { #expect(previous < date) }
            previous = date
        }
        #expect(previous?.description == "2134-04-10")
    }

    @Test func localDaysBeginAtLocalMidnight() {
        let utcEvening: Int64 = 1_627_776_000 + 17 * 3600
        #expect(CivilDate(unixSeconds: utcEvening - 1, utcOffset: 25_200).description == "2021-08-01")
        #expect(CivilDate(unixSeconds: utcEvening, utcOffset: 25_200).description == "2021-08-02")
        #expect(TimeText.utc(utcEvening) == "2021-08-01T17:00:00Z")
        #expect(TimeText.clock(utcEvening, utcOffset: 25_200) == "00:00")
        #expect(TimeText.clock(utcEvening + 3599, utcOffset: 0) == "17:59")
        #expect(CivilDate(unixSeconds: .max, utcOffset: .max).year == 9999)
        #expect(CivilDate(unixSeconds: .min, utcOffset: .min).description == "1970-01-01")
    }
}
