/// The two costly checks of a batch that arrives: the signature of its checkpoint, and its content. A simulator that runs
/// many nodes in one process passes in a form that remembers what it has checked; everybody else uses `plain`.
package struct FeedChecks: Sendable {
    package typealias Checkpoint =
        @Sendable (ArraySlice<UInt8>, FeedID, [RosterRegion.Key]) throws(FormatError) -> SignedCheckpoint
    package typealias Content = @Sendable (Batch, Hash256) throws(FormatError) -> Void

    /// Reads and verifies a checkpoint's note.
    package let checkpoint: Checkpoint
    /// Reads all that a batch, known by its leaf hash, holds.
    package let content: Content

    package init(checkpoint: @escaping Checkpoint, content: @escaping Content) {
        self.checkpoint = checkpoint
        self.content = content
    }

    package static let plain = FeedChecks(
        checkpoint: { (bytes, feed, keys) throws(FormatError) in
            try SignedCheckpoint(bytes, region: feed.region, epoch: feed.epoch, keys: keys)
        },
        content: { (batch, _) throws(FormatError) in
            _ = try batch.keys()
            _ = try batch.bluezoneKeys()
            _ = try batch.predecessors()
        }
    )
}
