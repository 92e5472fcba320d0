import ExposureKeys
import FeedFormat
import FeedStore
import Testing

/// What every store does, whatever it keeps the batches in.
@Suite struct FeedStorageTests {
    @Test(arguments: StoreKind.allCases)
    func aNewStoreIsEmpty(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feed = try feed("VN-01")
        #expect(try store.feeds().isEmpty)
        #expect(try store.batch(feed, 0) == nil)
        #expect(try store.batches(feed, 0..<10).isEmpty)
        #expect(try store.drop(publishedAtOrBefore: Interval(.max)) == 0)
        #expect(try store.setting("absent") == nil)
        try store.append([])
        #expect(try store.feeds().isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func appendedBatchesComeBackWhole(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feed = try feed("VN-01")
        let batches = [
            batch(feed, 0, size: 0), batch(feed, 1, size: 1), batch(feed, 2, size: 5000),
            batch(feed, 3, size: 1_048_576),
        ]
        try store.append([batches[0]])
        try store.append(Array(batches[1...]))
        for (number, expected) in batches.enumerated() {
            #expect(try store.batch(feed, UInt64(number)) == expected)
        }
        #expect(try store.batches(feed, 0..<4) == batches)
        #expect(try store.batches(feed, 1..<3) == Array(batches[1...2]))
        #expect(try store.batches(feed, 3..<UInt64.max) == [batches[3]])
        #expect(try store.batches(feed, 2..<2).isEmpty)
        #expect(try store.batch(feed, 4) == nil)
        #expect(try store.batch(feed, .max) == nil)
        #expect(
            try store.feeds() == [
                StoredFeed(
                    feed: feed,
                    base: Frontier(),
                    leaves: batches.map(\.leaf),
                    first: 0,
                    bytes: UInt64(batches.reduce(0) { $0 + $1.bytes.count }),
                    lastPublication: Interval(1003)
                )
            ]
        )
    }

    @Test(arguments: StoreKind.allCases)
    func feedsAscendByRegionThenEpoch(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let ascending = [
            try feed("DE"), try feed("VN-01", 1), try feed("VN-01", 9), try feed("VN-01", 1 << 63),
            try feed("VN-01-001"), try feed("VN-011"), try feed("VN-2"),
        ]
        try store.append(ascending.reversed().map { batch($0, 0) })
        #expect(try store.feeds().map(\.feed) == ascending)
    }

    @Test(arguments: StoreKind.allCases)
    func aBatchMustBeTheNextOfItsFeed(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feed = try feed("VN-01")
        #expect(storeError { try store.append([batch(feed, 1)]) }?.code == .outOfSequence)
        try store.append([batch(feed, 0), batch(feed, 1)])
        let before = try store.feeds()
        for numbers: [UInt64] in [[0], [1], [3], [2, 2], [2, 4], [3, 2], [.max]] {
            let error = storeError { try store.append(numbers.map { batch(feed, min($0, 1 << 40)) }) }
            #expect(error?.code == .outOfSequence, "\(numbers)")
            #expect(try store.feeds() == before)
        }
        try store.append([batch(feed, 2), batch(feed, 3)])
        #expect(try store.feeds().first?.count == 4)
    }

    @Test(arguments: StoreKind.allCases)
    func anAppendOverFeedsIsAllOrNothing(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let (first, second, third) = (try feed("VN-01"), try feed("VN-02"), try feed("VN-03"))
        try store.append([batch(first, 0), batch(second, 0)])
        let before = try store.feeds()
        let error = storeError {
            try store.append([batch(first, 1), batch(third, 0), batch(second, 1), batch(second, 3)])
        }
        #expect(error?.code == .outOfSequence)
        #expect(error?.reason.contains("VN-02") == true)
        #expect(try store.feeds() == before)
        #expect(try store.batch(first, 1) == nil)
        #expect(try store.batch(third, 0) == nil)
        try store.append([batch(first, 1), batch(third, 0), batch(second, 1), batch(second, 2)])
        #expect(try store.feeds().map(\.count) == [2, 3, 1])
    }

    @Test(arguments: StoreKind.allCases)
    func dropTakesOldBatchesFromTheFrontAndKeepsHashes(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let (first, second) = (try feed("VN-01"), try feed("VN-02"))
        // Publication intervals that do not ascend: number 3 is old and stands behind a newer one.
        let publications: [UInt32] = [10, 20, 40, 20, 50]
        let batches = publications.enumerated().map { batch(first, UInt64($0), publication: $1) }
        try store.append(batches + [batch(second, 0, publication: 20)])
        #expect(try store.drop(publishedAtOrBefore: Interval(9)) == 0)
        #expect(try store.drop(publishedAtOrBefore: Interval(20)) == 3)
        #expect(try store.drop(publishedAtOrBefore: Interval(20)) == 0)
        let feeds = try store.feeds()
        #expect(feeds.map(\.first) == [2, 1])
        #expect(feeds.map(\.count) == [5, 1])
        #expect(feeds.first?.leaves == batches.map(\.leaf))
        #expect(feeds.last?.lastPublication == Interval(20))
        #expect(try store.batch(first, 1) == nil)
        #expect(try store.batches(first, 0..<5) == Array(batches[2...]))
        #expect(try store.batch(second, 0) == nil)

        try store.append([batch(second, 1, publication: 60)])
        #expect(try store.feeds().last?.first == 1)
        #expect(try store.drop(publishedAtOrBefore: Interval(.max)) == 4)
        #expect(try store.feeds().map { $0.first == $0.count } == [true, true])
        #expect(try store.feeds().map(\.lastPublication) == [Interval(50), Interval(60)])
    }

    @Test(arguments: StoreKind.allCases)
    func aFeedMayBeginAtAFrontier(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let (feed, other) = (try feed("VN-01"), try feed("VN-02"))
        #expect(storeError { try store.append([batch(feed, 11)]) }?.code == .outOfSequence)
        #expect(storeError { try store.append([batch(feed, 5)], base: frontier(11)) }?.code == .outOfSequence)
        #expect(storeError { try store.append([batch(feed, 0)], base: frontier(11)) }?.code == .outOfSequence)
        // A beginning that comes to nothing leaves nothing: the feed may begin at 0.
        #expect(storeError { try store.append([batch(other, 3), batch(other, 5)], base: frontier(3)) } != nil)
        try store.append([batch(other, 0)])
        #expect(try store.feeds().map(\.feed) == [other])
        try store.append([batch(feed, 11), batch(feed, 12), batch(other, 1)], base: frontier(11))
        let held = try #require(try store.feeds().first)
        #expect(held.base == frontier(11))
        #expect(held.first == 11)
        #expect(held.count == 13)
        #expect(held.leaves == [batch(feed, 11).leaf, batch(feed, 12).leaf])
        #expect(storeError { try store.append([batch(feed, 13)], base: frontier(13)) }?.code == .outOfSequence)
        #expect(try store.drop(publishedAtOrBefore: Interval(.max)) == 4)
        #expect(try store.feeds().first?.first == 13)
        #expect(storeError { try store.append([batch(feed, 12)], base: frontier(12)) }?.code == .outOfSequence)
        // Away for longer than batches live: the feed goes on further along.
        try store.append([batch(feed, 20)], base: frontier(20))
        let anew = try #require(try store.feeds().first)
        #expect(anew.base == frontier(20))
        #expect(anew.leaves == [batch(feed, 20).leaf])
        #expect(anew.first == 20)
    }

    @Test(arguments: StoreKind.allCases)
    func whatExceedsALimitIsRefused(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feed = try feed("VN-01")
        let last = UInt64(FormatLimits.batchesPerFeed) - 1
        let large = batch(feed, 0, size: FormatLimits.batchBytes + 1)
        #expect(storeError { try store.append([large]) }?.code == .limitExceeded)
        let note = ProvenBatch(
            feed: feed,
            number: 0,
            publication: Interval(1),
            bytes: [],
            leaf: Hash256(leaf: []),
            checkpoint: [UInt8](repeating: 0, count: FormatLimits.checkpointBytes + 1)
        )
        #expect(storeError { try store.append([note]) }?.code == .limitExceeded)
        let base = try #require(
            Frontier(size: last, hashes: Array(repeating: Hash256(leaf: []), count: last.nonzeroBitCount))
        )
        try store.append([batch(feed, last, size: FormatLimits.batchBytes)], base: base)
        #expect(storeError { try store.append([batch(feed, last + 1)]) }?.code == .limitExceeded)
        #expect(try store.batch(feed, last)?.bytes.count == FormatLimits.batchBytes)
    }

    @Test(arguments: StoreKind.allCases)
    func settingsAreKeptByName(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        try store.setSetting("index time", [1, 2, 3])
        try store.setSetting("empty", [])
        #expect(try store.setting("index time") == [1, 2, 3])
        #expect(try store.setting("empty") == [])
        #expect(try store.setting("Index time") == nil)
        try store.setSetting("index time", [4])
        #expect(try store.setting("index time") == [4])
    }

    @Test(arguments: StoreKind.allCases)
    func aClosedStoreSaysSo(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feed = try feed("VN-01")
        try store.append([batch(feed, 0)])
        try store.close()
        try store.close()
        #expect(storeError { _ = try store.feeds() }?.code == .closed)
        #expect(storeError { try store.append([batch(feed, 1)]) }?.code == .closed)
        #expect(storeError { _ = try store.batch(feed, 0) }?.code == .closed)
        #expect(storeError { _ = try store.drop(publishedAtOrBefore: Interval(0)) }?.code == .closed)
        #expect(storeError { _ = try store.setting("a") }?.code == .closed)
        #expect(storeError { try store.setSetting("a", []) }?.code == .closed)
    }

    @Test(arguments: StoreKind.allCases)
    func callsFromManyThreadsAreSerialised(kind: StoreKind) async throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feeds = try (1...8).map { try feed("VN-0\($0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for feed in feeds {
                group.addTask {
                    for number in 0..<UInt64(25) {
                        try store.append([batch(feed, number)])
                        _ = try store.feeds()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.feeds().map(\.count) == [UInt64](repeating: 25, count: 8))
    }
}
