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
        health.raise(alarm.description, about: alarm.subject, at: at(seconds))
    }

    @Test func whatPeersInventTakesOnePlaceAndFewLines() throws {
        #expect(health.raise("the disk is failing", at: at(0)))
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

    @Test func theyDriveOutNoneOfTheNodesOwn() {
        let own = (0..<64).map { "alarm \($0)" }
        for text in own { #expect(health.raise(text, at: at(0))) }
        let feed = FeedID(region: peers[0], epoch: Epoch(1))
        for (second, peer) in peers.enumerated() {
            #expect(isLogged(.rejected(feed, peer: peer, reason: "of its choosing"), Int64(second)))
        }
        #expect(Array(health.alarms.map(\.text).prefix(64)) == own)
        #expect(health.alarms.count == 128)
        // And the other way round: the newest of the peers' stay, too.
        #expect(health.raise("one more", at: at(100)))
        #expect(health.alarms.count == 128 && !health.alarms.contains { $0.text == "alarm 0" })
        #expect(health.alarms.contains { $0.text.contains("\(peers[88])") })
    }

    @Test func whatIsNotRepeatedIsOverAfterAnHour() {
        #expect(health.raise("the disk is failing", at: at(0)))
        #expect(isLogged(.forkedRoster(peer: peers[0]), 0))
        #expect(!isLogged(.forkedRoster(peer: peers[0]), 600))
        health.endForgotten(at: at(3600))
        #expect(health.alarms.allSatisfy { $0.ended == nil })
        health.endForgotten(at: at(4200))
        #expect(health.alarms.map { $0.ended == nil } == [true, false])
        #expect(isLogged(.forkedRoster(peer: peers[0]), 4300), "worth a line again")
        #expect(health.alarms.allSatisfy { $0.ended == nil })
    }
}
