import ExposureKeys
import FeedFormat
import RegionalNode
import Replication
import Testing

@Suite struct NodeHealthTests {
    private let peers: [Region]
    private let health = NodeHealth()

    init() throws {
        peers = try (10..<99).map { try #require(Region("VN-\($0)")) }
    }

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_600_000_000_000 + seconds * 1000) }

    private func isLogged(_ alarm: ReplicaAlarm, _ seconds: Int64) -> Bool {
        guard let (kind, about) = alarm.subject else { return false }
        return health.raise(kind, alarm.text, about: about, at: at(seconds))
    }

    private func isOwnLogged(_ text: String, _ seconds: Int64) -> Bool {
        health.raise(.batchesDamaged, text, about: text, at: at(seconds))
    }

    @Test func whatPeersInventTakesOnePlaceAndFewLines() throws {
        #expect(isOwnLogged("the disk is failing", 0))
        var lines = 0
        for number in 0..<10_000 as Range<Int64> {
            let region = try #require(Region("X-\(number)"))
            // Ten a second.
            if isLogged(.unknownRegion(region, peer: peers[0]), number / 10) { lines += 1 }
        }
        #expect(lines == 17)
        #expect(health.alarms.count == 2)
        #expect(health.alarms.last?.count == 10_000 && health.alarms.last?.text.contains("X-9999") == true)
    }

    /// A region's own signatures can cause as many as it likes, too.
    @Test func whatARegionSignsTakesOnePlace() {
        for number in 0..<1000 as Range<UInt64> {
            let feed = FeedID(region: peers[0], epoch: Epoch(number))
            _ = isLogged(.malformedFeed(feed, reason: "of its choosing"), 1)
            _ = isLogged(.forked(feed, isOwn: false), 1)
            _ = isLogged(.batchFromFuture(feed, publication: Interval(UInt32(number))), 1)
        }
        #expect(health.alarms.count == 3)
    }

    @Test func theyDriveOutNoneOfTheNodesOwn() {
        let own = (0..<64).map { "alarm \($0)" }
        for text in own { #expect(isOwnLogged(text, 0)) }
        let feed = FeedID(region: peers[0], epoch: Epoch(1))
        for (second, peer) in peers.enumerated() {
            #expect(isLogged(.rejected(feed, peer: peer, reason: "of its choosing"), Int64(second)))
        }
        #expect(Array(health.alarms.map(\.text).prefix(64)) == own)
        #expect(health.alarms.count == 128)
        // And the other way round: the newest of the peers' stay, too.
        #expect(isOwnLogged("one more", 100))
        #expect(health.alarms.count == 128 && !health.alarms.contains { $0.text == "alarm 0" })
        #expect(health.alarms.contains { $0.text.contains("\(peers[88])") })
        // What is over leaves first, however new it is.
        health.end(.batchesDamaged, about: "one more", at: at(101))
        #expect(isOwnLogged("and another", 102))
        #expect(!health.alarms.contains { $0.text == "one more" } && health.alarms.contains { $0.text == "alarm 1" })
    }

    /// The list of kinds is the only way to raise an alarm, so this goes over all that there can be.
    @Test(arguments: AlarmKind.allCases) func everyKindEndsByItself(_ kind: AlarmKind) {
        #expect(health.raise(kind, "raised", about: "x", at: at(0)))
        let limit: Int64 =
            switch kind.end {
            case .putRight: AlarmKind.lease / 1000
            case .silence(let pause): pause / 1000
            }
        #expect(limit >= 60 && limit <= 86_400)
        health.endForgotten(at: at(limit - 1))
        #expect(health.alarms.map { $0.ended == nil } == [true])
        health.endForgotten(at: at(limit))
        #expect(health.alarms.map { $0.ended == nil } == [false])
        #expect(health.alarms[0].ended == at(limit))
        // Another time it is news.
        #expect(health.raise(kind, "raised", about: "x", at: at(limit + 61)))
        #expect(health.alarms.map(\.count) == [2] && health.alarms[0].ended == nil)
        // And it can be ended at once.
        #expect(health.end(kind, about: "other", at: at(limit + 62)) == nil)
        #expect(health.end(kind, about: "x", at: at(limit + 62)) == "raised")
        #expect(health.end(kind, about: "x", at: at(limit + 63)) == nil)
    }

    /// However long something holds, it is one alarm, and it stays while somebody says so.
    @Test(arguments: AlarmKind.allCases) func whatHoldsStaysAndIsOneAlarm(_ kind: AlarmKind) {
        var lines = 0
        for second in stride(from: 0, through: 200_000, by: 30) as StrideThrough<Int64> {
            if health.hold(kind, "holds", at: at(second)) { lines += 1 }
            health.endForgotten(at: at(second))
            #expect(health.alarms[0].ended == nil)
        }
        #expect(lines == 1 && health.alarms.map(\.count) == [1])
        #expect(health.alarms[0].last == at(0))
    }

    /// The system's clock may be set; what passes between two moments is measured by one that nobody sets.
    @Test(arguments: [-1_000_000_000, 0, 1_000_000_000] as [Int64]) func aClockThatIsSetEndsNothing(_ step: Int64) {
        let first = Timestamp(milliseconds: 1_600_000_000_000, elapsed: 5000)
        #expect(health.raise(.certificateEnds, "soon", at: first))
        let later = Timestamp(milliseconds: first.milliseconds + step, elapsed: 5000 + AlarmKind.lease - 1)
        health.endForgotten(at: later)
        #expect(health.alarms.map { $0.ended == nil } == [true])
        health.endForgotten(at: Timestamp(milliseconds: later.milliseconds, elapsed: later.elapsed + 1))
        #expect(health.alarms.map { $0.ended == nil } == [false])
    }

    @Test func oneThingOfSeveralIsOver() {
        for feed in ["a", "b", "c"] { #expect(health.hold(.batchesDamaged, feed, about: feed, at: at(0))) }
        health.endOthers(.batchesDamaged, than: ["b"], at: at(1))
        #expect(health.alarms.map { $0.ended == nil } == [false, true, false])
    }

    /// Times are those of a clock on the wall: no number of ten digits, no interval.
    @Test func noAlarmPrintsANumberForATime() {
        let feed = FeedID(region: peers[0], epoch: Epoch(1))
        let text = ReplicaAlarm.batchFromFuture(feed, publication: Interval(unixSeconds: 1_608_768_000)).text
        #expect(text.contains("2020-12-24T00:00:00Z") && !text.contains("2681280"), "\(text)")
    }
}
