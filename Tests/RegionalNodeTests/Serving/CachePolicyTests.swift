import HTTP2
import ExposureKeys
import RegionalNode
import Replication
import Testing

@Suite struct CachePolicyTests {
    private func age(_ text: String) -> Int? {
        text.split(separator: "=").last.flatMap { Int($0.prefix { $0.isNumber }) }
    }

    @Test(arguments: [(0, 3720), (1, 3719), (3599, 121), (3600, 3720)])
    func anIndexIsKeptUntilTwoMinutesAfterTheNextSlot(second: Int64, expected: Int) {
        let policy = CachePolicy(slot: 3600)
        let now = Timestamp(milliseconds: (1_608_768_000 + second) * 1000)
        #expect(age(policy.index(now: now, jitter: 0).description) == expected)
        #expect(age(policy.index(now: now, jitter: 1).description) == expected + 360)
        #expect(policy.index(now: now, jitter: 0.5).description.hasPrefix("public, max-age="))
    }

    @Test func shortSlotsHaveShortAges() {
        let now = Timestamp(milliseconds: 1_608_768_000_000)
        #expect(age(CachePolicy(slot: 5).index(now: now, jitter: 0).description) == 10)
    }

    @Test func aRangeIsKeptUntilItsFirstBatchIsDropped() {
        let publication = Interval(unixSeconds: 1_608_768_000)
        let policy = CachePolicy(slot: 3600)
        for (days, expected) in [(0, 15 * 86_400), (14, 86_400), (15, 0), (16, 0)] as [(Int64, Int)] {
            let now = Timestamp(milliseconds: (1_608_768_000 + days * 86_400) * 1000)
            let text = policy.range(publication: publication, now: now).description
            #expect(age(text) == expected)
            #expect(text.hasSuffix(", immutable"))
        }
    }
}
