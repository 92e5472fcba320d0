import FeedFormat

/// What every store demands of appended batches, whatever it keeps them in.
struct AppendRules {
    /// Number that the next batch of each feed touched so far must bear.
    private var next: [FeedID: UInt64] = [:]

    /// Admits the batches of one append, one by one, in their order.
    /// - Parameter count: batches that the feed has in the store before this append.
    mutating func admit(_ batch: ProvenBatch, count: UInt64) throws(StoreError) {
        let expected = next[batch.feed] ?? count
        guard batch.number == expected else {
            throw StoreError(
                .outOfSequence,
                "batch \(batch.number) of \(batch.feed) was to be stored where batch \(expected) belongs"
            )
        }
        try AppendRules.checkLimits(of: batch)
        next[batch.feed] = batch.number + 1
    }

    /// The rules for one batch by itself.
    static func checkLimits(of batch: ProvenBatch) throws(StoreError) {
        try check("batch numbers", batch.number, below: FormatLimits.batchesPerFeed, of: batch.feed)
        try check("bytes of a batch", batch.bytes.count, upTo: FormatLimits.batchBytes, of: batch.feed)
        try check("bytes of a checkpoint", batch.checkpoint.count, upTo: FormatLimits.checkpointBytes, of: batch.feed)
    }

    /// The rule for a frontier from which a feed is to begin, or to begin anew.
    /// - Parameters:
    ///   - held: batches that the feed still has here.
    ///   - count: batches that it has had, dropped ones included.
    static func admit(_ base: Frontier, of feed: FeedID, held: UInt64, count: UInt64) throws(StoreError) {
        guard held == 0 else {
            throw StoreError(.outOfSequence, "\(feed) cannot begin at \(base.size): it still has \(held) batches")
        }
        guard base.size >= count else {
            throw StoreError(.outOfSequence, "\(feed) cannot begin at \(base.size): it has been at \(count)")
        }
    }

    private static func check(
        _ what: StaticString,
        _ value: UInt64,
        below limit: Int,
        of feed: FeedID
    ) throws(StoreError) {
        guard value < UInt64(limit) else {
            throw StoreError(.limitExceeded, "\(what) of \(feed) end below \(limit), this is \(value)")
        }
    }

    private static func check(
        _ what: StaticString,
        _ value: Int,
        upTo limit: Int,
        of feed: FeedID
    ) throws(StoreError) {
        guard value <= limit else {
            throw StoreError(.limitExceeded, "\(what) of \(feed): \(value), more than \(limit)")
        }
    }
}
