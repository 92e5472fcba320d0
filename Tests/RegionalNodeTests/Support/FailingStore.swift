import ExposureKeys
import FeedFormat
import FeedStore
import Synchronization

/// A store whose list of feeds cannot be read a few times, beginning with the call after the first cut.
final class FailingStore: FeedStorage {
    private let base: any FeedStorage
    private let code: StoreError.Code
    /// Failures to come; nil before the first cut.
    private let state: Mutex<(times: Int, isArmed: Bool)>

    init(_ base: any FeedStorage, failingAfterCut times: Int, _ code: StoreError.Code) {
        self.base = base
        self.code = code
        state = Mutex((times, false))
    }

    func feeds() throws(StoreError) -> [StoredFeed] {
        let fails = state.withLock { state in
            guard state.isArmed, state.times > 0 else { return false }
            state.times -= 1
            return true
        }
        if fails { throw StoreError(code, "the test has the store fail") }
        return try base.feeds()
    }

    func cut(_ cuts: [FeedCut]) throws(StoreError) {
        try base.cut(cuts)
        if !cuts.isEmpty { state.withLock { $0.isArmed = true } }
    }

    func append(_ batches: [ProvenBatch], base start: Frontier?, skipped: [Hash256]) throws(StoreError) {
        try base.append(batches, base: start, skipped: skipped)
    }
    func extend(_ feed: FeedID, base start: Frontier, skipped: [Hash256]) throws(StoreError) {
        try base.extend(feed, base: start, skipped: skipped)
    }
    func batch(_ feed: FeedID, _ number: UInt64) throws(StoreError) -> ProvenBatch? { try base.batch(feed, number) }
    func batches(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [ProvenBatch] {
        try base.batches(feed, numbers)
    }
    func damaged(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [UInt64] {
        try base.damaged(feed, numbers)
    }
    func replace(_ batches: [ProvenBatch]) throws(StoreError) { try base.replace(batches) }
    func drop(publishedAtOrBefore limit: Interval) throws(StoreError) -> Int {
        try base.drop(publishedAtOrBefore: limit)
    }
    func setting(_ name: String) throws(StoreError) -> [UInt8]? { try base.setting(name) }
    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) { try base.setSetting(name, value) }
    func close() throws(StoreError) { try base.close() }
}
