import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import Testing

/// Damage to the file is noticed, named, and comes with advice.
@Suite struct CorruptionTests {
    /// A closed store of two feeds, some of whose batches are dropped.
    private func closedStore() throws -> Scratch {
        let scratch = try Scratch()
        let store = try SQLiteFeedStore(path: scratch.path)
        let (first, second) = (try feed("VN-01"), try feed("VN-02"))
        try store.append((0..<400).map { batch(first, $0, size: 50) })
        try store.append((0..<4).map { batch(second, $0, size: 20_000) })
        _ = try store.drop(publishedAtOrBefore: Interval(1001))
        try store.close()
        return scratch
    }

    private func expectCorrupt(_ error: StoreError?, _ scratch: Scratch) {
        #expect(error?.code == .corrupt)
        #expect(error?.reason.contains("move \(scratch.path) and \(scratch.path)-wal aside") == true)
    }

    @Test(arguments: [
        "DELETE FROM batch WHERE number = 100", "DELETE FROM batch WHERE number = 399",
        "DELETE FROM batch WHERE number = 2", "DELETE FROM leaf WHERE number = 0", "DELETE FROM leaf WHERE number = 77",
        "UPDATE feed SET size = size + 1", "UPDATE feed SET first = first - 1", "UPDATE feed SET size = -1",
        "UPDATE feed SET first = 100000", "UPDATE feed SET size = 1 << 40", "UPDATE feed SET region = lower(region)",
        "UPDATE feed SET epoch = '1'", "UPDATE feed SET base = x'00'",
        "UPDATE leaf SET number = number + 1000 WHERE number >= 200", "UPDATE leaf SET hash = x'00' WHERE number = 5",
        "UPDATE feed SET last_publication = -1",
    ])
    func rowsThatContradictEachOtherAreFoundWhenOpening(sql: String) throws {
        let scratch = try closedStore()
        try scratch.tamper(sql)
        expectCorrupt(storeError { _ = try SQLiteFeedStore(path: scratch.path) }, scratch)
        // Found again: the failed opening let go of file and lock, and changed nothing.
        expectCorrupt(storeError { _ = try SQLiteFeedStore(path: scratch.path) }, scratch)
    }

    /// What has changed under a store that is open is found when it is read.
    @Test(arguments: [
        "UPDATE leaf SET hash = x'00' WHERE number = 5", "UPDATE feed SET last_publication = -1",
    ])
    func valuesThatCannotBeAreFoundWhenReading(sql: String) throws {
        let scratch = try closedStore()
        let store = try SQLiteFeedStore(path: scratch.path)
        try scratch.tamper(sql)
        expectCorrupt(storeError { _ = try store.feeds() }, scratch)
    }

    @Test func overwrittenPagesAreFoundWhenOpening() throws {
        let whole = try closedStore()
        let size = try Data(contentsOf: URL(fileURLWithPath: whole.path)).count
        // Page 1 holds the header and the schema; the next ones are the roots of tables and indexes.
        for (offset, length) in [(0, 100), (100, 3000), (4096, 4096), (8192, 4096), (size / 2, size / 2)] {
            let scratch = try closedStore()
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: scratch.path))
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: Data(repeating: 0xa5, count: length))
            try file.close()
            expectCorrupt(storeError { _ = try SQLiteFeedStore(path: scratch.path) }, scratch)
        }
    }

    @Test func aFileCutShortIsFoundWhenOpening() throws {
        let scratch = try closedStore()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: scratch.path))
        let size = try file.seekToEnd()
        try file.truncate(atOffset: size / 2)
        try file.close()
        expectCorrupt(storeError { _ = try SQLiteFeedStore(path: scratch.path) }, scratch)
    }

    @Test func aFlippedBitInABatchIsFoundWhenReading() throws {
        let scratch = try closedStore()
        let url = URL(fileURLWithPath: scratch.path)
        var content = try Data(contentsOf: url)
        let second = try feed("VN-02")
        let stretch = Data(batch(second, 3, size: 20_000).bytes[10_000..<10_100])
        let place = try #require(content.range(of: stretch))
        content[place.lowerBound] ^= 1
        try content.write(to: url)
        let store = try SQLiteFeedStore(path: scratch.path)
        #expect(storeError { _ = try store.batch(second, 3) }?.code == .damaged)
        #expect(storeError { _ = try store.batches(second, 0..<4) }?.code == .damaged)
        #expect(try store.batch(second, 2) == batch(second, 2, size: 20_000), "the others can still be read")
    }
}
