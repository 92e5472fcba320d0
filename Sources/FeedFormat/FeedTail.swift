internal import ExposureKeys

/// Where a reader of one feed stands: the frontier over all batches so far. It takes the next batches together with the
/// checkpoint of the size they lead to, and either proves all of them or changes nothing.
public struct FeedTail: Equatable, Sendable {
    public let feed: FeedID
    public private(set) var frontier: Frontier

    /// - Parameter frontier: of the batches already held, or of those skipped because they are dropped everywhere; in
    ///   the latter case it is proven by the first `append`.
    public init(feed: FeedID, frontier: Frontier = Frontier()) {
        self.feed = feed
        self.frontier = frontier
    }

    /// Number of the batch that comes next.
    public var next: UInt64 { frontier.size }

    /// Verifies and takes the batches after the tail.
    /// - Parameters:
    ///   - batches: encoded batches with numbers `next`, `next + 1`, …; at least one.
    ///   - checkpoint: the signed note of the size reached.
    ///   - keys: the region's keys from the roster.
    /// - Returns: the batches with their headers read, and the checkpoint.
    /// - Throws: `FormatError`; the tail is then unchanged.
    public mutating func append(
        _ batches: [ArraySlice<UInt8>],
        checkpoint: ArraySlice<UInt8>,
        keys: [RosterRegion.Key]
    ) throws(FormatError) -> Verified {
        try append(batches, checkpoint: checkpoint, keys: keys, checks: .plain)
    }

    package mutating func append(
        _ batches: [ArraySlice<UInt8>],
        checkpoint: ArraySlice<UInt8>,
        keys: [RosterRegion.Key],
        checks: FeedChecks
    ) throws(FormatError) -> Verified {
        let signed = try checks.checkpoint(checkpoint, feed, keys)
        var advanced = frontier
        var leaves: [Hash256] = []
        for batch in batches {
            let leaf = Hash256(leaf: batch)
            leaves.append(leaf)
            advanced.append(leaf)
        }
        guard signed.checkpoint.size == advanced.size else {
            throw FormatError(
                .wrongPosition,
                "\(feed): a checkpoint of size \(signed.checkpoint.size) came with the batches that lead to \(advanced.size)"
            )
        }
        guard signed.checkpoint.root == advanced.root else {
            throw FormatError(
                .rootMismatch,
                "\(feed): the bytes up to batch \(advanced.size - 1) are not those that were signed"
            )
        }
        var parsed: [Batch] = []
        for (offset, bytes) in batches.enumerated() {
            let batch = try Batch(Array(bytes))
            guard batch.number == next + UInt64(offset) else {
                throw FormatError(
                    .wrongPosition,
                    "\(feed): the batch at position \(next + UInt64(offset)) says it is number \(batch.number)"
                )
            }
            parsed.append(batch)
        }
        frontier = advanced
        return Verified(batches: parsed, leaves: leaves, checkpoint: signed)
    }

    /// Batches proven to belong where they stand.
    public struct Verified: Sendable {
        public let batches: [Batch]
        /// Leaf hash of each batch.
        public let leaves: [Hash256]
        public let checkpoint: SignedCheckpoint
    }
}
