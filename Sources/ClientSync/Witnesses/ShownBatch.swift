internal import ExposureKeys
internal import FeedFormat

/// The last batch of a claim and the region's signature over all up to it, as some node shows them: enough to tell that
/// a feed has reached a size, with a root, and when.
struct ShownBatch: Sendable {
    let checkpoint: SignedCheckpoint
    /// When it was published; nil if nobody can read what is in it. No node takes such a batch, nor what follows it.
    let publication: Interval?

    enum Answer: Sendable {
        case shown(ShownBatch)
        /// The node answered, but not with what would prove it.
        case refused
        /// The node says that it has dropped it.
        case gone
        /// No answer came.
        case silent
    }

    /// Asks a node for it. The frontier before the batch comes from the same node: with the batch it must give the
    /// signed root, so nothing in it needs to be believed.
    /// - Throws: `CancellationError`.
    static func ask(
        for feed: FeedID,
        at size: UInt64,
        of region: RosterRegion,
        in context: FeedSync.Context
    ) async throws -> Answer {
        guard size > 0, let range = FeedRange(level: 0, index: size - 1) else { return .refused }
        do {
            guard case .body(let bytes) = try await context.range(range, of: feed) else { return .refused }
            let body = try RangeBody(bytes[...], range: range)
            let signed = try SignedCheckpoint(
                body.checkpoint,
                region: feed.region,
                epoch: feed.epoch,
                keys: region.keys
            )
            var frontier = Frontier()
            if size > 1 { frontier = try await context.frontier(at: size - 1, of: feed) }
            guard let batch = body.batches.first, signed.checkpoint.size == size else { return .refused }
            let leaf = Hash256(leaf: batch)
            frontier.append(leaf)
            guard frontier.root == signed.checkpoint.root else { return .refused }
            let publication = publication(of: Array(batch), leaf, number: size - 1)
            return .shown(ShownBatch(checkpoint: signed, publication: publication))
        } catch let error as SyncError where error.code == .gone {
            return .gone
        } catch let error as SyncError {
            return [.noAnswer, .limitReached].contains(error.code) ? .silent : .refused
        } catch is FormatError {
            return .refused
        }
    }

    /// - Returns: nil if a node or a phone that came upon the batch would not take it, whenever that was.
    private static func publication(of bytes: [UInt8], _ leaf: Hash256, number: UInt64) -> Interval? {
        do {
            let batch = try Batch(bytes)
            guard batch.number == number else { return nil }
            try FeedChecks.plain.content(batch, leaf)
            return batch.publication
        } catch {
            return nil
        }
    }
}
