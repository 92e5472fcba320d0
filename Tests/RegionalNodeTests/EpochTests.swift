import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import RegionalNode
import Testing
import TestSupport

/// Epochs of nodes in this process; disasters of whole processes stand in CommandTests.
@Suite(.serialized, .timeLimit(.minutes(3))) struct EpochTests {
    /// A resumed image whose clock tells nothing: a neighbour has a batch of the epoch that this node writes in.
    @Test func aBatchOfTheOpenEpochFromElsewhereEndsIt() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            for number in 0..<2 { try await nodes.start(number) }
            let first = try country.archive(patients: 5)
            try await nodes[0].publish(first, of: country)
            #expect(try await nodes.converge(0, 1))
            try await nodes.stop(1)
            let lost = try country.continueFeed(of: 0, at: 1)
            try await nodes.start(1)
            #expect(try await eventually { try await nodes[0].status().feeds.map(\.count) == [2] })
            let report = try await nodes[0].publish(try country.archive(patients: 5), of: country)
            #expect(report.feedCount == 1)
            #expect(try await nodes.converge(0, 1))
            let feeds = try await nodes[1].status().feeds
            #expect(feeds.map(\.count).sorted() == [1, 2])
            for number in 0..<2 { #expect(try await nodes[number].status().alarms.isEmpty) }
            // Nothing that came back is published again.
            let again = try await nodes[0].publish(lost, of: country)
            #expect(again.published == 0)
        }
    }

    /// Feeds of which a node holds batches.
    private func living(_ node: TestNode) async throws -> Set<String> {
        Set(try await node.status().feeds.filter { $0.first < $0.count }.map(\.feed))
    }

    /// Forty starts, half an hour apart, each with a publication.
    @Test func epochsBeyondTheLimitWaitForTheOldestToEnd() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            let pause: Int64 = 1800
            var all: Set<String> = []
            for start in 0..<40 {
                try await nodes.start(0, asOf: TestCountry.time + Int64(start) * pause)
                let report = try await nodes[0].publish(try country.archive(patients: 2), of: country)
                all.insert(try #require(report.feed))
                let alarms = try await nodes[0].status().alarms.map(\.what)
                #expect(alarms.contains { $0.contains("24 living epochs or more") } == (23..<32).contains(start))
                #expect(alarms.contains { $0.contains("more than 32") } == (start >= 32))
                if start < 39 { try await nodes.stop(0) }
            }
            #expect(all.count == 40)
            try await nodes.start(1, asOf: TestCountry.time + 39 * pause)
            #expect(try await eventually(seconds: 60) { try await nodes[1].status().feeds.count == 32 })
            #expect(try await nodes[1].status().alarms.contains { $0.what.contains("more than 32 living epochs") })

            // Fifteen days after the eighth publication, eight epochs have ended.
            for number in 0..<2 { try await nodes.stop(number) }
            let later = TestCountry.time + 15 * 86_400 + 7 * pause + 600
            for number in [1, 0] { try await nodes.start(number, asOf: later) }
            // Node 1 takes the ones that waited once the first have ended at both.
            let isDone = try await eventually(seconds: 40) {
                let living = try await self.living(nodes[0])
                let atNeighbour = try await self.living(nodes[1])
                return living.count == 32 && atNeighbour == living && all.isSuperset(of: living)
            }
            #expect(isDone)
            // Adverts that come before the first look for old batches may still be too many.
            for number in 0..<2 {
                let alarms = try await nodes[number].status().alarms.map(\.what)
                #expect(alarms.filter { !$0.contains("living epochs") } == [])
            }
        }
    }

    @Test func theNewestEpochNamesAtMostThirtyTwo() async throws {
        try await Nodes.with("VN-01") { nodes in
            let country = nodes.country
            var newest: String?
            for _ in 0..<34 {
                try await nodes.start(0)
                newest = try await nodes[0].publish(try country.archive(patients: 1), of: country).feed
                try await nodes.stop(0)
            }
            let storage = try country.store(0)
            defer { try? storage.close() }
            let feeds = try storage.feeds()
            let last = try #require(feeds.first { $0.feed.description == newest })
            let batch = try #require(try storage.batch(last.feed, 0))
            let predecessors = try Batch(batch.bytes).predecessors()
            #expect(predecessors.count == 32)
            #expect(Set(predecessors).isSubset(of: feeds.map(\.feed.epoch)))
        }
    }
}
