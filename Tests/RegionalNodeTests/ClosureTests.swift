import ExposureKeys
import ExposureNotification
import FeedFormat
import FeedStore
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Synchronization
import Testing
import TestSupport

/// A roster that closes a region's key, among nodes that run, and one that comes back later.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ClosureTests {
    private func counts(_ node: TestNode) async throws -> [String: UInt64] {
        let feeds = try await node.status().feeds
        return Dictionary(uniqueKeysWithValues: feeds.map { ($0.feed, $0.count) })
    }

    /// Alarms that blame a peer for batches.
    private func accusations(_ node: TestNode) async throws -> [String] {
        try await node.status().alarms.map(\.what).filter { $0.contains("sent of feed") || $0.contains("malformed") }
    }

    /// The cut is made, what follows it fails: once by chance, once since the file is broken.
    @Test(arguments: [StoreError.Code.io, .corrupt])
    func aReviewThatFailsHalfWayIsMadeUpFor(code: StoreError.Code) async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            let openings = Mutex(0)
            try await nodes.start(1) { path in
                let number = openings.withLock { openings in
                    openings += 1
                    return openings
                }
                let store = try SQLiteFeedStore(path: path)
                return number == 1 ? FailingStore(store, failingAfterCut: 1, code) : store
            }
            var feed = ""
            for _ in 0..<3 {
                feed = try await nodes[0].publish(try country.archive(patients: 5), of: country).feed ?? ""
            }
            #expect(try await nodes.converge(0, 1))
            let epoch = try #require(Epoch(hexadecimal: feed.suffix(16)))
            let body = try await nodes[0].get("/v1/feeds/\(feed)/frontier/2").1
            let root = try Frontier(bytes: Array(body.readableBytesView)[...]).root
            // The neighbour stays: what stands and is lost with the broken store comes back from it.
            let next = try country.nextSigner()
            let roster = try country.closing(standing: .init(epoch: epoch, size: 2, root: root), next: next)
            let node = try nodes[1]
            #expect(try await node.install(roster).0.status == 200)
            // Over the local socket anew each time: a broken store has the node start again, with other ports.
            func counts() async throws -> [String: UInt64] {
                let connection = try await TestNode.connect(.unix(node.addresses.adminSocketPath))
                let answer = try? await connection.get(AdminRoutes.status, maxBody: 16 << 20)
                await connection.close()
                guard let answer, answer.0.status == 200 else { return [:] }
                let status = try JSONDecoder().decode(NodeStatus.self, from: Data(answer.1.readableBytesView))
                return Dictionary(uniqueKeysWithValues: status.feeds.map { ($0.feed, $0.count) })
            }
            #expect(try await eventually(seconds: 30) { (try? await counts()) == [feed: 2] })
            #expect(openings.withLock { $0 } == (code == .io ? 1 : 2))
        }
    }

    @Test func whatIsNotNamedLeavesAllNodesAndIsPublishedAgain() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            let country = nodes.country
            for number in 0..<3 { try await nodes.start(number) }
            let archives = try (0..<3).map { _ in try country.archive(patients: 5) }
            var feed = ""
            for archive in archives { feed = try await nodes[0].publish(archive, of: country).feed ?? "" }
            #expect(try await nodes.converge(0, 1, 2))
            let epoch = try #require(Epoch(hexadecimal: feed.suffix(16)))
            let body = try await nodes[1].get("/v1/feeds/\(feed)/frontier/2").1
            let root = try Frontier(bytes: Array(body.readableBytesView)[...]).root
            // So that the last batch is in the cache of ranges.
            for _ in 0..<2 { #expect(try await nodes[1].get("/v1/feeds/\(feed)/0/2").0.status == 200) }

            try await nodes.stop(2)
            let next = try country.nextSigner()
            let roster = try country.closing(standing: .init(epoch: epoch, size: 2, root: root), next: next)
            #expect(try await nodes[1].install(roster).0.status == 200)
            for number in 0..<2 {
                let node = try nodes[number]
                #expect(try await eventually { try await self.counts(node) == [feed: 2] }, "node \(number)")
                #expect(try await eventually { try await node.get("/v1/feeds/\(feed)/0/2").0.status == 404 })
                #expect(try await node.get("/v1/feeds/\(feed)/0/1").0.status == 200)
                #expect(try await node.get("/v1/feeds/\(feed)/hashes/0/2").0.status == 404)
            }
            // The node that still has the closed key publishes nothing more.
            let refused = try await nodes[0].post(archives[2].bytes, key: country.publisher.verificationKey)
            #expect(refused.0.status == 422)

            try await nodes.stop(0)
            try country.scratch.write(next.text.utf8, "\(country.regions[0]).key")
            try await nodes.start(0)
            let again = try await nodes[0].publish(archives[0], of: country)
            #expect(again.published == 0)
            let lost = try await nodes[0].publish(archives[2], of: country)
            #expect(lost.published == archives[2].keys.count && lost.feed != feed)
            // One that was away has the old roster and all of the old feed.
            try await nodes.start(2)
            #expect(try await nodes.converge(0, 1, 2))
            #expect(try await counts(nodes[2]) == [feed: 2, lost.feed ?? "": 1])
            for number in 0..<3 {
                let accusations = try await accusations(nodes[number])
                #expect(accusations == [], "node \(number)")
            }
        }
    }

    /// One that joins later takes what stands by its hashes, since no signature under that key says anything.
    @Test func whatStandsReachesNewNodes() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            var feed = ""
            for _ in 0..<40 {
                feed = try await nodes[0].publish(try country.archive(patients: 1), of: country).feed ?? ""
            }
            let epoch = try #require(Epoch(hexadecimal: feed.suffix(16)))
            let body = try await nodes[0].get("/v1/feeds/\(feed)/frontier/37").1
            let root = try Frontier(bytes: Array(body.readableBytesView)[...]).root
            let next = try country.nextSigner()
            let roster = try country.closing(standing: .init(epoch: epoch, size: 37, root: root), next: next)
            #expect(try await nodes[0].install(roster).0.status == 200)
            try await nodes.stop(0)
            try country.scratch.write(next.text.utf8, "\(country.regions[0]).key")
            // A start looks through the store, too.
            try await nodes.start(0)
            #expect(try await counts(nodes[0]) == [feed: 37])
            try await nodes.start(1)
            #expect(try await nodes.converge(0, 1))
            #expect(try await counts(nodes[1]) == [feed: 37])
            #expect(try await nodes[1].get("/v1/feeds/\(feed)/5/0").0.status == 200)
            #expect(try await accusations(nodes[1]) == [])
        }
    }
}
