import ClientSync
import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

@Suite struct LapsedWarningTests {
    private let offset = ExposureReport.vietnamOffset
    /// 900 s near: a contact on 30 July.
    private let meeting = Meeting.sightings([(0, 60), (300, 60), (600, 60), (900, 60)])

    private func assess(
        _ met: [MetKey],
        since former: ExposureReport? = nil,
        asOf: Int64 = Sample.now,
        _ configuration: RiskConfiguration = .standard
    ) -> RiskAssessment {
        RiskAssessment(of: met, former: former, asOf: asOf, utcOffset: offset, configuration: configuration)
    }

    private func report(_ assessment: RiskAssessment) -> ExposureReport {
        ExposureReport(
            asOf: Sample.now,
            encounters: 4,
            keys: 1,
            matchedKeys: 1,
            exposures: [],
            days: assessment.days,
            lapsed: assessment.lapsed
        )
    }

    private func warned() throws -> ExposureReport {
        let assessment = assess([try Meeting.met(Meeting.key(), meeting)])
        #expect(assessment.days.map(\.isContact) == [true] && assessment.lapsed.isEmpty)
        return report(assessment)
    }

    @Test func aRevokedKeyWithdrawsItsWarning() throws {
        let former = try warned()
        let revoked = [try Meeting.met(Meeting.key(1, .revoked), meeting)]
        let now = assess(revoked, since: former)
        #expect(now.days.isEmpty && now.windows.isEmpty && now.revoked.count == 1)
        #expect(now.lapsed == [LapsedWarning(day: Meeting.day, reason: .withdrawn)])
        // Matching again says the same, also when the key has gone from the store.
        #expect(assess(revoked, since: report(now)) == now)
        #expect(assess([], since: report(now)).lapsed == now.lapsed)
        // Whoever was never warned is told nothing.
        #expect(assess(revoked).lapsed.isEmpty)
    }

    @Test func anotherContactOfTheDayKeepsTheWarning() throws {
        let other = try Meeting.met(
            Meeting.key(2),
            Meeting.sightings([(5000, 60), (5300, 60), (5600, 60), (5900, 60)], of: 2)
        )
        let both = report(assess([try Meeting.met(Meeting.key(), meeting), other]))
        let now = assess([try Meeting.met(Meeting.key(1, .revoked), meeting), other], since: both)
        #expect(now.days.map(\.isContact) == [true] && now.lapsed.isEmpty)
        #expect(now.days.first?.scoreSum == 900 && both.days.first?.scoreSum == 1800)
        // The last one revoked ends it; one that tests positive on the same day begins it anew.
        let revoked = try Meeting.met(Meeting.key(2, .revoked), try #require(other.claims.first).sightings)
        let ended = assess([revoked], since: report(now))
        #expect(ended.lapsed.map(\.reason) == [.withdrawn])
        #expect(assess([revoked, try Meeting.met(Meeting.key(3), meeting)], since: report(ended)).lapsed.isEmpty)
    }

    @Test func aWarningWhoseKeysAreMissingIsUnconfirmedNotWithdrawn() throws {
        let former = try warned()
        let now = assess([], since: former)
        #expect(now.lapsed == [LapsedWarning(day: Meeting.day, reason: .unconfirmed)])
        // A key of which one sighting was revoked had no part in it.
        let glimpse = [try Meeting.met(Meeting.key(5, .revoked), Meeting.sightings([(0, 40)], of: 5))]
        #expect(assess(glimpse, since: former).lapsed.map(\.reason) == [.unconfirmed])
        // The keys are back, and the warning with them.
        let back = assess([try Meeting.met(Meeting.key(), meeting)], since: report(now))
        #expect(back.lapsed.isEmpty && back.days.map(\.isContact) == [true])
        // A revocation that is learned of later makes it withdrawn.
        let revoked = [try Meeting.met(Meeting.key(1, .revoked), meeting)]
        #expect(assess(revoked, since: report(now)).lapsed.map(\.reason) == [.withdrawn])
        // Other rules alone withdraw nothing.
        let strict = try RiskConfiguration(minimumDailyScore: 901)
        let stricter = assess([try Meeting.met(Meeting.key(), meeting)], since: former, strict)
        #expect(stricter.lapsed.map(\.reason) == [.unconfirmed])
    }

    @Test func aWarningThatIsTooOldIsPastAndNotWithdrawn() throws {
        let former = try warned()
        // The day began on 29 July, 17:00 UTC; its earliest key ended two hours before at the earliest.
        let begin = Meeting.day.unixSeconds - offset
        let end = begin - 7200 + 14 * 86_400
        for (asOf, count) in [(end - 1, 1), (end, 0)] {
            #expect(assess([], since: former, asOf: asOf).lapsed.count == count)
            let revoked = [try Meeting.met(Meeting.key(1, .revoked), meeting)]
            #expect(assess(revoked, since: former, asOf: asOf).lapsed.count == count)
        }
        // So it is if the configuration leaves the day out: on 1 August, 30 July is two days ago.
        for (days, count) in [(1, 0), (2, 1)] {
            let configuration = try RiskConfiguration(daysSinceExposureThreshold: days)
            #expect(assess([], since: former, configuration).lapsed.count == count)
        }
    }

    /// Whatever the order in which keys are given.
    @Test(arguments: UInt64(0)..<50)
    func theOrderOfKeysDoesNotMatter(seed: UInt64) throws {
        var random = SplitMix64(seed: 9_000 + seed)
        func some() throws -> [MetKey] {
            try (UInt64(1)...6).map { person in
                let type = ReportType.allCases.randomElement(using: &random) ?? .unknown
                return try Meeting.met(Meeting.key(person, type), Meeting.random(using: &random))
            }
        }
        let former = report(assess(try some()))
        let met = try some()
        #expect(assess(met, since: former) == assess(met.shuffled(using: &random), since: former))
    }
}
