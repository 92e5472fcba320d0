internal import ExposureKeys
internal import FeedFormat

/// Brings a feed that ends, since its key is closed, to the state that the roster lets stand. Signatures say nothing
/// here: whoever has the key can make them. Leaf hashes that lead to the root in the roster prove each batch.
struct StandingFeedSync: FeedFollowing {
    let context: FeedSync.Context
    let entry: IndexEntry
    private let standing: RosterRegion.Closure.Standing
    private(set) var cursor: FeedCursor?
    /// As in `FeedCursor`.
    private var lowest: UInt64
    var report: FeedReport

    init(
        _ entry: IndexEntry,
        standing: RosterRegion.Closure.Standing,
        cursor: FeedCursor?,
        context: FeedSync.Context
    ) {
        self.context = context
        self.entry = entry
        self.standing = standing
        self.cursor = cursor
        lowest = cursor?.first ?? 0
        report = FeedReport(feed: entry.feed, size: cursor?.size ?? 0, nodeSize: min(entry.count, standing.size))
    }

    mutating func advance() async throws {
        // A node that has less cannot show that it leads there; one that has dropped all has nothing to give.
        guard (cursor?.size ?? 0) < standing.size, entry.count >= standing.size else { return }
        guard entry.first < standing.size else { return }
        let (leaves, start) = try await prove()
        var frontier = start
        let first = max(start.size, entry.first)
        if cursor == nil || first > start.size { lowest = entry.first }
        for number in start.size..<first {
            if let leaf = leaves[number] { frontier.append(leaf) }
        }
        var pending = FeedRange.covering(
            from: first,
            to: standing.size,
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
                if let leaf = leaves[range.lowerBound] { frontier.append(leaf) }
                lowest = range.upperBound
            case .body(let body):
                damage = nil
                guard let reached = try await take(body, of: range, after: frontier, leaves) else {
                    report.isWaiting = true
                    return
                }
                frontier = reached
            }
        }
        if let damage { throw damage }
    }

    /// The leaf hashes from the cursor on, or from the feed's beginning if the cursor's history is not the one that
    /// stands: then what is held of it goes.
    private mutating func prove() async throws -> (leaves: StandingLeaves, start: Frontier) {
        if let cursor {
            let hashes = try await context.leaves(cursor.size..<standing.size, of: entry.feed)
            if let proven = StandingLeaves(standing, after: cursor.frontier, leaves: hashes) {
                return (proven, cursor.frontier)
            }
        }
        let start = entry.first == 0 ? Frontier() : try await context.frontier(at: entry.first, of: entry.feed)
        let hashes = try await context.leaves(start.size..<standing.size, of: entry.feed)
        guard let proven = StandingLeaves(standing, after: start, leaves: hashes) else {
            throw FormatError(
                .rootMismatch,
                "the hashes that \(context.node) gives do not lead to what the roster lets stand"
            )
        }
        if let cursor {
            try await context.storage.cut(entry.feed, expecting: cursor.size)
            self.cursor = nil
            report.size = 0
        }
        return (proven, start)
    }

    /// Proves, decodes and commits one range.
    /// - Returns: the frontier behind it; nil if a batch in it waits.
    private mutating func take(
        _ bytes: [UInt8],
        of range: FeedRange,
        after frontier: Frontier,
        _ leaves: StandingLeaves
    ) async throws -> Frontier? {
        let body = try RangeBody(bytes[...], range: range)
        var step = FeedStep(feed: entry.feed, frontier: frontier, last: cursor?.lastPublication, first: lowest)
        for (bytes, number) in zip(body.batches, range.lowerBound...) {
            guard leaves.contains(bytes, at: number) else {
                throw FormatError(.rootMismatch, "batch \(number) is not the one that stands")
            }
            let batch = try Batch(Array(bytes))
            let leaf = Hash256(leaf: bytes)
            guard try step.take(batch, at: number, leaf: leaf, context: context) else { break }
        }
        if step.frontier.size > frontier.size { try await commit(step) }
        return step.frontier.size == range.upperBound ? step.frontier : nil
    }

    private mutating func commit(_ step: FeedStep) async throws {
        let next = FeedCursor(feed: entry.feed, frontier: step.frontier, lastPublication: step.last, first: step.first)
        try await context.storage.commit(
            DeviceCommit(
                cursor: next,
                previousSize: cursor?.size,
                batches: step.batches,
                checkpoint: nil,
                matched: step.matched
            )
        )
        cursor = next
        lowest = next.first
        report.size = next.size
        report.batches += step.batches.count
        report.keys += step.keys
        report.expired += step.expired
        await context.fetcher.ledger.committed(batches: step.batches.count, keys: step.keys)
    }
}
