import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Testing
import TestSupport

/// Stores whose bytes change under a node: nothing that is damaged is served, and neighbours repair it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StoreDamageTests {
    private static let batches = 8

    /// Two nodes that hold a feed of the first one, and the level-0 ranges of that feed.
    private func withFeed(_ body: (Nodes, String, [[UInt8]]) async throws -> Void) async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            for number in 0..<2 { try await nodes.start(number) }
            var feed: String?
            for _ in 0..<Self.batches {
                feed = try await nodes[0].publish(try nodes.country.archive(patients: 40), of: nodes.country).feed
            }
            #expect(try await nodes.converge(0, 1))
            let name = try #require(feed)
            var ranges: [[UInt8]] = []
            for number in 0..<Self.batches {
                let (head, body) = try await nodes[0].get("/v1/feeds/\(name)/0/\(number)")
                #expect(head.status == 200)
                ranges.append(Array(body.readableBytesView))
            }
            try await body(nodes, name, ranges)
        }
    }

    /// By the local socket, whose name stays the same when a node starts again by itself.
    private func get(_ path: String, from node: TestNode) async throws -> (ResponseHead, [UInt8]) {
        let connection = try await TestNode.connect(.unix(node.addresses.adminSocketPath))
        do {
            let (head, body) = try await connection.get(path, maxBody: 16 << 20)
            await connection.close()
            return (head, Array(body.readableBytesView))
        } catch {
            await connection.close()
            throw error
        }
    }

    private func status(of node: TestNode) async throws -> NodeStatus {
        let (_, body) = try await get(AdminRoutes.status, from: node)
        return try JSONDecoder().decode(NodeStatus.self, from: Data(body))
    }

    /// Waits until a node serves a feed whole; requests may fail while it starts again.
    private func serves(_ node: TestNode, _ feed: String, _ ranges: [[UInt8]]) async throws -> Bool {
        try await eventually(seconds: 60) {
            for (number, range) in ranges.enumerated() {
                guard let (head, body) = try? await get("/v1/feeds/\(feed)/0/\(number)", from: node) else {
                    return false
                }
                guard head.status == 200 else { return false }
                #expect(body == range, "what is served is always whole")
            }
            return true
        }
    }

    private func file(_ nodes: Nodes, _ number: Int) -> StoreFile {
        StoreFile(path: nodes.country.scratch.file("\(nodes.country.regions[number]).store"))
    }

    @Test func damagedBatchesAreNotServedUntilANeighbourBringsThem() async throws {
        try await withFeed { nodes, feed, ranges in
            for number in 0..<2 { try await nodes.stop(number) }
            try file(nodes, 1).damage(ranges[3])
            let node = try await nodes.start(1)
            // Found by whoever asks first, or by the node itself.
            for path in ["0/3", "1/1", "3/0"] {
                let (head, body) = try await node.get("/v1/feeds/\(feed)/\(path)")
                #expect(head.status == 503, "\(path)")
                #expect(head.fields["retry-after"] == "30")
                #expect(String(buffer: body).contains("urn:keytide:problem:damaged"))
            }
            #expect(try await node.get("/v1/feeds/\(feed)/0/2").0.status == 200)
            let status = try await node.status()
            #expect(status.feeds.map(\.damaged) == [[3]])
            #expect(status.feeds.map(\.count) == [UInt64(Self.batches)])
            #expect(status.alarms.map(\.what).contains { $0.contains("damaged on the disk") })

            try await nodes.start(0)
            #expect(try await serves(node, feed, ranges))
            #expect(try await node.status().feeds.map(\.damaged) == [nil])
            // And so it stays on the disk.
            try await nodes.stop(1)
            try await nodes.stop(0)
            #expect(try await serves(try await nodes.start(1), feed, ranges))
        }
    }

    @Test func aDamagedCheckpointIsNotServedEither() async throws {
        try await withFeed { nodes, feed, ranges in
            for number in 0..<2 { try await nodes.stop(number) }
            // The signature is the end of the range.
            try file(nodes, 1).flip(Array(ranges[5].suffix(60)), at: 20)
            let node = try await nodes.start(1)
            #expect(try await node.get("/v1/feeds/\(feed)/0/5").0.status == 503)
            try await nodes.start(0)
            #expect(try await serves(node, feed, ranges))
        }
    }

    @Test func damageUnderARunningNodeIsFoundAndRepaired() async throws {
        try await withFeed { nodes, feed, ranges in
            let file = file(nodes, 1)
            try file.emptyLog()
            for number in [1, 6] { try file.damage(ranges[number]) }
            try file.voidCaches()
            let node = try nodes[1]
            #expect(try await serves(node, feed, ranges))
            _ = try await eventually { try await status(of: node).feeds.allSatisfy { $0.damaged == nil } }
            #expect(try await status(of: node).alarms.contains { $0.what.contains("damaged on the disk") })
        }
    }

    /// Both nodes have lost batch 1 for good, and the second one four more: these are asked for together with it.
    @Test func whatIsLostForGoodKeepsNothingElseAway() async throws {
        try await withFeed { nodes, feed, ranges in
            for number in 0..<2 { try await nodes.stop(number) }
            try file(nodes, 0).damage(ranges[1])
            for number in 1...5 { try file(nodes, 1).damage(ranges[number]) }
            for number in 0..<2 { try await nodes.start(number) }
            let node = try nodes[1]
            let isBack = try await eventually(seconds: 60) {
                for number in ranges.indices where number != 1 {
                    let (head, body) = try await get("/v1/feeds/\(feed)/0/\(number)", from: node)
                    guard head.status == 200 else { return false }
                    #expect(body == ranges[number])
                }
                return true
            }
            #expect(isBack)
            #expect(try await get("/v1/feeds/\(feed)/0/1", from: node).0.status == 503)
            #expect(try await status(of: node).feeds.map(\.damaged) == [[1]])
        }
    }

    /// The file's head; a page in the middle; most of it.
    @Test(arguments: [0, 1], [0..<100, 8192..<12_288, 4096..<40_000])
    func aBrokenStoreIsMovedAsideAndFilledAgain(number: Int, range: Range<Int>) async throws {
        try await withFeed { nodes, feed, ranges in
            try await nodes.stop(number)
            try file(nodes, number).overwrite(range)
            let node = try await nodes.start(number)
            #expect(FileManager.default.fileExists(atPath: file(nodes, number).path + ".corrupt-1"))
            #expect(
                try await node.status().alarms.contains {
                    $0.what.contains("moved to") && $0.what.contains(".corrupt-1")
                }
            )
            #expect(try await serves(node, feed, ranges))
            #expect(try await nodes.converge(0, 1))
            // The region publishes on, in an epoch of its own.
            try await nodes[0].publish(try nodes.country.archive(patients: 3), of: nodes.country)
            #expect(try await nodes.converge(0, 1))
            #expect(try await node.status().feeds.count == (number == 0 ? 2 : 1))
        }
    }

    @Test func aStoreThatBreaksUnderARunningNodeIsReplacedWithoutARestart() async throws {
        try await withFeed { nodes, feed, ranges in
            let file = file(nodes, 1)
            try file.emptyLog()
            try file.voidCaches()
            try file.overwrite(4096..<40_000)
            let node = try nodes[1]
            #expect(try await serves(node, feed, ranges))
            let isReplaced = try await eventually {
                // Whatever reads it notices.
                _ = try? await get("/v1/feeds/\(feed)/0/0", from: node)
                return try await status(of: node).alarms.contains { $0.what.contains(".corrupt-1") }
            }
            #expect(isReplaced)
            #expect(try await serves(node, feed, ranges))
        }
    }

    /// Nobody else has these batches: what proves itself is taken over.
    @Test func whatNoNeighbourHoldsIsSalvaged() async throws {
        try await Nodes.with("VN-01") { nodes in
            try await nodes.start(0)
            var keys = 0
            for _ in 0..<6 {
                keys += try await nodes[0].publish(try nodes.country.archive(patients: 10), of: nodes.country).published
            }
            let before = try await nodes[0].status().feeds
            try await nodes.stop(0)
            // Its tables contradict each other; all batches are still there.
            try file(nodes, 0).execute("PRAGMA foreign_keys = OFF; DELETE FROM leaf WHERE number = 4")
            let status = try await nodes.start(0).status()
            #expect(status.feeds.map(\.root) == before.map(\.root))
            #expect(status.ownKeys == keys)
            #expect(status.alarms.contains { $0.what.contains("6 batches that still prove themselves") })
        }
    }

    /// A leaf hash is what everything else is compared with.
    @Test func leafHashesThatDoNotGiveTheSignedRootAreFoundAtTheStart() async throws {
        try await withFeed { nodes, feed, ranges in
            try await nodes.stop(1)
            try file(nodes, 1).execute("UPDATE leaf SET hash = zeroblob(32) WHERE number = 2")
            let node = try await nodes.start(1)
            #expect(try await node.status().alarms.contains { $0.what.contains(".corrupt-1") })
            #expect(try await serves(node, feed, ranges))
            #expect(try await nodes.converge(0, 1))
        }
    }

    /// A misspelt setting must not cost anybody a file.
    @Test func aFileThatNoNodeHasOpenedIsNeverMoved() async throws {
        try await Nodes.with("VN-01") { nodes in
            let path = file(nodes, 0).path
            let text = Array("this is somebody's letter\n".utf8) + Array(repeating: 7, count: 5000)
            try Data(text).write(to: URL(fileURLWithPath: path))
            await #expect(throws: (any Error).self) { try await nodes.start(0) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(text))
            #expect(!FileManager.default.fileExists(atPath: path + ".corrupt-1"))
        }
    }
}
