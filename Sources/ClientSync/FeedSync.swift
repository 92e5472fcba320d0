internal import ExposureKeys
internal import FeedFormat

/// Brings one feed from the phone's cursor to where the node's index says it is: fetch a range, verify it against the
/// region's checkpoint, decode it, commit it together with the cursor, and so on. What fails leaves the cursor where it
/// was, so the same or another node can go on from there.
struct FeedSync: FeedFollowing {
    /// What all feeds of a sync share.
    struct Context: Sendable {
        let fetcher: SyncFetcher
        let storage: any DeviceStorage
        let limits: SyncLimits
        /// Unix seconds.
        let now: Int64
        /// Decides what is too old to keep: the earlier of `now` and the index's time, so that a phone whose clock runs
        /// ahead passes nothing by that still matters.
        let expiryNow: Interval
        /// The whole index, for evidence.
        let index: [UInt8]
        /// Compares batches as they come in; nil to leave that for later.
        var matcher: SerialMatcher?
        /// Sizes at which the roots that the sync passes are noted.
        var interest = SizesOfInterest()

        var node: String { fetcher.transport.node }
    }

    let context: Context
    let entry: IndexEntry
    private let region: RosterRegion
    private var keys: [RosterRegion.Key] { region.keys }
    private(set) var cursor: FeedCursor?
    private var tail: FeedTail
    /// As in `FeedCursor`.
    private var first: UInt64
    var report: FeedReport

    init(_ entry: IndexEntry, region: RosterRegion, cursor: FeedCursor?, context: Context) {
        self.context = context
        self.entry = entry
        self.region = region
        self.cursor = cursor
        tail = FeedTail(feed: entry.feed, frontier: cursor?.frontier ?? Frontier())
        first = cursor?.first ?? 0
        report = FeedReport(feed: entry.feed, size: tail.next, nodeSize: entry.count)
    }

    mutating func advance() async throws {
        if entry.count <= tail.next { return try await compare() }
        if entry.first == entry.count { return }
        if entry.first > tail.next { try await bridge() }
        var pending = FeedRange.covering(
            from: tail.next,
            to: entry.count,
            maximumLevel: context.limits.rangeLevel
        )
        pending.reverse()
        var damage: SyncError?
        while let range = pending.popLast() {
            switch try await context.range(range, of: entry.feed) {
            case .parts(let parts):
                pending += parts.reversed()
            case .damaged(let error):
                damage = error
                try await pass(to: range.upperBound)
            case .body(let body):
                damage = nil
                if try await take(body, of: range) == .waits {
                    report.isWaiting = !report.isClosed
                    return
                }
            }
        }
        if let damage { throw damage }
        if !entry.rootPrefix.elementsEqual(tail.frontier.root.bytes.prefix(16)) {
            try await contradicted(at: tail.next, held: context.storage.checkpoint(of: entry.feed, size: tail.next))
        }
    }

    /// The node has no more than the phone: its root must be one that the phone knows.
    private mutating func compare() async throws {
        if entry.count == tail.next {
            if entry.rootPrefix.elementsEqual(tail.frontier.root.bytes.prefix(16)) { return }
            let held = try await context.storage.checkpoint(of: entry.feed, size: entry.count)
            return try await contradicted(at: entry.count, held: held)
        }
        guard let held = try await context.storage.checkpoint(of: entry.feed, size: entry.count),
            let signed = try? SignedCheckpoint(
                held[...],
                region: entry.feed.region,
                epoch: entry.feed.epoch,
                keys: keys
            ),
            !entry.rootPrefix.elementsEqual(signed.checkpoint.root.bytes.prefix(16))
        else { return }
        try await contradicted(at: entry.count, held: held)
    }

    /// Begins where the node's feed does, or goes on there. That what comes before has expired is the node's word: another
    /// one that has it is asked for it.
    private mutating func bridge() async throws {
        // A phone that knows the feed's beginning keeps that knowledge: a new frontier would drop it.
        if cursor != nil { return try await pass(to: entry.first) }
        tail = FeedTail(feed: entry.feed, frontier: try await context.frontier(at: entry.first, of: entry.feed))
        first = entry.first
    }

    /// Moves the tail over batches that the node does not give, by their hashes. What follows must prove these; until then
    /// nothing is committed.
    private mutating func pass(to end: UInt64) async throws {
        var frontier = tail.frontier
        for leaf in try await context.leaves(tail.next..<end, of: entry.feed) { frontier.append(leaf) }
        tail = FeedTail(feed: entry.feed, frontier: frontier)
        first = end
    }

    private enum Taken { case all, waits }

    /// Verifies, decodes and commits one range.
    private mutating func take(_ bytes: [UInt8], of range: FeedRange) async throws -> Taken {
        let body = try RangeBody(bytes[...], range: range)
        var proven = tail
        let verified: FeedTail.Verified
        do throws(FormatError) {
            verified = try proven.append(body.batches, checkpoint: body.checkpoint, keys: keys)
        } catch {
            // A node with an older roster still has it; nothing of it counts, and nothing is wrong with the node.
            if region.isClosed(body.checkpoint, of: entry.feed.epoch) {
                report.isClosed = true
                return .waits
            }
            if error.code == .rootMismatch, let cursor, cursor.size == tail.next {
                try await lookForFork(at: cursor.size)
            }
            throw error
        }
        var step = FeedStep(feed: entry.feed, frontier: tail.frontier, last: cursor?.lastPublication, first: first)
        for (batch, leaf) in zip(verified.batches, verified.leaves) {
            guard try step.take(batch, at: step.frontier.size, leaf: leaf, context: context) else { break }
        }
        let isWhole = step.frontier.size == proven.next
        if step.frontier.size > tail.next {
            try await commit(step, checkpoint: isWhole ? verified.checkpoint.bytes : nil)
        }
        return isWhole ? .all : .waits
    }

    private mutating func commit(_ step: FeedStep, checkpoint: [UInt8]?) async throws {
        let cursor = FeedCursor(
            feed: entry.feed,
            frontier: step.frontier,
            lastPublication: step.last,
            first: step.first
        )
        try await context.storage.commit(
            DeviceCommit(
                cursor: cursor,
                previousSize: self.cursor?.size,
                batches: step.batches,
                checkpoint: checkpoint,
                matched: step.matched
            )
        )
        self.cursor = cursor
        first = cursor.first
        tail = FeedTail(feed: entry.feed, frontier: step.frontier)
        report.size = cursor.size
        report.batches += step.batches.count
        report.keys += step.keys
        report.expired += step.expired
        report.roots += step.roots
        await context.fetcher.ledger.committed(batches: step.batches.count, keys: step.keys)
    }

    // MARK: - Contradictions

    /// The node's root at `size` is not the one that the phone has. If the node can show the region's signature for
    /// it, that is a fork; if not, it is the node's word against the region's.
    private mutating func contradicted(at size: UInt64, held: [UInt8]?) async throws {
        let shown = try await forkedCheckpoint(at: size, held: held)
        if let shown { try await keep(.fork, size: size, held: held, contradicting: shown.bytes) }
        try await keep(.indexClaim, size: size, held: held, contradicting: context.index)
    }

    /// After bytes that do not lead to the signed root: were they altered, or is the region's tree another one?
    private mutating func lookForFork(at size: UInt64) async throws {
        let held = try await context.storage.checkpoint(of: entry.feed, size: size)
        guard let shown = try await forkedCheckpoint(at: size, held: held) else { return }
        try await keep(.fork, size: size, held: held, contradicting: shown.bytes)
    }

    /// The checkpoint that the node has for a size, if the region signed it and its root is not ours.
    private func forkedCheckpoint(at size: UInt64, held: [UInt8]?) async throws -> SignedCheckpoint? {
        let region = entry.feed.region
        let epoch = entry.feed.epoch
        var root = tail.frontier.root
        if size != tail.next {
            guard let held, let ours = try? SignedCheckpoint(held[...], region: region, epoch: epoch, keys: keys) else {
                return nil
            }
            root = ours.checkpoint.root
        }
        guard size > 0, let range = FeedRange(level: 0, index: size - 1) else { return nil }
        let bytes: [UInt8]
        do {
            guard case .body(let answer) = try await context.range(range, of: entry.feed) else { return nil }
            bytes = answer
        } catch is SyncError {
            return nil
        }
        guard let body = try? RangeBody(bytes[...], range: range),
            let shown = try? SignedCheckpoint(body.checkpoint, region: region, epoch: epoch, keys: keys),
            shown.checkpoint.size == size, shown.checkpoint.root != root
        else { return nil }
        return shown
    }

    private mutating func keep(
        _ kind: Evidence.Kind,
        size: UInt64,
        held: [UInt8]?,
        contradicting: [UInt8]
    ) async throws {
        let evidence = Evidence(
            kind: kind,
            feed: entry.feed,
            size: size,
            held: held ?? [],
            contradicting: contradicting,
            node: context.node,
            found: context.now
        )
        try await context.storage.hold(evidence)
        report.evidence = evidence
        throw SyncError.contradiction(evidence)
    }
}

extension SyncError {
    static func contradiction(_ evidence: Evidence) -> SyncError {
        switch evidence.kind {
        case .fork:
            SyncError(
                .contradiction,
                """
                feed \(evidence.feed): its region has signed two different histories of \(evidence.size.counted("batch")); both \
                statements are kept, the feed is followed no more; tell the region and the authorities
                """
            )
        case .indexClaim:
            SyncError(
                .contradiction,
                """
                feed \(evidence.feed): \(evidence.node) claims another history of \(evidence.size.counted("batch")) than the \
                region has signed; its index is kept as evidence; sync with another node
                """
            )
        case .withheld, .replay:
            SyncError(.contradiction, "feed \(evidence.feed): \(evidence.node) contradicts what other nodes have said")
        }
    }
}
