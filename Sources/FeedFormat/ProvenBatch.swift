public import ExposureKeys

/// A batch proven to belong at its place in its feed, with what a node keeps beside it.
public struct ProvenBatch: Equatable, Sendable {
    public let feed: FeedID
    /// Position in the feed, from 0; below `FormatLimits.batchesPerFeed`.
    public let number: UInt64
    /// Publication interval of the batch.
    public let publication: Interval
    /// The encoded batch, at most `FormatLimits.batchBytes`.
    public let bytes: [UInt8]
    /// Leaf hash of `bytes` (RFC 6962, 2.1).
    public let leaf: Hash256
    /// The signed note of size `number + 1`, at most `FormatLimits.checkpointBytes`.
    public let checkpoint: [UInt8]

    public init(
        feed: FeedID,
        number: UInt64,
        publication: Interval,
        bytes: [UInt8],
        leaf: Hash256,
        checkpoint: [UInt8]
    ) {
        self.feed = feed
        self.number = number
        self.publication = publication
        self.bytes = bytes
        self.leaf = leaf
        self.checkpoint = checkpoint
    }

    public init(_ written: FeedWriter.WrittenBatch, feed: FeedID) {
        self.init(
            feed: feed,
            number: written.batch.number,
            publication: written.batch.publication,
            bytes: written.batch.bytes,
            leaf: written.leaf,
            checkpoint: written.checkpoint.bytes
        )
    }
}

extension ProvenBatch {
    /// Whether the bytes are a batch of this number and publication: a store's row may say another than what it holds.
    public var isConsistent: Bool {
        guard let read = try? Batch(bytes) else { return false }
        return read.number == number && read.publication == publication
    }
}
