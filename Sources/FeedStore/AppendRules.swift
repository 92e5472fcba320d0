import ExposureKeys
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
            throw StoreError(
                .outOfSequence,
                "\(feed) cannot begin at \(base.size): it still has \(held.counted("batch"))"
            )
        }
        guard base.size >= count else {
            throw StoreError(.outOfSequence, "\(feed) cannot begin at \(base.size): it has been at \(count)")
        }
    }

    /// The rule for what is put before the place where a feed begins.
    /// - Parameters:
    ///   - leaves: hashes from `base` on.
    ///   - begin: where the feed begins until now.
    ///   - first: first batch that it has.
    ///   - floor: below this nothing may return.
    static func admit(
        extending feed: FeedID,
        from base: Frontier,
        by leaves: [Hash256],
        to begin: Frontier,
        first: UInt64,
        floor: UInt64
    ) throws(StoreError) {
        guard first == begin.size, base.size >= floor else {
            throw StoreError(
                .outOfSequence,
                "\(feed) cannot be extended to \(base.size): batches from there were dropped"
            )
        }
        var frontier = base
        for leaf in leaves { frontier.append(leaf) }
        guard frontier == begin else {
            throw StoreError(
                .outOfSequence,
                "\(feed) cannot be extended to \(base.size): its hashes do not lead from there"
            )
        }
    }

    static func checkLimit(ofNumbersBelow end: UInt64, of feed: FeedID) throws(StoreError) {
        try check("batch numbers", end == 0 ? 0 : end - 1, below: FormatLimits.batchesPerFeed, of: feed)
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
