import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import RegionalNode
import Testing

/// Nodes that are killed while they work.
@Suite(.serialized, .timeLimit(.minutes(2))) struct KillTests {
    private static let rounds = 12
    /// Archives of one round.
    private static let archives = 24

    /// Waits until an import has said what became of `count` archives; five seconds at most.
    private func wait(for count: Int, of importing: Child) async throws {
        let deadline = ContinuousClock.now + .seconds(5)
        while importing.output.split(separator: "\n").count < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
        try await Task.sleep(for: .microseconds(Int.random(in: 0...5000)))
    }

    @Test func whatIsAcknowledgedOutlivesKills() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-48")
            var archives: [String: Archives.Archive] = [:]
            var acknowledged: Set<KeyData> = []
            var interrupted = 0
            for round in 0..<Self.rounds {
                try await cluster.start("VN-01")
                let batch = try (0..<Self.archives).map {
                    try cluster.archives.make("k-\(round)-\($0).zip", patients: 20)
                }
                for archive in batch { archives[(archive.path as NSString).lastPathComponent] = archive }
                let importing = try Child(cluster.importCommand("VN-01", batch.map(\.path)), in: cluster.scratch)
                defer { importing.kill() }
                // From before the first acknowledgement to shortly before the last, however fast the machine is.
                try await wait(for: Int.random(in: 0..<Self.archives - 8), of: importing)
                cluster.kill("VN-01")
                #expect(try await importing.end(within: 20) != nil)
                let lines = try ImportLine.parse(importing.output)
                if lines.contains(where: { $0.error != nil }) { interrupted += 1 }
                for line in lines where line.report != nil {
                    acknowledged.formUnion(archives[line.archive]?.data ?? [])
                }
            }
            // Otherwise the kills came too late to show anything.
            #expect(interrupted > 0)
            #expect(!acknowledged.isEmpty)

            try await cluster.start("VN-01")
            #expect(try await cluster.converge("VN-01", "VN-48"))
            #expect(try await cluster.stop("VN-01") == 0)
            #expect(try await cluster.stop("VN-48") == 0)
            let (own, neighbour) = (try HeldFeeds("VN-01", of: cluster), try HeldFeeds("VN-48", of: cluster))
            #expect(own.keys.isSuperset(of: acknowledged))
            #expect(own.feeds == neighbour.feeds)
            #expect(own.keys == neighbour.keys)
        }
    }

    @Test func everyStartThatPublishesOpensAnEpochAndNamesTheLiving() async throws {
        try await Cluster.with("VN-01") { cluster in
            for start in 0..<3 {
                try await cluster.start("VN-01")
                // The second start publishes nothing, hence opens nothing.
                if start == 1 {
                    cluster.kill("VN-01")
                } else {
                    let archive = try cluster.archives.make("e-\(start).zip", patients: 5)
                    #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
                    #expect(try await cluster.stop("VN-01") == 0)
                }
            }
            let feeds = try HeldFeeds("VN-01", of: cluster).feeds
            try #require(feeds.count == 2)
            let first = try #require(feeds.first { $0.predecessors.isEmpty })
            let second = try #require(feeds.first { $0 != first })
            #expect(second.predecessors == [first.feed.epoch])
        }
    }

    @Test func aRestartedNodeGetsWhatItMissed() async throws {
        try await Cluster.with("VN-01", "VN-48", "VN-79") { cluster in
            for region in ["VN-79", "VN-48", "VN-01"] { try await cluster.start(region) }
            _ = try await cluster.import("VN-01", cluster.archives.make("1.zip", patients: 20).path)
            #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
            // The link is cut in the middle, both ends go on, and it heals.
            cluster.kill("VN-48")
            _ = try await cluster.import("VN-01", cluster.archives.make("2.zip", patients: 20).path)
            _ = try await cluster.import("VN-79", cluster.archives.make("3.zip", patients: 20).path)
            #expect(try await cluster.status("VN-79").feeds.count == 2)
            try await cluster.start("VN-48")
            #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
            let status = try await cluster.status("VN-48")
            #expect(status.feeds.map(\.count) == [2, 1])
            #expect(status.links == ["VN-01", "VN-79"])
            #expect(status.lag == 0)
            #expect(status.alarms.isEmpty)
        }
    }
}
