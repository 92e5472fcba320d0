import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import RegionalNode
import Testing

/// Nodes that are killed while they work.
@Suite(.serialized, .timeLimit(.minutes(4))) struct KillTests {
    private static let rounds = 24
    /// Archives for each of the nodes in one round.
    private static let archives = 16

    /// Waits until an import has said what became of `count` archives; five seconds at most.
    private func wait(for count: Int, of importing: Child) async throws {
        let deadline = ContinuousClock.now + .seconds(5)
        while importing.output.split(separator: "\n").count < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
        try await Task.sleep(for: .microseconds(Int.random(in: 0...5000)))
    }

    /// Imports into a node that go on while others are made.
    private struct Importing {
        let archives: [String: Archives.Archive]
        let child: Child

        init(_ region: String, _ round: Int, of cluster: Cluster) throws {
            let made = try (0..<KillTests.archives).map {
                try cluster.archives.make("\(region)-\(round)-\($0).zip", patients: 10)
            }
            archives = Dictionary(uniqueKeysWithValues: made.map { (($0.path as NSString).lastPathComponent, $0) })
            child = try Child(cluster.importCommand(region, made.map(\.path)), in: cluster.scratch)
        }

        /// Waits for its end.
        /// - Returns: the keys of what was acknowledged, and whether anything was not.
        func end() async throws -> (keys: Set<KeyData>, isInterrupted: Bool) {
            #expect(try await child.end(within: 30) != nil)
            let lines = try ImportLine.parse(child.output)
            let taken = lines.filter { $0.report != nil }
            let keys = taken.reduce(into: Set<KeyData>()) { $0.formUnion(archives[$1.archive]?.data ?? []) }
            return (keys, taken.count < archives.count)
        }
    }

    /// Two linked nodes that both publish all the time, killed in turns.
    @Test func whatIsAcknowledgedOutlivesKills() async throws {
        let regions = ["VN-01", "VN-48"]
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start(regions[1])
            var acknowledged: Set<KeyData> = []
            var interrupted = 0
            for round in 0..<Self.rounds {
                let (victim, other) = (regions[round % 2], regions[1 - round % 2])
                try await cluster.start(regions[round == 0 ? 0 : 1 - round % 2])
                let importing = try [victim, other].map { try Importing($0, round, of: cluster) }
                defer { importing.forEach { $0.child.kill() } }
                // From before the first acknowledgement to shortly before the last, however fast the machine is.
                try await wait(for: Int.random(in: 0..<Self.archives - 6), of: importing[0].child)
                cluster.kill(victim)
                for (number, importing) in importing.enumerated() {
                    let (keys, isInterrupted) = try await importing.end()
                    acknowledged.formUnion(keys)
                    if isInterrupted { interrupted += 1 }
                    #expect(number == 0 || !isInterrupted, "\(other) was left alone and takes everything")
                }
                // Whoever lost something that others hold, and signed anew, would be refused.
                let alarms = try await cluster.status(other).alarms.map(\.what)
                #expect(!alarms.contains { $0.contains("refused") || $0.contains("malformed") }, "\(alarms)")
            }
            // Otherwise the kills came too late to show anything.
            #expect(interrupted > 0)
            #expect(!acknowledged.isEmpty)

            try await cluster.start(regions[(Self.rounds - 1) % 2])
            #expect(try await cluster.converge("VN-01", "VN-48", seconds: 40))
            for region in regions { #expect(try await cluster.stop(region) == 0) }
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
