import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import GRDB
import Testing

/// What only the store on disk does.
@Suite struct SQLiteFeedStoreTests {
    @Test func theConnectionThatWritesIsFullySynchronous() throws {
        let scratch = try Scratch()
        let store = try SQLiteFeedStore(path: scratch.path)
        for _ in 0..<2 {
            #expect(try store.pragma("synchronous") == "2")
            #expect(try store.pragma("journal_mode") == "wal")
            #expect(try store.pragma("foreign_keys") == "1")
            #expect(try store.pragma("user_version") == "2")
            #expect(try store.pragma("cache_size") == "-4096")
            try store.append([batch(try feed("VN-01"), try store.feeds().first?.count ?? 0)])
        }
    }

    @Test func reopeningGivesTheSameState() throws {
        let scratch = try Scratch()
        let store = try SQLiteFeedStore(path: scratch.path)
        let (first, second) = (try feed("VN-01"), try feed("VN-02"))
        try store.append((7..<12).map { batch(second, $0) } + (0..<20).map { batch(first, $0) }, base: frontier(7))
        #expect(try store.drop(publishedAtOrBefore: Interval(1008)) == 11)
        try store.setSetting("index time", [9])
        let feeds = try store.feeds()
        let batches = try store.batches(first, 0..<20)
        try store.close()

        let reopened = try SQLiteFeedStore(path: scratch.path)
        #expect(try reopened.feeds() == feeds)
        #expect(try reopened.batches(first, 0..<20) == batches)
        #expect(batches.map(\.number) == Array(9..<20))
        #expect(try reopened.setting("index time") == [9])
        #expect(try reopened.pragma("synchronous") == "2")
        try reopened.append([batch(first, 20), batch(second, 12), batch(try feed("VN-03"), 0)])
        #expect(try reopened.feeds().map(\.count) == [21, 13, 1])
    }

    /// Earlier versions left a row without leaf hashes if they were killed between a feed's beginning and its first batch.
    @Test func aFeedThatHasOnlyBegunMayBeginElsewhere() throws {
        let scratch = try Scratch()
        let (first, second) = (try feed("VN-01"), try feed("VN-02"))
        try SQLiteFeedStore(path: scratch.path).close()
        let queue = try DatabaseQueue(path: scratch.path)
        for feed in [first, second] {
            try queue.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO feed (region, epoch, base, size, first, last_publication) VALUES (?, ?, ?, 150, 150, 0)
                        """,
                    arguments: [feed.region.code, feed.epoch.description, Data(frontier(150).bytes)]
                )
            }
        }
        try queue.close()
        let store = try SQLiteFeedStore(path: scratch.path)
        #expect(try store.feeds().isEmpty)
        try store.append([batch(first, 0), batch(first, 1)])
        try store.append([batch(second, 160)], base: frontier(160))
        #expect(try store.feeds().map(\.base.size) == [0, 160])
        #expect(try store.feeds().map(\.count) == [2, 161])
    }

    /// Both stores are led through the same random calls and must answer alike at every step.
    @Test(arguments: 1...6)
    func itAnswersAsTheStoreInMemoryDoes(seed: UInt64) throws {
        let scratch = try Scratch()
        var random = SplitMix(state: seed)
        var disk = try SQLiteFeedStore(path: scratch.path)
        let memory = MemoryFeedStore()
        let feeds = try ["VN-01", "VN-02", "VN-03"].map { try feed($0) }
        var codes: [StoreError.Code: Int] = [:]
        var (filled, extended, chances) = (0, 0, 0)
        for step in 0..<400 {
            let feed = feeds[Int(random.next() % 3)]
            let count = try memory.feeds().first { $0.feed == feed }?.count ?? 0
            switch random.next() % 14 {
            case 0...5:
                let start = random.next() % 4 == 0 ? random.next() % 8 : count
                let left = random.next() % 3 == 0 ? 1 + random.next() % 3 : 0
                let skipped = (start..<start + left).map { batch(feed, $0).leaf }
                let first = start + left
                let batches = (first..<first + random.next() % 4).map {
                    batch($0 % 7 == 6 ? feeds[0] : feed, $0, publication: UInt32(step), size: Int(random.next() % 9000))
                }
                let base = random.next() % 4 == 0 ? frontier(Int(start)) : nil
                let errors = [
                    storeError { try disk.append(batches, base: base, skipped: skipped) },
                    storeError { try memory.append(batches, base: base, skipped: skipped) },
                ]
                #expect(errors[0] == errors[1])
                if let code = errors[0]?.code { codes[code, default: 0] += 1 }
            case 6, 7:
                let limit = Interval(UInt32(max(0, step - 40)))
                #expect(try disk.drop(publishedAtOrBefore: limit) == memory.drop(publishedAtOrBefore: limit))
            case 8:
                try disk.close()
                disk = try SQLiteFeedStore(path: scratch.path)
            case 9:
                let gaps = try memory.feeds().first { $0.feed == feed }?.gaps ?? []
                let late = gaps.suffix(Int(random.next() % 3)).map { batch(feed, $0, publication: UInt32(step)) }
                try disk.replace(late)
                try memory.replace(late)
                filled += late.count
            case 10, 11:
                let stored = try memory.feeds()
                let late = stored.first { $0.base.size > $0.floor && $0.base.size == $0.first }
                if late != nil { chances += 1 }
                let feed = late?.feed ?? feed
                let begin = late?.base.size ?? stored.first { $0.feed == feed }?.base.size ?? 0
                let start = begin - min(begin, random.next() % 5)
                let skipped = (start..<begin).map { Hash256(hashing: [UInt8($0 % 251)]) }
                let errors = [
                    storeError { try disk.extend(feed, base: frontier(Int(start)), skipped: skipped) },
                    storeError { try memory.extend(feed, base: frontier(Int(start)), skipped: skipped) },
                ]
                #expect(errors[0] == errors[1])
                if errors[0] == nil, start < begin { extended += 1 }
            default:
                let range = random.next() % 30..<30 + random.next() % 30
                #expect(try disk.batches(feed, range) == memory.batches(feed, range))
            }
            #expect(try disk.feeds() == memory.feeds(), "seed \(seed), step \(step)")
        }
        #expect(filled > 0, "the walk must fill gaps")
        #expect(extended > 0 || chances == 0, "the walk must extend feeds")
        #expect(codes[.outOfSequence, default: 0] > 5, "the walk must meet refusals")
        #expect(try memory.feeds().contains { $0.first > $0.base.size }, "the walk must meet drops")
    }

    /// A file that was written before there were gaps.
    @Test func aFileOfTheFirstVersionIsUpgraded() throws {
        let scratch = try Scratch()
        let one = try feed("VN-01")
        let before = try SQLiteFeedStore(path: scratch.path)
        try before.append([batch(one, 0), batch(one, 1)])
        try before.close()
        try scratch.tamper("DROP TABLE gap; ALTER TABLE feed DROP COLUMN floor; PRAGMA user_version = 1")
        let store = try SQLiteFeedStore(path: scratch.path)
        #expect(try store.pragma("user_version") == "2")
        let skipped = [batch(one, 2).leaf, batch(one, 3).leaf]
        try store.append([batch(one, 4)], base: nil, skipped: skipped)
        #expect(try store.feeds().map(\.gaps) == [[2, 3]])
        #expect(try store.damaged(one, 0..<5) == [], "what has yet to come is not damaged")
        try store.replace([batch(one, 3)])
        try store.close()
        let reopened = try SQLiteFeedStore(path: scratch.path)
        #expect(try reopened.feeds().map(\.gaps) == [[2]])
        #expect(try reopened.batches(one, 0..<5).map(\.number) == [0, 1, 3, 4])
        // The second has not expired; whether the gap behind it has is not known.
        #expect(try reopened.drop(publishedAtOrBefore: batch(one, 1).publication) == 2)
        #expect(try reopened.feeds().map(\.first) == [2])
        #expect(try reopened.drop(publishedAtOrBefore: batch(one, 3).publication) == 1)
        #expect(try reopened.feeds().map(\.first) == [4])
    }

    @Test func itsFilesAreForItsUserOnly() throws {
        let scratch = try Scratch()
        let loose = open(scratch.path, O_CREAT | O_RDWR, 0o644)
        try #require(loose >= 0)
        fchmod(loose, 0o644)
        close(loose)
        let store = try SQLiteFeedStore(path: scratch.path)
        try store.append([batch(try feed("VN-01"), 0)])
        for suffix in ["", "-wal", "-shm", ".lock"] {
            var status = stat()
            #expect(stat(scratch.path + suffix, &status) == 0, "\(suffix)")
            #expect(status.st_mode & 0o777 == 0o600, "\(suffix)")
        }
    }

    @Test func aSecondStoreIsRefusedUnderEveryName() throws {
        let scratch = try Scratch()
        let store = try SQLiteFeedStore(path: scratch.path)
        let link = scratch.folder.appendingPathComponent("link.db").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: scratch.path)
        for path in [scratch.path, link] {
            let error = storeError { _ = try SQLiteFeedStore(path: path) }
            #expect(error?.code == .inUse)
            #expect(error?.reason.contains("process \(getpid())") == true)
        }
        try store.append([batch(try feed("VN-01"), 0)])
        try store.close()
        #expect(try SQLiteFeedStore(path: link).feeds().count == 1)
    }

    @Test func aFileThatIsNoFeedStoreIsLeftAlone() throws {
        let scratch = try Scratch()
        let other = try DatabaseQueue(path: scratch.path)
        try other.write { try $0.execute(sql: "CREATE TABLE player (name TEXT)") }
        try other.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.path))
        let error = storeError { _ = try SQLiteFeedStore(path: scratch.path) }
        #expect(error?.code == .cannotOpen)
        #expect(error?.reason.contains(scratch.path) == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path)) == before)
    }

    @Test func aNewerSchemaIsRefused() throws {
        let scratch = try Scratch()
        try SQLiteFeedStore(path: scratch.path).close()
        try scratch.tamper("PRAGMA user_version = 3")
        let error = storeError { _ = try SQLiteFeedStore(path: scratch.path) }
        #expect(error?.code == .newerSchema)
        #expect(error?.reason.contains("version 3") == true)
    }

    @Test func aMissingFolderIsNamed() throws {
        let scratch = try Scratch()
        let path = scratch.folder.appendingPathComponent("absent/feeds.db").path
        let error = storeError { _ = try SQLiteFeedStore(path: path) }
        #expect(error?.code == .cannotOpen)
        #expect(error?.reason.contains(path) == true)
        let folder = scratch.folder.appendingPathComponent("folder")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        #expect(storeError { _ = try SQLiteFeedStore(path: folder.path) }?.code == .cannotOpen)
    }

    @Test func anotherProgramsLockIsReportedAsSuch() throws {
        let scratch = try Scratch()
        let store = try SQLiteFeedStore(path: scratch.path)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let shell = try DatabaseQueue(path: scratch.path, configuration: configuration)
        try shell.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let error = storeError { try store.append([batch(try feed("VN-01"), 0)]) }
        #expect(error?.code == .inUse)
        try shell.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try store.append([batch(try feed("VN-01"), 0)])
    }
}

extension Scratch {
    /// Runs SQL on the file behind the store's back.
    func tamper(_ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }
}

/// The generator SplitMix64: walks that repeat.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
