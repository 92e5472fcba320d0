import ExposureKeys
import Testing
import TestSupport

struct IntervalTests {
    @Test func holdsTheTenMinutesOfAUnixTime() {
        #expect(Interval(unixSeconds: 1_585_785_600).number == 2_642_976)
        #expect(Interval(unixSeconds: 1_585_786_199).number == 2_642_976)
        #expect(Interval(unixSeconds: 1_585_786_200).number == 2_642_977)
        #expect(Interval(2_642_976).unixSeconds == 1_585_785_600)
    }

    @Test func timesOutsideTheRangeSaturate() {
        #expect(Interval(unixSeconds: -1).number == 0)
        #expect(Interval(unixSeconds: .min).number == 0)
        #expect(Interval(unixSeconds: .max).number == .max)
        #expect(Interval(unixSeconds: Int64(UInt32.max) * 600 + 599).number == .max)
        #expect(Interval(unixSeconds: Int64(UInt32.max) * 600 - 1).number == UInt32.max - 1)
    }

    @Test func arithmeticSaturates() {
        #expect(Interval(5).advanced(by: 3) == Interval(8))
        #expect(Interval(5).advanced(by: -5) == Interval(0))
        #expect(Interval(5).advanced(by: -6) == Interval(0))
        #expect(Interval(.max).advanced(by: 1) == Interval(.max))
        #expect(Interval(.max).advanced(by: .max) == Interval(.max))
        #expect(Interval(0).advanced(by: .min) == Interval(0))
        #expect(Interval(.max).advanced(by: .min) == Interval(0))
        #expect(Interval(1).advanced(by: .max) == Interval(.max))
    }

    @Test func distanceIsSignedAndInvertsAdvancing() {
        #expect(Interval(0).distance(from: Interval(.max)) == -Int64(UInt32.max))
        var random = SplitMix64(seed: 1)
        for _ in 0..<1000 {
            let one = Interval(UInt32(truncatingIfNeeded: random.next()))
            let other = Interval(UInt32(truncatingIfNeeded: random.next()))
            #expect(other.advanced(by: one.distance(from: other)) == one)
            #expect((one < other) == (one.distance(from: other) < 0))
        }
    }

    @Test func describesItselfAsItsNumber() {
        #expect("\(Interval(42))" == "42")
    }
}
