import FeedFormat
import FeedStore
import Foundation
import RegionalNode
import Testing
import TestSupport

/// What disasters do to the disk of a node.
extension Cluster {
    private static let parts = ["", "-wal"]

    /// Deletes the store of a node that does not run.
    func loseStore(_ name: String) throws {
        for part in ["", "-wal", "-shm", ".lock"] {
            let path = path("\(name).store\(part)")
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        }
    }

    /// Takes an image of a node's store at one moment, while it runs: what a power cut at that moment would leave.
    func takeImage(_ name: String, as image: String) throws {
        let node = try node(name)
        node.signal(SIGSTOP)
        defer { node.signal(SIGCONT) }
        for part in Self.parts {
            let source = path("\(name).store\(part)")
            guard FileManager.default.fileExists(atPath: source) else { continue }
            try FileManager.default.copyItem(atPath: source, toPath: path("\(image)\(part)"))
        }
    }

    /// Makes an image the store of a node that does not run.
    func restore(_ image: String, to name: String) throws {
        try loseStore(name)
        for part in Self.parts where FileManager.default.fileExists(atPath: path("\(image)\(part)")) {
            try FileManager.default.copyItem(atPath: path("\(image)\(part)"), toPath: path("\(name).store\(part)"))
        }
    }

    /// Changes a byte of a batch in the store of a node that does not run.
    func rot(batch number: UInt64, of name: String) throws {
        let store = try SQLiteFeedStore(path: path("\(name).store"))
        let batches = try store.feeds().first.map { try store.batches($0.feed, number..<number + 1) }
        try store.close()
        // Some stretch of it that lies in one page.
        let bytes = try #require(batches?.first).bytes
        try flip(Array(bytes[200..<240]), of: name)
    }

    /// Changes a byte of a store's file where these bytes are.
    func flip(_ bytes: [UInt8], of name: String) throws {
        let url = URL(fileURLWithPath: path("\(name).store"))
        var content = try Data(contentsOf: url)
        let place = try #require(content.range(of: Data(bytes)))
        content[place.lowerBound + bytes.count / 2] ^= 4
        try content.write(to: url)
    }

    /// Starts a second node of a region over a store of its own, at addresses that the roster does not know.
    func startCopy(of region: String, as name: String) async throws {
        try await start(
            region,
            as: name,
            "--store",
            path("\(name).store"),
            "--listen-public",
            "127.0.0.1:\(try Ports.block(of: 1))",
            "--listen-peers",
            "127.0.0.1:\(try Ports.block(of: 1))",
            "--listen-metrics",
            "127.0.0.1:0",
            "--admin-socket",
            socket(name)
        )
    }

    /// The alarms of some nodes.
    func alarms(_ names: String...) async throws -> [String] {
        var alarms: [String] = []
        for name in names { alarms += try await status(name).alarms.map { "\(name): \($0.what)" } }
        return alarms
    }
}
