public import ExposureKeys
public import FeedFormat

/// One feed as the store holds it.
public struct StoredFeed: Sendable, Equatable {
    public let feed: FeedID
    /// Frontier before the first leaf known here: empty unless this node joined after older batches were dropped.
    public let base: Frontier
    /// Leaf hashes from `base.size` on, never none; kept after their batches are dropped.
    public let leaves: [Hash256]
    /// First batch still held; equal to `count` if all are dropped.
    public let first: UInt64
    /// Numbers of batches from `first` on that have never been here, ascending: they are to come by `replace`.
    public let gaps: [UInt64]
    /// Below this number nothing is to come: the feed began anew here after all before had been dropped.
    public let floor: UInt64
    /// Bytes of the batches held.
    public let bytes: UInt64
    /// Publication interval of the newest batch, held or dropped.
    public let lastPublication: Interval

    public init(
        feed: FeedID,
        base: Frontier,
        leaves: [Hash256],
        first: UInt64,
        gaps: [UInt64] = [],
        floor: UInt64 = 0,
        bytes: UInt64,
        lastPublication: Interval
    ) {
        self.bytes = bytes
        self.gaps = gaps
        self.floor = floor
        self.feed = feed
        self.base = base
        self.leaves = leaves
        self.first = first
        self.lastPublication = lastPublication
    }

    /// Batches that the feed has, in the store's knowledge: the number that the next one must bear.
    public var count: UInt64 { base.size + UInt64(leaves.count) }
}

/// A node's durable record: batches with their checkpoints, leaf hashes, and a few named values.
///
/// Calls are synchronous and may wait for a disk, so callers keep them off event loops. They may come from several
/// threads; the store serialises them.
public protocol FeedStorage: Sendable {
    /// All feeds that have ever had a batch here, ascending by feed.
    func feeds() throws(StoreError) -> [StoredFeed]

    /// Appends batches, of several feeds if need be, each the next of its feed. All of them are durable when this
    /// returns; none is there if it throws.
    /// - Parameters:
    ///   - base: where the feed of the first batch begins, if that is above 0. A feed whose batches have all been
    ///     dropped may begin anew further on; hashes before that go.
    ///   - skipped: leaf hashes of batches of the first one's feed that go before it and come later, by `replace`.
    /// - Throws: `.outOfSequence` if a batch is not the next of its feed, or if the feed that is to begin still has
    ///   batches or has been beyond `base.size`; `.limitExceeded`, `.full`, `.io`.
    func append(_ batches: [ProvenBatch], base: Frontier?, skipped: [Hash256]) throws(StoreError)

    /// Puts leaf hashes before the place where a feed begins: it begins at `base` then. Their batches come later, by
    /// `replace`.
    /// - Throws: `.outOfSequence` if they do not lead from there to where it begins now, if batches of it have been
    ///   dropped, or if it began anew above `base`; `.limitExceeded`, `.full`, `.io`.
    func extend(_ feed: FeedID, base: Frontier, skipped: [Hash256]) throws(StoreError)

    /// - Returns: nil if the batch is dropped or has not come yet.
    /// - Throws: `.damaged` if its bytes no longer have the leaf hash they had.
    func batch(_ feed: FeedID, _ number: UInt64) throws(StoreError) -> ProvenBatch?

    /// Those of the batches that are still held, ascending. All are in memory at once: the caller bounds the range.
    /// - Throws: `.damaged` if the bytes of one no longer have the leaf hash they had.
    func batches(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [ProvenBatch]

    /// Those of the batches with these numbers that have been held and should be, but are missing or do not have their
    /// leaf hash.
    /// - Throws: `.corrupt` if more than their bytes is damaged.
    func damaged(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [UInt64]

    /// Puts bytes, leaf hashes and checkpoints of batches where damaged ones stand or gaps are, all or none; those that
    /// have been dropped meanwhile stay dropped. Unless all are gaps, checks first, through the whole file, that nothing
    /// but content is damaged, as repairing on top of anything else would make it worse.
    /// - Throws: `.corrupt` then, `.limitExceeded`, `.full`, `.io`.
    func replace(_ batches: [ProvenBatch]) throws(StoreError)

    /// Deletes bytes and checkpoints of batches published at or before `limit`, from the front of each feed up to
    /// the first batch published later; gaps between them go too. Their leaf hashes stay.
    /// - Returns: how many batches were deleted.
    func drop(publishedAtOrBefore limit: Interval) throws(StoreError) -> Int

    /// Ends feeds earlier than they are held: batches, checkpoints and leaf hashes behind that go for good, all of it
    /// in one transaction. The next batch then belongs where the feed ends. Feeds that are no longer are passed over.
    func cut(_ cuts: [FeedCut]) throws(StoreError)

    /// A small named value, such as the time of the last index.
    func setting(_ name: String) throws(StoreError) -> [UInt8]?

    /// Sets a named value; durable when this returns.
    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError)

    /// Ends the store's use of its file. Later calls throw `.closed`; closing again does nothing.
    func close() throws(StoreError)
}

extension FeedStorage {
    /// Appends batches, none of which are left out, of feeds that go on or begin at 0, unless `base` is given.
    public func append(_ batches: [ProvenBatch], base: Frontier? = nil) throws(StoreError) {
        try append(batches, base: base, skipped: [])
    }
}
