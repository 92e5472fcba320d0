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

    /// What is due is due when the time has passed, whatever the date was set to meanwhile.
    @Test func aDateThatIsSetMovesNothing() {
        let start = Timestamp(milliseconds: 10_000_000, elapsed: 500)
        let due = start.advanced(byMilliseconds: 100)
        let setBack = Timestamp(milliseconds: 10_000, elapsed: 600)
        #expect(due <= setBack)
        #expect(setBack.duration(since: start) == 100)
        #expect(start < setBack)
        #expect(setBack.interval == Interval(0))
    }
}
