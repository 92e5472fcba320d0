import ExposureKeys
import FeedFormat
import FeedStore
import Testing

/// Ending feeds earlier than they are held.
@Suite struct FeedCutTests {
    @Test(arguments: StoreKind.allCases)
    func whatIsCutOffIsGoneAndTheFeedGoesOnFromThere(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let (one, two) = (try feed("VN-01"), try feed("VN-02"))
        try store.append((0..<6).map { batch(one, $0) } + (0..<2).map { batch(two, $0) })
        let other = try #require(try store.feeds().last)
        try store.cut([FeedCut(one, to: 4)])
        let left = try #require(try store.feeds().first)
        #expect(left.count == 4 && left.first == 0)
        #expect(left.leaves == (0..<4).map { batch(one, $0).leaf })
        #expect(left.lastPublication == Interval(1003))
        #expect(try store.feeds().last == other)
        #expect(try store.batches(one, 0..<9).map(\.number) == [0, 1, 2, 3])
        // Nothing to cut.
        try store.cut([FeedCut(one, to: 4), FeedCut(one, to: 9), FeedCut(try feed("VN-03"), to: 0)])
        #expect(try store.feeds().first == left)
        let next = batch(one, 4, publication: 5000)
        try store.append([next])
        #expect(try store.batch(one, 4) == next)
    }

    @Test(arguments: StoreKind.allCases)
    func aFeedThatIsForgottenMayBeginAgain(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let (one, two) = (try feed("VN-01"), try feed("VN-02"))
        try store.append([batch(one, 5), batch(one, 6), batch(two, 0)], base: frontier(5))
        // At or before its base nothing is left, either.
        try store.cut([FeedCut(one, to: 5), FeedCut(two, to: 0)])
        #expect(try store.feeds().isEmpty)
        #expect(try store.batches(one, 0..<9).isEmpty)
        try store.append([batch(one, 0), batch(one, 1)])
        #expect(try store.feeds().map(\.count) == [2])
        try store.append([batch(two, 3)], base: frontier(3))
        #expect(try store.feeds().map(\.count) == [2, 4])
    }

    /// Dropped batches leave their hashes; a cut among those leaves a feed without batches.
    @Test(arguments: StoreKind.allCases)
    func cutsAmongDroppedBatches(kind: StoreKind) throws {
        let scratch = try Scratch()
        let store = try scratch.store(kind)
        let feed = try feed("VN-01")
        try store.append((0..<6).map { batch(feed, $0) })
        #expect(try store.drop(publishedAtOrBefore: Interval(1003)) == 4)
        try store.cut([FeedCut(feed, to: 5)])
        #expect(try store.feeds().map(\.first) == [4])
        #expect(try store.batches(feed, 0..<9).map(\.number) == [4])
        try store.cut([FeedCut(feed, to: 3)])
        let left = try #require(try store.feeds().first)
        #expect(left.count == 3 && left.first == 3 && left.leaves.count == 3)
        #expect(try store.batches(feed, 0..<9).isEmpty)
    }

    /// All or nothing, and on the disk when it returns.
    @Test func cutsOutliveTheProcess() throws {
        let scratch = try Scratch()
        let feed = try feed("VN-01")
        let store = try SQLiteFeedStore(path: scratch.path)
        try store.append((0..<6).map { batch(feed, $0) })
        try store.cut([FeedCut(feed, to: 2)])
        try store.close()
        let again = try SQLiteFeedStore(path: scratch.path)
        #expect(try again.feeds().map(\.count) == [2])
    }
}
