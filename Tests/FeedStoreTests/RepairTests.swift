import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import Testing

/// Damaged batches are told apart and replaced; a broken file is moved aside and read as far as it can be.
@Suite struct RepairTests {
    private let size = 9000

    /// A store of two feeds, the first of which has lost its first batches.
    private func filled(_ scratch: Scratch, _ kind: StoreKind = .sqlite) throws -> any FeedStorage {
        let store = try scratch.store(kind)
        try store.append((0..<10).map { batch(try feed("VN-01"), $0, size: size) })
        try store.append((0..<3).map { batch(try feed("VN-02"), $0, publication: 5000, size: size) })
        _ = try store.drop(publishedAtOrBefore: Interval(1001))
        return store
    }

    @Test(arguments: StoreKind.allCases)
    func whatIsWholeIsNotDamagedAndMayBeReplaced(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try filled(scratch, kind)
        let (first, other) = (try feed("VN-01"), try feed("VN-09"))
        #expect(try store.damaged(first, 0..<UInt64.max).isEmpty)
        #expect(try store.damaged(other, 0..<10).isEmpty)
        let feeds = try store.feeds()
        try store.replace([batch(first, 5, size: size), batch(first, 6, size: size)])
        // Dropped, not yet there, of a feed that is not: nothing of it is taken.
        try store.replace([batch(first, 1, size: size), batch(first, 10, size: size), batch(other, 0)])
        #expect(try store.feeds() == feeds)
        #expect(try store.batches(first, 0..<20) == (2..<10).map { batch(first, $0, size: size) })
    }

    @Test(arguments: [
        "UPDATE batch SET bytes = x'00' WHERE number = 4", "UPDATE batch SET bytes = zeroblob(200000) WHERE number = 4",
        "UPDATE leaf SET hash = zeroblob(32) WHERE number = 4", "DELETE FROM batch WHERE number = 4",
        "UPDATE batch SET checkpoint = x'', publication = 7, bytes = substr(bytes, 1, 100) WHERE number = 4",
    ])
    func aDamagedBatchIsFoundAndReplacedByWhatItWas(sql: String) throws {
        let scratch = try Scratch()
        let store = try filled(scratch)
        let first = try feed("VN-01")
        try scratch.tamper(sql + " AND feed = 1")
        #expect(try store.damaged(first, 0..<20) == [4])
        #expect(try store.damaged(first, 5..<20).isEmpty)
        try store.replace([batch(first, 4, size: size)])
        #expect(try store.damaged(first, 0..<20).isEmpty)
        #expect(try store.batches(first, 0..<20) == (2..<10).map { batch(first, $0, size: size) })
        try store.close()
        try SQLiteFeedStore(path: scratch.path).close()
    }

    @Test func nothingIsReplacedInAFileWhosePagesAreDamaged() throws {
        let scratch = try Scratch()
        try filled(scratch).close()
        let store = try SQLiteFeedStore(path: scratch.path)
        // A page that the calls below need not read.
        try scratch.overwrite(offset: try scratch.size() - 4096, count: 4096)
        try scratch.tamper("INSERT INTO setting VALUES ('other', x'00')")
        #expect(storeError { try store.replace([batch(try feed("VN-01"), 4, size: size)]) }?.code == .corrupt)
    }

    @Test func aFileIsMovedAsideWithItsLogAndNothingIsDeleted() throws {
        let scratch = try Scratch()
        for round in 1...3 {
            let store = try filled(scratch)
            let feeds = try store.feeds()
            #expect(storeError { _ = try SQLiteFeedStore.setAside(scratch.path) }?.code == .inUse)
            // Still in the log when it is closed by the end of a process: a copy shows the same.
            try store.close()
            let aside = try SQLiteFeedStore.setAside(scratch.path)
            #expect(aside.hasSuffix("feeds.db.corrupt-\(round)"))
            #expect(!FileManager.default.fileExists(atPath: scratch.path))
            let moved = try SQLiteFeedStore(path: aside)
            #expect(try moved.feeds() == feeds)
            try moved.close()
        }
    }

    @Test func anInspectionReadsWhatIsThereAndChangesNothing() throws {
        let scratch = try Scratch()
        let store = try filled(scratch)
        let leaves = try store.feeds().first?.leaves
        try scratch.tamper("UPDATE batch SET bytes = x'00' WHERE number = 4 AND feed = 1")
        try scratch.tamper("UPDATE feed SET epoch = 'x' WHERE id = 2")
        // While the store is open.
        let inspection = try StoreInspection(path: scratch.path)
        // The batch is told by its hash; the feed's row cannot be read, which is no reason to call the file whole.
        #expect(inspection.findings().map { $0.contains("no valid region and epoch") } == [true])
        #expect(inspection.feeds().count == 2)
        let feeds = inspection.feeds().compactMap { inspection.feed($0) }
        let found = try #require(feeds.first)
        #expect(feeds.map(\.feed) == [try feed("VN-01")])
        #expect(found.numbers == 2..<10)
        #expect(found.leaves == leaves)
        #expect(found.start == Frontier(leaves: leaves?.prefix(2) ?? []))
        #expect(inspection.batch(4, of: found)?.bytes == [0])
        #expect(inspection.batch(5, of: found)?.bytes == batch(try feed("VN-01"), 5, size: size).bytes)
        #expect(inspection.batch(1, of: found) == nil)
        inspection.close()
    }

    @Test func anInspectionOfABrokenFileReadsTheRest() throws {
        let scratch = try Scratch()
        try filled(scratch).close()
        try scratch.overwrite(offset: try scratch.size() / 2, count: 8192)
        let inspection = try StoreInspection(path: scratch.path)
        #expect(!inspection.findings().isEmpty)
        let whole = inspection.feeds().compactMap { inspection.feed($0) }.map { feed in
            feed.numbers.filter { number in
                inspection.batch(number, of: feed).map { $0.leaf == feed.leaf(number) } ?? false
            }.count
        }
        #expect(whole.reduce(0, +) > 3)
        #expect(whole.reduce(0, +) < 11)
        inspection.close()
    }

    /// A statement that goes on longer than the file could need is ended, and the finding says so.
    @Test func aReadingThatTakesTooLongIsGivenUp() throws {
        let scratch = try Scratch()
        let store = try SQLiteFeedStore(path: scratch.path)
        try store.append((0..<3000).map { batch(try feed("VN-01"), $0, size: 10) })
        try store.close()
        #expect(try scratch.size() < 1 << 20, "a second is granted for each MiB")
        let patient = try StoreInspection(path: scratch.path)
        #expect(patient.findings() == [])
        patient.close()
        let inspection = try StoreInspection(path: scratch.path, patience: .zero)
        #expect(inspection.findings().map { $0.contains("took longer than") } == [true])
        inspection.close()
    }

    @Test func whatIsNoStoreIsNotInspected() throws {
        let scratch = try Scratch()
        #expect(storeError { _ = try StoreInspection(path: scratch.path) } != nil)
        try Data(repeating: 9, count: 9000).write(to: URL(fileURLWithPath: scratch.path))
        #expect(storeError { _ = try StoreInspection(path: scratch.path) }?.code == .corrupt)
    }
}
