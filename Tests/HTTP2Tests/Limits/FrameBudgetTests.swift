import HTTP2
import NIOCore
import Testing

@Suite("Budgets of frames")
struct FrameBudgetTests {
    private static let rate = FrameRate(burst: 5, perSecond: 10)

    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(1_000_000_000 + milliseconds * 1_000_000))
    }

    /// How many of `tries` succeed at that time.
    private static func takes(_ budget: inout FrameBudget, _ tries: Int, at milliseconds: Int64) -> Int {
        (0..<tries).filter { _ in budget.take(rate, now: time(milliseconds)) }.count
    }

    @Test("A burst, then nothing, then as many as the time brings, and never more than a burst")
    func bursts() {
        var budget = FrameBudget()
        func check(_ tries: Int, at milliseconds: Int64, _ count: Int) {
            let taken = Self.takes(&budget, tries, at: milliseconds)
            #expect(taken == count)
        }
        check(20, at: 0, 5)
        check(20, at: 99, 0)
        check(20, at: 100, 1)
        check(20, at: 300, 2)
        check(20, at: 60_000, 5)
    }

    @Test("In any span of time no more is taken than the burst and the rate allow")
    func bound() {
        var budget = FrameBudget()
        var taken: [Int64] = []
        for milliseconds in stride(from: Int64(0), to: 20_000, by: 7)
        where budget.take(Self.rate, now: Self.time(milliseconds)) {
            taken.append(milliseconds)
        }
        for (index, begin) in taken.enumerated() {
            for span in [Int64(1), 500, 1000, 5000] {
                let count = taken[index...].prefix { $0 < begin + span }.count
                #expect(Int64(count) <= 5 + span / 100 + 1)
            }
        }
        // Nothing is lost either: two hundred for twenty seconds, and the burst.
        #expect(taken.count >= 203)
    }

    @Test("What is given back can be taken again, up to the burst")
    func gives() {
        var budget = FrameBudget()
        func check(_ tries: Int, at milliseconds: Int64, _ count: Int) {
            let taken = Self.takes(&budget, tries, at: milliseconds)
            #expect(taken == count)
        }
        check(20, at: 0, 5)
        budget.give(2, Self.rate, now: Self.time(0))
        check(20, at: 0, 2)
        budget.give(1000, Self.rate, now: Self.time(0))
        check(20, at: 0, 5)
        budget.give(.max, Self.rate, now: Self.time(10_000))
        check(20, at: 10_000, 5)
    }

    @Test("Rates out of all proportion do not trap", arguments: [Int.min, -1, 0, 1, Int.max])
    func extremes(number: Int) {
        var budget = FrameBudget()
        let rate = FrameRate(burst: number, perSecond: number)
        let first = budget.take(rate, now: Self.time(0))
        budget.give(7, rate, now: Self.time(0))
        let second = budget.take(rate, now: Self.time(1))
        #expect([first, second] == [number > 0, number > 0])
    }
}
