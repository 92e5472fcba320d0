import RegionalNode
import Testing
import TestSupport

struct DialTurnTests {
    /// Two ends that may want a link with each other, in virtual time: attempts take time to become links, links end, and
    /// each end hears of the other's links a moment later.
    private struct Pair {
        var turns = [DialTurn(isFirst: true), DialTurn(isFirst: false)]
        let wants: [Bool]
        var random: SplitMix64
        var now = 0
        /// By the end that dialled: since when its link is up.
        var links: [Int?] = [nil, nil]
        /// By the end that dials: an attempt that is to become a link at this time.
        var attempts: [Int?] = [nil, nil]
        /// Ends that are to hear that the other's link is up or down.
        var news: [(at: Int, end: Int, isUp: Bool)] = []
        /// How often a link came up.
        var ups = 0

        init(wants: [Bool], seed: UInt64) {
            self.wants = wants
            random = SplitMix64(seed: seed)
            for end in 0..<2 where wants[end] { take(end, .accepted(false)) }
        }

        mutating func take(_ end: Int, _ event: DialTurn.Event) {
            guard wants[end] else { return }
            switch turns[end].handle(event) {
            case .none: break
            case .attempt(let pause):
                let milliseconds = Int(pause / .milliseconds(1))
                attempts[end] = now + milliseconds + Int.random(in: 1...300, using: &random)
            case .stop:
                if attempts[end] != nil {
                    attempts[end] = nil
                    take(end, .ended(wasUp: nil))
                } else {
                    drop(end)
                }
            }
        }

        mutating func drop(_ end: Int) {
            guard let since = links[end] else { return }
            links[end] = nil
            news.append((now + Int.random(in: 0...100, using: &random), 1 - end, false))
            take(end, .ended(wasUp: .milliseconds(now - since)))
        }

        mutating func run(milliseconds: Int) {
            for _ in 0..<milliseconds {
                now += 1
                for end in 0..<2 where attempts[end].map({ $0 <= now }) == true {
                    attempts[end] = nil
                    // As the dialer looks before it dials.
                    if links[1 - end] != nil, !news.contains(where: { $0.end == end }) {
                        take(end, .ended(wasUp: nil))
                        continue
                    }
                    links[end] = now
                    ups += 1
                    news.append((now + Int.random(in: 0...100, using: &random), 1 - end, true))
                }
                let due = news.filter { $0.at <= now }
                news.removeAll { $0.at <= now }
                for one in due.sorted(by: { $0.at < $1.at }) { take(one.end, .accepted(links[1 - one.end] != nil)) }
            }
        }

        var count: Int { links.count { $0 != nil } }
    }

    /// Whoever wants a link, and whatever ends it how often: soon there is one, never for long two, and none for nobody.
    @Test(arguments: 0..<300 as Range<UInt64>) func oneLinkIfEitherWantsIt(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let wants = [Bool.random(using: &random), Bool.random(using: &random)]
        var pair = Pair(wants: wants, seed: seed)
        for _ in 0..<10 {
            pair.run(milliseconds: 5000)
            #expect(pair.count == (wants.contains(true) ? 1 : 0))
            let ups = pair.ups
            pair.run(milliseconds: 20_000)
            #expect(pair.count == (wants.contains(true) ? 1 : 0) && pair.ups == ups, "a link that nobody ended is new")
            pair.drop(Int.random(in: 0...1, using: &random))
        }
    }

    @Test func theFirstDialsAtOnceAndTheSecondLater() {
        var first = DialTurn(isFirst: true)
        #expect(first.handle(.accepted(false)) == .attempt(after: .zero))
        var second = DialTurn(isFirst: false)
        #expect(second.handle(.accepted(false)) == .attempt(after: DialTurn.courtesy))
        #expect(second.handle(.accepted(true)) == .stop)
        #expect(second.handle(.ended(wasUp: nil)) == .none)
        #expect(second.handle(.accepted(false)) == .attempt(after: DialTurn.courtesy))
    }

    @Test func theFirstKeepsItsLink() {
        var first = DialTurn(isFirst: true)
        _ = first.handle(.accepted(false))
        #expect(first.handle(.accepted(true)) == .none)
        // Only when it ends the other's takes its place.
        #expect(first.handle(.ended(wasUp: .seconds(5))) == .none)
        #expect(first.handle(.accepted(false)) == .attempt(after: .zero))
    }
}
