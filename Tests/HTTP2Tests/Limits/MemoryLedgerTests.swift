import HTTP2
import NIOCore
import Testing

@Suite("Memory of all connections")
struct MemoryLedgerTests {
    private static func time(_ seconds: Int) -> NIODeadline { .uptimeNanoseconds(UInt64(seconds) * 1_000_000_000) }

    private static func ledger(_ held: KeyValuePairs<String, Int>, at seconds: Int = 1) -> MemoryLedger<String> {
        var ledger = MemoryLedger<String>(limit: 100)
        for (holder, bytes) in held { ledger.set(own: bytes, all: bytes, of: holder, now: time(seconds)) }
        return ledger
    }

    @Test("Below the limit nobody gives up; when it is full, who holds most does, one at a time")
    func limit() {
        var ledger = Self.ledger(["small": 10, "large": 60, "middle": 29])
        var victims = [ledger.relieve(now: Self.time(1))]
        ledger.set(own: 11, all: 11, of: "small", now: Self.time(1))
        victims += [ledger.relieve(now: Self.time(1)), ledger.relieve(now: Self.time(1))]
        ledger.set(own: 100, all: 100, of: "middle", now: Self.time(1))
        ledger.set(own: 0, all: 0, of: "large", now: Self.time(1))
        victims.append(ledger.relieve(now: Self.time(1)))
        #expect(victims == [nil, "large", nil, "middle"])
        #expect(ledger.total == 111)
    }

    @Test("Who has not moved gives up before who has, whatever they hold; growing is no movement")
    func stalled() {
        var ledger = Self.ledger(["stalled": 20, "moving": 70], at: 0)
        ledger.set(own: 25, all: 25, of: "stalled", now: Self.time(9))
        ledger.set(own: 60, all: 60, of: "moving", now: Self.time(9))
        ledger.set(own: 20, all: 20, of: "new", now: Self.time(9))
        let victim = ledger.relieve(now: Self.time(9))
        #expect(victim == "stalled")
    }

    @Test("What several hold together counts once, until the last of them lets go")
    func shared() {
        var ledger = Self.ledger(["one": 10])
        ledger.retain(7, bytes: 50)
        ledger.retain(7, bytes: 50)
        ledger.retain(8, bytes: 5)
        var totals = [ledger.total]
        for buffer in [UInt(7), 7, 7, 8, 9] {
            ledger.release(buffer)
            totals.append(ledger.total)
        }
        #expect(totals == [65, 65, 15, 15, 10, 10])
    }

    @Test("What is set aside never exceeds the limit; who holds some and does not move makes room")
    func reserved() {
        var ledger = Self.ledger(["stalled": 30, "small": 5], at: 0)
        var isReserved = [ledger.reserve(40, for: "stalled", now: Self.time(0))]
        isReserved.append(ledger.reserve(20, for: nil, now: Self.time(0)))
        #expect(ledger.total == 95)
        isReserved.append(ledger.reserve(6, for: "new", now: Self.time(0)))
        #expect(!ledger.holds("new"))
        // Not full, and nobody has been still for a second: whoever asks has to wait.
        let early = ledger.relieve(now: Self.time(0), room: 6)
        let late = ledger.relieve(now: Self.time(1), room: 6)
        #expect(early == nil && late == "stalled")
        // Gone, while the work for it goes on for a moment.
        ledger.set(own: 0, all: 0, of: "stalled", now: Self.time(1))
        #expect(ledger.total == 65 && ledger.holds("stalled"))
        ledger.unreserve(40, for: "stalled", now: Self.time(1))
        ledger.unreserve(20, for: nil, now: Self.time(1))
        #expect(ledger.total == 5 && !ledger.holds("stalled"))
        isReserved.append(ledger.reserve(95, for: nil, now: Self.time(1)))
        isReserved.append(ledger.reserve(1, for: nil, now: Self.time(1)))
        #expect(isReserved == [true, true, false, true, false])
        #expect(ledger.isFull)
    }

    @Test("Who gives up after its connection has gone holds up nobody: the next one is found")
    func condemnedAfterItsEnd() {
        var ledger = Self.ledger(["gone": 10, "other": 20], at: 0)
        let isReserved = ledger.reserve(60, for: "gone", now: Self.time(0))
        ledger.set(own: 0, all: 0, of: "gone", now: Self.time(0))
        let first = ledger.relieve(now: Self.time(2), room: 50)
        #expect(isReserved && first == "gone")
        ledger.unreserve(60, for: "gone", now: Self.time(2))
        let second = ledger.relieve(now: Self.time(4), room: 90)
        #expect(second == "other")
    }

    @Test("Whatever is reported, the total is that of what is held, and giving up brings it below the limit")
    func bound() {
        var ledger = MemoryLedger<Int>(limit: 1000)
        var held: [Int: Int] = [:]
        var number: UInt64 = 1
        for step in 0..<20_000 {
            number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let holder = Int(number >> 33) % 40
            held[holder] = number >> 60 < 4 ? 0 : Int(number >> 40) % 200
            ledger.set(own: held[holder] ?? 0, all: held[holder] ?? 0, of: holder, now: Self.time(step / 100))
            while let victim = ledger.relieve(now: Self.time(step / 100)) {
                held[victim] = 0
                ledger.set(own: 0, all: 0, of: victim, now: Self.time(step / 100))
            }
            let sum = held.values.reduce(0, +)
            guard ledger.total == sum, sum < 1000 else {
                Issue.record("step \(step): \(ledger.total) counted, \(sum) held")
                return
            }
        }
    }
}
