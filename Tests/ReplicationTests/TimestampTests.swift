import ExposureKeys
import Replication
import Testing

@Suite struct TimestampTests {
    @Test func intervalIsThatOfTheSecond() {
        #expect(Timestamp(milliseconds: 599_999).interval == Interval(0))
        #expect(Timestamp(milliseconds: 600_000).interval == Interval(1))
        #expect(Timestamp(milliseconds: -1).interval == Interval(0))
        #expect(Timestamp(milliseconds: .max).interval == Interval(.max))
    }

    @Test func advancing() {
        let time = Timestamp(milliseconds: 1000)
        #expect(time.advanced(byMilliseconds: -1) < time)
        #expect(time.advanced(byMilliseconds: 500) == Timestamp(milliseconds: 1500))
    }
}
