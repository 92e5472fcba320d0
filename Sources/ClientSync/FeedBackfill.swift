internal import ExposureKeys
internal import FeedFormat

/// Fetches the batches before those that a phone began with, from a node that still has them. What a node calls dropped
/// is its own word: it may have withheld batches that live. Leaf hashes that lead to the cursor prove each of them.
struct FeedBackfill {
    let context: FeedSync.Context
    let entry: IndexEntry
    private(set) var cursor: FeedCursor

    init(_ entry: IndexEntry, cursor: FeedCursor, context: FeedSync.Context) {
        self.context = context
        self.entry = entry
        self.cursor = cursor
    }

    /// Goes down from the cursor's first batch, and ends at the first one found to be expired.
    mutating func run(_ report: inout FeedReport) async throws {
        guard entry.first < cursor.first, entry.count >= cursor.first, let leaves = try await prove() else { return }
        var pending = FeedRange.covering(
            from: entry.first,
            to: cursor.first,
            maximumLevel: context.limits.rangeLevel
        )
        while cursor.first > entry.first, let range = pending.popLast() {
            guard let body = try await context.range(range, of: entry.feed) else {
                pending += range.halves
                continue
            }
            guard try await take(body, of: range, leaves, &report) else {
                report.isWaiting = true
                return
            }
        }
    }

    /// - Returns: nil if what the phone holds beyond the node's feed has gaps.
    private func prove() async throws -> StandingLeaves? {
        let end = min(cursor.size, entry.count)
        let own = try await heldLeaves(from: end)
        guard own.count == Int(cursor.size - end) else { return nil }
        let start = entry.first == 0 ? Frontier() : try await context.frontier(at: entry.first, of: entry.feed)
        let hashes = try await context.leaves(start.size..<end, of: entry.feed) + own
        let held = RosterRegion.Closure.Standing(
            epoch: entry.feed.epoch,
            size: cursor.size,
            root: cursor.frontier.root
        )
        guard let leaves = StandingLeaves(held, after: start, leaves: hashes) else {
            throw FormatError(
                .rootMismatch,
                "the hashes that \(context.node) gives do not lead to what this phone holds"
            )
        }
        return leaves
    }

    /// Leaf hashes of the batches that the phone holds from a number on. A thief of the region's key may have added to
    /// the feed at one node: then no other one ever reaches as far as the phone.
    private func heldLeaves(from number: UInt64) async throws -> [Hash256] {
        guard number < cursor.size else { return [] }
        let feed = entry.feed
        return try await context.storage.reduceBatches(of: feed.region, into: [Hash256]()) { leaves, batch in
            guard batch.feed == feed, batch.number == number + UInt64(leaves.count) else { return }
            leaves.append(Hash256(leaf: batch.bytes[...]))
        }
    }

    /// Proves, decodes and commits one range. The cursor stays where it is, its beginning moves.
    /// - Returns: false if a batch in it waits; nothing of the range is kept then.
    private mutating func take(
        _ bytes: [UInt8],
        of range: FeedRange,
        _ leaves: StandingLeaves,
        _ report: inout FeedReport
    ) async throws -> Bool {
        let body = try RangeBody(bytes[...], range: range)
        var step = FeedStep(
            feed: entry.feed,
            frontier: Frontier(),
            last: cursor.lastPublication,
            first: range.lowerBound
        )
        for (bytes, number) in zip(body.batches, range.lowerBound...) {
            guard leaves.contains(bytes, at: number) else {
                throw FormatError(.rootMismatch, "batch \(number) is not the one that the phone's cursor stands behind")
            }
            guard try step.take(try Batch(Array(bytes)), leaf: Hash256(leaf: bytes), context: context) else {
                return false
            }
        }
        let next = FeedCursor(
            feed: entry.feed,
            frontier: cursor.frontier,
            lastPublication: step.last,
            first: step.first
        )
        try await context.storage.commit(
            DeviceCommit(
                cursor: next,
                previousSize: cursor.size,
                batches: step.batches,
                checkpoint: nil,
                matched: step.matched
            )
        )
        cursor = next
        report.batches += step.batches.count
        report.keys += step.keys
        report.expired += step.expired
        await context.fetcher.ledger.committed(batches: step.batches.count, keys: step.keys)
        return true
    }
}

extension FeedSync.Context {
    /// Publication times of a feed do not fall, so nothing that follows a batch can have expired before it has.
    /// - Throws: `SyncError` with code `.withheld` if the node calls batches dropped that still matter.
    func checkGap(of entry: IndexEntry, after cursor: FeedCursor?) throws {
        guard let cursor, entry.first > cursor.size,
            !Expiry.isDropped(publishedAt: cursor.lastPublication, now: expiryNow)
        else { return }
        throw SyncError(
            .withheld,
            """
            feed \(entry.feed): \(node) says that it has dropped batches up to \(entry.first), but those from \
            \(cursor.size) on cannot be 15 days old yet; the cursor stays: sync with another node
            """
        )
    }
}
