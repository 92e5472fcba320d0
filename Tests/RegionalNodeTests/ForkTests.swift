import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Testing
import TestSupport

/// A region's key in two hands, among nodes that run.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ForkTests {
    private func forks(_ node: TestNode) async throws -> [NodeStatus.Fork] { try await node.status().forks }

    /// What a node's status and metrics say of forks.
    private func isForked(_ node: TestNode, _ feed: String) async throws -> Bool {
        let status = try await node.status()
        let metrics = try await node.metrics()
        let region = feed.prefix { $0 != "/" }
        return status.forks.map(\.feed) == [feed]
            && status.alarms.contains {
                $0.what.contains("has signed two histories of feed \(feed)") && $0.ended == nil
            }
            && metrics.contains("keytide_region_forked{region=\"\(region)\"} 1\n")
    }

    /// - Parameter batches: what the region publishes after the thief has taken the key; he publishes one.
    @Test(arguments: [1, 3]) func aForkStopsTheRegionEverywhereUntilItsKeyIsClosed(batches: Int) async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            let country = nodes.country
            for number in 0..<3 { try await nodes.start(number) }
            let shared = try country.archive(patients: 5)
            let feed = try #require(try await nodes[0].publish(shared, of: country).feed)
            #expect(try await nodes.converge(0, 1, 2))
            let body = try await nodes[1].get("/v1/feeds/\(feed)/frontier/1").1
            let root = try Frontier(bytes: Array(body.readableBytesView)[...]).root
            try await nodes.stop(2)
            let archives = try (0..<batches).map { _ in try country.archive(patients: 5) }
            for archive in archives { try await nodes[0].publish(archive, of: country) }
            #expect(try await nodes.converge(0, 1))
            _ = try country.continueFeed(of: 0, at: 2)
            try await nodes.start(2)

            for number in 0..<3 {
                let node = try nodes[number]
                #expect(try await eventually { try await self.isForked(node, feed) }, "node \(number)")
                let fork = try #require(try await forks(node).first)
                let proof = try #require(Data(base64Encoded: fork.proof))
                let read = try ForkProof([UInt8](proof)[...]) { country.roster.keys(of: $0) }
                #expect(read.feed.description == feed)
                #expect([fork.olderSize, fork.newerSize] == [2, UInt64(1 + batches)])
            }
            // Nothing is published, nothing is lost, and all else goes on.
            let archive = try country.archive(patients: 5)
            let refused = try await nodes[0].post(archive.bytes, key: country.publisher.verificationKey)
            #expect(refused.0.status == 422)
            #expect(String(buffer: refused.1).contains("two histories"))
            try await nodes[1].publish(archive, of: country)
            let counts = try await nodes[2].status().feeds.filter { $0.feed == feed }.map(\.count)
            #expect(counts == [2])
            #expect(try await eventually { try await nodes[2].status().feeds.count == 2 })

            // A start forgets nothing.
            for number in 0..<3 { try await nodes.stop(number) }
            try await nodes.start(1)
            #expect(try await isForked(nodes[1], feed))

            let epoch = try #require(Epoch(hexadecimal: feed.suffix(16)))
            let next = try country.nextSigner()
            let roster = try country.closing(standing: .init(epoch: epoch, size: 1, root: root), next: next)
            #expect(try await nodes[1].install(roster).0.status == 200)
            try country.scratch.write(next.text.utf8, "\(country.regions[0]).key")
            try country.scratch.write(roster, "roster")
            for number in [0, 2] { try await nodes.start(number) }
            let again = try await nodes[0].publish(archives[0], of: country)
            #expect(again.published == archives[0].keys.count)
            #expect(try await nodes.converge(0, 1, 2))
            for number in 0..<3 {
                let node = try nodes[number]
                let status = try await node.status()
                #expect(status.forks.isEmpty && status.alarms.allSatisfy { $0.ended != nil }, "node \(number)")
                #expect(status.feeds.first { $0.feed == feed }?.count == 1)
                #expect(try await node.metrics().contains("keytide_region_forked{region=\"VN-01\"} 0\n"))
            }
        }
    }
}
