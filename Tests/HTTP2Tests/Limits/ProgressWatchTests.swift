import HTTP2
import NIOCore
import Testing

@Suite("Minimum progress")
struct ProgressWatchTests {
    private static let minimum = MinimumProgress(bytes: 1000, interval: .seconds(60))

    /// Seconds after which a body of `size` bytes is given up when its peer takes `rate` bytes a second; nil if never.
    private static func givenUp(size: Int, rate: Double) -> Int? {
        var watch = ProgressWatch()
        for second in 0..<10_000 {
            let taken = min(size, Int(Double(second) * rate))
            guard taken < size else { return nil }
            let now = NIODeadline.uptimeNanoseconds(UInt64(second) * 1_000_000_000)
            if watch.isStalled(progress: taken, due: size - taken, now: now, minimum) { return second }
        }
        return nil
    }

    @Test("A peer that moves the minimum goes on, however long it takes")
    func fastEnough() {
        #expect(Self.givenUp(size: 100_000, rate: 20) == nil)
        #expect(Self.givenUp(size: 100, rate: 2) == nil)
    }

    @Test("A peer that moves less is given up, even if it moves a byte now and then")
    func tooSlow() {
        #expect(Self.givenUp(size: 100_000, rate: 0) == 60)
        #expect(Self.givenUp(size: 100_000, rate: 1) == 60)
        #expect(Self.givenUp(size: 100_000, rate: 16) == 60)
        #expect(Self.givenUp(size: 100, rate: 0.5) == 60)
    }

    @Test("Time in which nothing was due does not count")
    func rests() {
        var watch = ProgressWatch()
        let time = { NIODeadline.uptimeNanoseconds($0 * 1_000_000_000) }
        var outcomes = [watch.isStalled(progress: 0, due: 10, now: time(0), Self.minimum)]
        watch.rest()
        for second in [UInt64(100), 159, 160] {
            outcomes.append(watch.isStalled(progress: 0, due: 10, now: time(second), Self.minimum))
        }
        #expect(outcomes == [false, false, false, true])
    }

    @Test("HTTP/1.1: a head has its time from its first byte on")
    func heads() {
        var progress = HTTP1Progress()
        let time = { NIODeadline.uptimeNanoseconds($0 * 1_000_000_000) }
        #expect(!progress.isHeadOverdue(now: time(100), limit: .seconds(10)))
        progress.received(1, now: time(100))
        progress.received(1, now: time(109))
        #expect(!progress.isHeadOverdue(now: time(109), limit: .seconds(10)))
        #expect(progress.isHeadOverdue(now: time(110), limit: .seconds(10)))
        progress.headEnded()
        #expect(!progress.isHeadOverdue(now: time(200), limit: .seconds(10)))
        progress.messageEnded()
        progress.received(1, now: time(200))
        #expect(progress.isHeadOverdue(now: time(210), limit: .seconds(10)))
    }

    @Test("HTTP/1.1: what stands around a body may be as much as the body and some more")
    func framing() {
        var progress = HTTP1Progress()
        progress.headEnded()
        for _ in 0..<100_000 {
            progress.received(6, now: .uptimeNanoseconds(0))
            progress.bodyReceived(1)
            #expect(!progress.isExcessive)
        }
        var count = 0
        while !progress.isExcessive, count < 1000 {
            progress.received(1000, now: .uptimeNanoseconds(0))
            progress.bodyReceived(1)
            count += 1
        }
        #expect((65...70).contains(count))
    }
}
