import HTTP2
import NIOCore
import Testing

@Suite("What strangers can cause in the log")
struct LogBudgetTests {
    @Test("So many lines in each window, however often it happens")
    func budget() {
        var budget = LogBudget(lines: 3, per: .seconds(60))
        let start = NIODeadline.now()
        for window in 0..<4 {
            var lines = 0
            for second in 0..<60 where budget.admits(now: start + .seconds(Int64(window * 60 + second))) { lines += 1 }
            #expect(lines == 3)
        }
    }
}
