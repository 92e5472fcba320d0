import ExposureKeys
import Testing
import TestSupport

struct ExpiryTests {
    static let now = Interval(2_700_000)

    @Test func batchesAreAdmittedForFifteenDaysAndTwoHoursAhead() {
        func admission(_ age: Int64) -> Expiry.Admission {
            Expiry.admission(publishedAt: Self.now.advanced(by: -age), now: Self.now)
        }
        #expect(admission(-13) == .wait && admission(-12) == .wait, "two hours ahead is too far")
        #expect(admission(-11) == .admit && admission(0) == .admit)
        #expect(admission(15 * 144 - 1) == .admit)
        #expect(admission(15 * 144) == .expired && admission(16 * 144) == .expired)
    }

    @Test func whatIsDroppedIsNotAdmittedAgain() {
        for age in Int64(-100)...2400 {
            let publication = Self.now.advanced(by: -age)
            let dropped = Expiry.isDropped(publishedAt: publication, now: Self.now)
            #expect(dropped == (Expiry.admission(publishedAt: publication, now: Self.now) == .expired))
            if dropped { #expect(Expiry.isDropped(publishedAt: publication, now: Self.now.advanced(by: 1))) }
        }
    }

    @Test func aBatchCarriesKeysThatEndedInTheFifteenDaysUpToIt() {
        func mayCarry(_ age: Int64) -> Bool {
            Expiry.mayCarry(keyEnding: Self.now.advanced(by: -age), publishedAt: Self.now)
        }
        #expect(!mayCarry(-1), "it is still in use")
        #expect(mayCarry(0) && mayCarry(15 * 144 - 1))
        #expect(!mayCarry(15 * 144))
    }

    @Test func keysAreLiveForFourteenDays() {
        func isLive(_ age: Int64) -> Bool { Expiry.isLive(keyEnding: Self.now.advanced(by: -age), now: Self.now) }
        #expect(isLive(-144) && isLive(0) && isLive(14 * 144 - 1))
        #expect(!isLive(14 * 144) && !isLive(14 * 144 + 1))
    }

    @Test func theEndsOfTheRangeDoNotTrap() {
        for one in [Interval(0), Interval(.max)] {
            for other in [Interval(0), Interval(.max)] {
                _ = Expiry.admission(publishedAt: one, now: other)
                _ = Expiry.mayCarry(keyEnding: one, publishedAt: other)
                _ = Expiry.isLive(keyEnding: one, now: other)
            }
        }
        #expect(Expiry.admission(publishedAt: Interval(.max), now: Interval(0)) == .wait)
        #expect(Expiry.admission(publishedAt: Interval(0), now: Interval(.max)) == .expired)
    }

    /// Whenever a report of a key is held and the key is live, a revocation that was published at any lawful time
    /// before is held as well: dropping batches can never bring a revoked key back.
    @Test func aRevocationOutlivesWhatItRevokes() {
        var random = SplitMix64(seed: 1)
        var live = 0
        for _ in 0..<200_000 {
            let end = Interval(UInt32.random(in: 2_600_000...2_700_000, using: &random))
            func publication() -> Interval {
                end.advanced(by: Int64.random(in: -3...(Expiry.batchLifetime + 3), using: &random))
            }
            let (report, revocation) = (publication(), publication())
            guard Expiry.mayCarry(keyEnding: end, publishedAt: report),
                Expiry.mayCarry(keyEnding: end, publishedAt: revocation)
            else { continue }
            let now = end.advanced(by: Int64.random(in: 0...(2 * Expiry.batchLifetime), using: &random))
            guard revocation <= now, Expiry.isLive(keyEnding: end, now: now) else { continue }
            live += 1
            #expect(!Expiry.isDropped(publishedAt: revocation, now: now))
            #expect(Expiry.admission(publishedAt: revocation, now: now) == .admit)
        }
        #expect(live > 10_000, "the property was hardly tested")
    }
}
