import ClientSync
import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

/// No news is not told as good news.
@Suite struct FreshnessTests {
    private let country: Country
    private let feed: PublishedFeed
    private static let day: Int64 = 86_400

    init() throws {
        country = try Country(["VN-01"])
        var random = SplitMix64(seed: 301)
        var feed = try country.feed("VN-01")
        // Early enough for a phone whose clock is two hours behind.
        let publication = Sample.interval.advanced(by: -Interval.perHour)
        try feed.publish(try Sample.keys(3, daysAgo: 2, using: &random), at: publication)
        self.feed = feed
    }

    private func server(indexTime: Int64 = Sample.now) throws -> FeedServer {
        try FeedServer("VN-01", country: country, feeds: [feed], time: indexTime)
    }

    @Test(
        arguments: [
            (0, .news, nil), (1, .news, nil), (-7200, .news, nil), (7200, .news, nil), (7201, .tooOld, .nodeBehind),
            (-7201, .fromTheFuture, .nodeAhead), (6 * 365 * day, .tooOld, .nodeBehind),
            (-20 * day, .fromTheFuture, .nodeAhead),
        ] as [(Int64, IndexStanding, ClockDifference?)]
    )
    func anIndexIsNewsForTwoSlots(age: Int64, standing: IndexStanding, clocks: ClockDifference?) async throws {
        let phone = Phone(country)
        let now = Sample.now + age
        let report = try await phone.sync(try server(), now: now)
        #expect(report.index == standing && report.clocks == clocks)
        #expect(report.isUpToDate == (standing == .news))
        let until = standing == .news ? min(Sample.now, now) : nil
        #expect(report.freshness.fetchedUntil == until)
        #expect(try await phone.storage.freshness() == report.freshness)
    }

    /// With a slot of a day two of them are two days, but clocks that differ by more than two hours are told.
    @Test func slotsMayBeLonger() async throws {
        var phone = Phone(country)
        phone.options.limits.slot = FreshnessTests.day
        let report = try await phone.sync(try server(), now: Sample.now + 30_000)
        #expect(report.index == .news && report.clocks == .nodeBehind && report.isUpToDate)
    }

    /// What was fetched stays known when a later sync brings no news; "not modified" is news while the index is.
    @Test func whatWasFetchedStaysKnown() async throws {
        let phone = Phone(country)
        let server = try server()
        #expect(try await phone.sync(server).freshness.fetchedUntil == Sample.now)
        let again = try await phone.sync(server, now: Sample.now + 3600)
        #expect(again.notModified && again.index == .news && again.isUpToDate)
        #expect(again.freshness.fetchedUntil == Sample.now)
        let late = try await phone.sync(server, now: Sample.now + 7201)
        #expect(late.notModified && late.index == .tooOld && !late.isUpToDate)
        #expect(late.freshness == FreshnessRecord(fetchedUntil: Sample.now, clocks: .nodeBehind))
        let next = try await phone.sync(try self.server(indexTime: Sample.now + 7200), now: Sample.now + 7300)
        #expect(next.index == .news && next.freshness == FreshnessRecord(fetchedUntil: Sample.now + 7200))
    }

    /// Where the node no longer answers, nothing was fetched; where one region's bytes do not verify, all else was.
    @Test func whatCouldNotBeFetchedIsTold() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var random = SplitMix64(seed: 302)
        var feeds = [try country.feed("VN-01"), try country.feed("VN-02")]
        for position in feeds.indices {
            try feeds[position].publish(try Sample.keys(3, daysAgo: 2, using: &random), at: Sample.interval)
        }
        let cut = try FeedServer("VN-01", country: country, feeds: feeds)
        await cut.fail(after: 3)
        let first = try await Phone(country).sync(cut)
        #expect(first.index == .cutShort && first.freshness.fetchedUntil == nil && !first.isUpToDate)
        let bad = try FeedServer("VN-01", country: country, feeds: feeds)
        await bad.alter("/v1/feeds/VN-02/\(feeds[1].id.epoch)/0/0") { _ in TransportResponse(status: 200, body: [1]) }
        let second = try await Phone(country).sync(bad)
        #expect(second.index == .news && !second.isUpToDate, "\(second.feeds)")
        #expect(second.freshness.fetchedUntil == Sample.now && second.freshness.incompleteRegions == 1)
    }

    /// A node that lists nothing of what the phone asks for gives no news of it.
    @Test func whatTheNodeDoesNotListIsNotFetched() async throws {
        let country = try Country(["VN-01", "VN-02"])
        var phone = Phone(country)
        phone.options.regions = [try #require(Region("VN-02"))]
        let none = try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]))
        #expect(none.index == .cutShort && none.freshness.fetchedUntil == nil)
        phone.options.regions?.append(try #require(Region("VN-01")))
        let some = try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed]))
        #expect(some.index == .news && !some.isUpToDate && some.freshness.incompleteRegions == 1)
    }

    @Test(
        arguments: [
            (nil, 0, .unknown, nil), (0, 0, .fresh, nil), (0, 86_400, .fresh, nil), (0, 86_401, .stale, nil),
            (0, 14 * day, .stale, nil), (0, 14 * day + 1, .unknown, nil), (0, 63 * day, .unknown, nil),
            (0, -7200, .fresh, nil), (0, -7201, .stale, .phoneSetBack), (0, .max, .unknown, nil),
            (0, .min, .stale, .phoneSetBack),
        ] as [(Int64?, Int64, Freshness.Standing, ClockDifference?)]
    )
    func whatCanBeSaid(until: Int64?, age: Int64, standing: Freshness.Standing, clocks: ClockDifference?) {
        let until = until.map { $0 + Sample.now }
        let (now, overflows) = Sample.now.addingReportingOverflow(age)
        let time = overflows ? age : now
        let freshness = Freshness(FreshnessRecord(fetchedUntil: until), now: time)
        #expect(freshness.standing == standing && freshness.clocks == clocks)
    }

    @Test func aConfigurationSaysHowLongIsWaited() throws {
        let configuration = try RiskConfiguration(maximumHoursWithoutNews: 6)
        let record = FreshnessRecord(fetchedUntil: 0)
        for (hours, age, standing) in [(6, 21_600, .fresh), (6, 21_601, .stale)]
            as [(Int, Int64, Freshness.Standing)]
        {
            #expect(configuration.maximumHoursWithoutNews == hours)
            #expect(Freshness(record, hours: hours, now: age).standing == standing)
        }
        for hours in [0, 337, -1] {
            #expect(throws: RiskConfigurationError.self) { try RiskConfiguration(maximumHoursWithoutNews: hours) }
        }
    }

    @Test func aRecordSurvivesJSON() throws {
        for record in [
            FreshnessRecord(),
            FreshnessRecord(fetchedUntil: 7, incompleteRegions: 3, trust: .doubted, clocks: .nodeAhead),
        ] {
            #expect(try JSONDecoder().decode(FreshnessRecord.self, from: JSONEncoder().encode(record)) == record)
        }
    }

    // MARK: What a person reads

    private func text(_ record: FreshnessRecord, after age: Int64 = 0, encounters: Int = 3) -> (String, String) {
        let report = ExposureReport(
            asOf: Sample.now,
            encounters: encounters,
            keys: 1,
            matchedKeys: 0,
            exposures: [],
            freshness: record
        )
        func words(_ language: ExposureExplanation.Language) -> String {
            ExposureExplanation(report, language: language, now: Sample.now + age).text
        }
        return (words(.english), words(.vietnamese))
    }

    @Test func onlyFreshKeysGiveGoodNews() {
        let record = FreshnessRecord(fetchedUntil: Sample.now)
        for (age, english, vietnamese) in [
            (0, "No contact found. Going by the keys", "Không phát hiện tiếp xúc. Theo các khóa"),
            (86_401, "Nothing can be said of the time since 1 August 2021, 07:00", "Chưa thể kết luận về thời gian từ"),
            (15 * FreshnessTests.day, "This phone knows nothing: it fetched keys last on", "Máy này không biết gì"),
            (63 * FreshnessTests.day, "This phone knows nothing", "Máy này không biết gì"),
            (-8000, "Nothing can be said: by this phone's clock it is earlier", "Chưa thể kết luận: theo đồng hồ"),
        ] as [(Int64, String, String)] {
            let texts = text(record, after: age)
            #expect(texts.0.hasPrefix(english) && texts.1.hasPrefix(vietnamese), "\(age): \(texts)")
            #expect(texts.0.contains("No contact found") == (age == 0))
            #expect(texts.1.contains("Không phát hiện") == (age == 0))
            #expect(texts.0.contains("Keys were fetched until 1 August 2021, 07:00"))
            #expect(texts.1.contains("Khóa được tải đến 07:00 ngày 1/8/2021"))
        }
        #expect(text(FreshnessRecord()).0.hasPrefix("Nothing can be said yet: this phone has not yet fetched all"))
        #expect(text(record, encounters: 0).0.hasPrefix("Nothing can be said: this phone has noted nobody"))
        #expect(text(record, encounters: 0).1.hasPrefix("Chưa thể kết luận: trong 15 ngày qua"))
    }

    @Test func whatIsDoubtfulIsTold() {
        func record(_ trust: NodeTrust, _ clocks: ClockDifference? = nil, incomplete: Int = 0) -> FreshnessRecord {
            FreshnessRecord(fetchedUntil: Sample.now, incompleteRegions: incomplete, trust: trust, clocks: clocks)
        }
        #expect(text(record(.confirmed)).0.contains("; nodes of other operators confirm it."))
        #expect(text(record(.unconfirmed)).0.contains("; no other operator's node has confirmed it."))
        #expect(text(record(.doubted)).0.contains("contradict the node that keys were fetched from last"))
        #expect(text(record(.disproved)).0.contains("cannot be believed: it keeps some back"))
        #expect(text(record(.unconfirmed, incomplete: 1)).0.contains("but not all those of 1 region;"))
        #expect(text(record(.unconfirmed, incomplete: 12)).0.contains("but not all those of 12 regions;"))
        #expect(text(record(.unconfirmed, incomplete: 12)).1.contains("chưa đủ khóa của 12 vùng"))
        for clocks in [ClockDifference.nodeBehind, .nodeAhead] {
            #expect(text(record(.unconfirmed, clocks)).0.contains("one of them is wrong"))
            #expect(text(record(.unconfirmed, clocks)).1.contains("một trong hai đồng hồ sai"))
        }
    }

    /// A phone that was warned and then has no network: three days, three weeks and nine weeks later the warning is still
    /// there, until there is news.
    @Test func aWarningDoesNotGoWithTheNetwork() async throws {
        let key = try Meeting.key()
        let sightings = Meeting.sightings([(0, 50), (300, 50), (600, 50), (900, 50)])
        func assess(_ former: ExposureReport?, met: Bool, isFresh: Bool, days: Int64) throws -> RiskAssessment {
            RiskAssessment(
                of: met ? [try Meeting.met(key, sightings)] : [],
                former: former,
                isFresh: isFresh,
                asOf: Sample.now + days * FreshnessTests.day,
                utcOffset: ExposureReport.vietnamOffset,
                configuration: .standard
            )
        }
        func report(_ assessment: RiskAssessment) -> ExposureReport {
            ExposureReport(
                asOf: Sample.now,
                encounters: 4,
                keys: 1,
                matchedKeys: 1,
                exposures: [],
                days: assessment.days,
                lapsed: assessment.lapsed,
                freshness: FreshnessRecord(fetchedUntil: Sample.now)
            )
        }
        let warned = try assess(nil, met: true, isFresh: true, days: 0)
        #expect(warned.days.map(\.isContact) == [true])
        var last = report(warned)
        for days in [21, 63, 400] as [Int64] {
            let assessment = try assess(last, met: false, isFresh: false, days: days)
            #expect(assessment.lapsed == [LapsedWarning(day: Meeting.day, reason: .unchecked)])
            last = report(assessment)
            let later = Sample.now + days * FreshnessTests.day
            let english = ExposureExplanation(last, language: .english, now: later).text
            #expect(english.contains("A warning was given for 30 July 2021. This phone cannot check it now"))
            let vietnamese = ExposureExplanation(last, language: .vietnamese, now: later).text
            #expect(vietnamese.contains("Đã có cảnh báo cho ngày 30/7/2021."))
        }
        #expect(try assess(last, met: false, isFresh: true, days: 401).lapsed.isEmpty)
        // While the keys still count, it stays a warning; news without its key make it one that cannot be confirmed.
        #expect(try assess(report(warned), met: true, isFresh: false, days: 3).days.map(\.isContact) == [true])
        let unconfirmed = try assess(last, met: false, isFresh: true, days: 3)
        #expect(unconfirmed.lapsed == [LapsedWarning(day: Meeting.day, reason: .unconfirmed)])
    }

    /// Read weeks later, a report says what it was worth then and is worth now.
    @Test func aContactIsToldWithItsDate() throws {
        let windows = Meeting.windows(
            Meeting.sightings([(0, 50), (300, 50), (600, 50), (900, 50)]),
            of: try Meeting.key()
        )
        let report = ExposureReport(
            asOf: Sample.now,
            encounters: 4,
            keys: 1,
            matchedKeys: 1,
            exposures: [],
            days: ExposureDay.days(of: windows, configuration: .standard, today: Meeting.today),
            freshness: FreshnessRecord(fetchedUntil: Sample.now)
        )
        #expect(report.saysSomething() && !report.saysSomething(at: Sample.now + 86_401))
        let later = ExposureExplanation(report, language: .english, now: Sample.now + 3 * FreshnessTests.day).text
        #expect(later.hasPrefix("Nothing can be said of the time since 1 August 2021"))
        #expect(later.contains("Contact on 1 day with people who were reported infected later."))
    }
}
