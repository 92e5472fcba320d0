import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

struct BroadcastTimeTests {
    /// What the definition says, second by second.
    private func intervals(_ time: BroadcastTime) -> [Interval] {
        var found: [Interval] = []
        for second in time.start..<time.end where found.last != Interval(unixSeconds: second) {
            found.append(Interval(unixSeconds: second))
        }
        return found
    }

    @Test func intervalsAreThoseThatShareASecond() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<300 {
            let start = Int64.random(in: 1_600_000_000...1_600_010_000, using: &random)
            let time = BroadcastTime(start: start, end: start + Int64.random(in: 1...3000, using: &random))
            let found = intervals(time)
            #expect(time.intervals.lowerBound == found.first && time.intervals.upperBound == found.last)
        }
    }

    /// A quarter of an hour against intervals of ten minutes: two intervals, the middle one of three shared by two slots.
    @Test func aQuarterOfAnHourTouchesTwoIntervals() {
        let midnight = BluezoneSample.midnight
        for slot in Int64(0)..<96 {
            let start = midnight.unixSeconds + 900 * slot
            let first = midnight.advanced(by: slot * 3 / 2)
            #expect(BroadcastTime(start: start, end: start + 900).intervals == first...first.advanced(by: 1))
        }
    }

    /// For one interval the rule is that of Exposure Notification: interval numbers at most the tolerance apart.
    @Test func theToleranceCountsFromTheIntervalsTouched() {
        let interval = Interval(2_678_400)
        let ten = BroadcastTime(start: interval.unixSeconds, end: interval.unixSeconds + 600)
        let fifteen = BroadcastTime(start: interval.unixSeconds, end: interval.unixSeconds + 900)
        for tolerance: Int64 in [0, 1, 12] {
            for distance in -20...20 as ClosedRange<Int64> {
                let sighting = interval.advanced(by: distance)
                #expect(ten.mayBeSeen(in: sighting, tolerance: tolerance) == (abs(distance) <= tolerance))
                let isNear = -tolerance <= distance && distance <= tolerance + 1
                #expect(fifteen.mayBeSeen(in: sighting, tolerance: tolerance) == isNear)
            }
        }
    }

    /// A sighting in the very second of the broadcast is seen under every tolerance.
    @Test func whoHearsItAtTheTimeIsNeverMissed() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<500 {
            let start = Int64.random(in: 0...1_700_000_000, using: &random)
            let time = BroadcastTime(start: start, end: start + 900)
            let heard = Interval(unixSeconds: Int64.random(in: time.start..<time.end, using: &random))
            #expect(time.mayBeSeen(in: heard, tolerance: 0))
        }
    }

    @Test func noTimeIsEmptyAndNoneTraps() {
        #expect(BroadcastTime(start: 5, end: 5).end == 6 && BroadcastTime(start: 5, end: 1).end == 6)
        let ends = [BroadcastTime(start: -900, end: 0), BroadcastTime(start: 1 << 60, end: 1 << 61)]
        for time in ends {
            for interval in [Interval(0), Interval(.max)] { _ = time.mayBeSeen(in: interval, tolerance: 12) }
            #expect(time.intervals.lowerBound <= time.intervals.upperBound)
        }
    }
}
