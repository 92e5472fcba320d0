import RegionalNode
import Testing
import TestSupport

struct DialTurnTests {
    /// Two ends that may want a link with each other, in virtual time: attempts take time to become links, links end, and
    /// each end hears of the other's links a moment later.
    private struct Pair {
        private struct Attempt {
            let dials: Int
            let isUp: Int
        }

        private var turns = [DialTurn(isFirst: true), DialTurn(isFirst: false)]
        private let wants: [Bool]
        private var random: SplitMix64
        private var now = 0
        /// By the end that dialled: since when its link is up.
        private var links: [Int?] = [nil, nil]
        private var attempts: [Attempt?] = [nil, nil]
        /// When an end hears how it stands with the other's link.
        private var news: [(at: Int, end: Int)] = []
        private var heard = [false, false]
        /// How often a link came up, and how often beside another one.
        private(set) var ups = 0
        private(set) var doubles = 0

        var count: Int { links.count { $0 != nil } }

        init(wants: [Bool], seed: UInt64) {
            self.wants = wants
            random = SplitMix64(seed: seed)
            for end in 0..<2 { take(end, .accepted(false)) }
        }

        private mutating func take(_ end: Int, _ event: DialTurn.Event) {
            guard wants[end] else { return }
            switch turns[end].handle(event) {
            case .none: break
            case .attempt(let pause):
                let dials = now + Int(pause / .milliseconds(1)) + 1
                // Some handshakes take longer than the other end's courtesy.
                let longest = Int.random(in: 0..<4, using: &random) == 0 ? 5000 : 300
                attempts[end] = Attempt(dials: dials, isUp: dials + Int.random(in: 1...longest, using: &random))
            case .stop:
                if attempts[end] != nil {
                    attempts[end] = nil
                    take(end, .ended(wasUp: nil))
                } else {
                    drop(end)
                }
            }
        }

        /// The link that an end dialled ends.
        mutating func drop(_ end: Int) {
            guard let since = links[end] else { return }
            links[end] = nil
            tell(1 - end)
            take(end, .ended(wasUp: .milliseconds(now - since)))
        }

        private mutating func tell(_ end: Int) {
            news.append((now + Int.random(in: 1...100, using: &random), end))
        }

        mutating func run(milliseconds: Int) {
            for _ in 0..<milliseconds {
                now += 1
                for end in 0..<2 { advance(end) }
                for (_, end) in news.filter({ $0.at == now }) {
                    heard[end] = links[1 - end] != nil
                    take(end, .accepted(heard[end]))
                }
                news.removeAll { $0.at == now }
            }
        }

        private mutating func advance(_ end: Int) {
            guard let attempt = attempts[end] else { return }
            if attempt.dials == now, heard[end] {
                attempts[end] = nil
                take(end, .ended(wasUp: nil))
            } else if attempt.isUp == now {
                attempts[end] = nil
                links[end] = now
                ups += 1
                if count > 1 { doubles += 1 }
                tell(1 - end)
            }
        }
    }

    /// Whoever wants a link, and whatever ends it how often: soon there is one, never for long two, and none for nobody.
    @Test(arguments: 0..<300 as Range<UInt64>) func oneLinkIfEitherWantsIt(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let wants = [Bool.random(using: &random), Bool.random(using: &random)]
        var pair = Pair(wants: wants, seed: seed)
        for _ in 0..<10 {
            pair.run(milliseconds: 25_000)
            #expect(pair.count == (wants.contains(true) ? 1 : 0))
            let ups = pair.ups
            pair.run(milliseconds: 20_000)
            #expect(pair.count == (wants.contains(true) ? 1 : 0) && pair.ups == ups, "a link that nobody ended is new")
            pair.drop(Int.random(in: 0...1, using: &random))
        }
    }

    /// What the test above is about happens in it.
    @Test func bothDialAtOnceNowAndThen() {
        var doubles = 0
        for seed in 0..<20 as Range<UInt64> {
            var pair = Pair(wants: [true, true], seed: seed)
            pair.run(milliseconds: 25_000)
            doubles += pair.doubles
        }
        #expect(doubles > 0)
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
