internal import ExposureKeys
internal import FeedFormat

/// Fetches batches that were passed by, from a node that has them. What a node calls dropped is its own word: it may have
/// withheld batches that live, or lost them. Leaf hashes that lead to the cursor prove each of them.
struct FeedBackfill {
    let context: FeedSync.Context
    let entry: IndexEntry
    private(set) var cursor: FeedCursor
    /// What is lacking before `cursor.first`.
    private var gaps = FeedGaps(below: 0, without: [])

    init(_ entry: IndexEntry, cursor: FeedCursor, context: FeedSync.Context) {
        self.context = context
        self.entry = entry
        self.cursor = cursor
    }

    /// Goes down from the cursor's first batch, and ends at the first one found to be expired. A feed of which batches are
    /// still lacking that cannot have expired has a problem then.
    mutating func run(_ report: inout FeedReport) async throws {
        guard cursor.first > 0 else { return }
        let held = try await context.storage.publications(of: entry.feed, below: cursor.first)
        gaps = FeedGaps(below: cursor.first, without: held.map(\.number))
        // Publication times of a feed do not fall: what comes before a batch that has expired has expired, and what
        // follows one that lives lives.
        let living = held.drop { Expiry.isDropped(publishedAt: $0.publication, now: context.expiryNow) }
        if let expired = held.prefix(held.count - living.count).last { gaps.remove(0..<expired.number) }
        if let damage = try await fill(&report) { throw damage }
        if let lowest = living.first, let lacking = gaps.from(lowest.number).first { throw withheld(lacking) }
    }

    /// - Returns: why a batch was not had, if the node has one that is damaged.
    private mutating func fill(_ report: inout FeedReport) async throws -> SyncError? {
        let wanted = gaps.from(entry.first)
        guard !wanted.isEmpty, entry.count >= cursor.first, let leaves = try await prove() else { return nil }
        var pending = wanted.flatMap {
            FeedRange.covering(from: $0.lowerBound, to: $0.upperBound, maximumLevel: context.limits.rangeLevel)
        }
        var damage: SyncError?
        while let range = pending.popLast() {
            switch try await context.range(range, of: entry.feed) {
            case .parts(let parts): pending += parts
            case .damaged(let error): damage = damage ?? error
            case .body(let body):
                switch try await take(body, of: range, leaves, &report) {
                case .all: break
                case .expired: return damage
                case .waits:
                    report.isWaiting = true
                    return damage
                }
            }
        }
        return damage
    }

    private func withheld(_ numbers: Range<UInt64>) -> SyncError {
        SyncError(
            .withheld,
            """
            feed \(entry.feed): \(context.node) does not give batches \(numbers.lowerBound) to \(numbers.upperBound - 1), \
            which cannot be 15 days old yet; what follows them was taken: sync with another node
            """
        )
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

    private enum Taken { case all, expired, waits }

    /// Proves, decodes and commits one range. The cursor stays where it is, its beginning moves. If a batch in it waits,
    /// nothing of it is kept; if one has expired, so have all before it.
    private mutating func take(
        _ bytes: [UInt8],
        of range: FeedRange,
        _ leaves: StandingLeaves,
        _ report: inout FeedReport
    ) async throws -> Taken {
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
            let batch = try Batch(Array(bytes))
            let leaf = Hash256(leaf: bytes)
            guard try step.take(batch, at: number, leaf: leaf, context: context) else {
                return .waits
            }
        }
        gaps.remove((step.expired > 0 ? 0 : range.lowerBound)..<range.upperBound)
        try await commit(step)
        report.batches += step.batches.count
        report.keys += step.keys
        report.expired += step.expired
        await context.fetcher.ledger.committed(batches: step.batches.count, keys: step.keys)
        return step.expired > 0 ? .expired : .all
    }

    private mutating func commit(_ step: FeedStep) async throws {
        let next = FeedCursor(
            feed: entry.feed,
            frontier: cursor.frontier,
            lastPublication: step.last,
            first: gaps.end
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
    }
}
