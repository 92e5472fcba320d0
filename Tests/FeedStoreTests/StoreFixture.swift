import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import Testing

/// The stores that must behave alike.
enum StoreKind: CaseIterable, Sendable {
    case memory
    case sqlite
}

/// A folder of its own for one test, removed with the value.
final class Scratch: Sendable {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("feed-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// Path of a database in the folder.
    var path: String { folder.appendingPathComponent("feeds.db").path }

    /// Bytes of the database's file.
    func size() throws -> Int { try Data(contentsOf: URL(fileURLWithPath: path)).count }

    /// Writes rubbish over a part of the database's file.
    func overwrite(offset: Int, count: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: Data(repeating: 0xa5, count: count))
        try file.close()
    }

    func store(_ kind: StoreKind) throws -> any FeedStorage {
        switch kind {
        case .memory: MemoryFeedStore()
        case .sqlite: try SQLiteFeedStore(path: path)
        }
    }
}

/// Names a feed; traps only if the test itself is wrong.
func feed(_ code: String, _ epoch: UInt64 = 1) throws -> FeedID {
    FeedID(region: try #require(Region(code)), epoch: Epoch(epoch))
}

/// A batch whose content follows from its feed and number.
func batch(_ feed: FeedID, _ number: UInt64, publication: UInt32? = nil, size: Int = 100) -> ProvenBatch {
    let text = Array("\(feed) \(number) ".utf8)
    let bytes = (0..<size).map { text[$0 % text.count] }
    return ProvenBatch(
        feed: feed,
        number: number,
        publication: Interval(publication ?? UInt32(clamping: 1000 &+ number)),
        bytes: bytes,
        leaf: Hash256(leaf: bytes[...]),
        checkpoint: Array("checkpoint of \(feed), \(number + 1)".utf8)
    )
}

/// The frontier of a tree of so many leaves.
func frontier(_ size: Int) -> Frontier {
    Frontier(leaves: (0..<size).map { Hash256(hashing: [UInt8($0 % 251)]) })
}

/// The error that `body` throws.
func storeError(_ body: () throws -> Void) -> StoreError? {
    do {
        try body()
        return nil
    } catch {
        return error as? StoreError
    }
}
