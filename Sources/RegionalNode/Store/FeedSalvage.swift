internal import FeedFormat
internal import FeedStore

/// What can be taken over of one feed of a broken store, piece by piece.
struct FeedSalvage {
    /// What one append takes.
    struct Piece {
        var batches: [ProvenBatch] = []
        var base: Frontier?
        /// Hashes of batches before the first of `batches` that are not there.
        var skipped: [Hash256] = []
    }

    private let feed: StoreInspection.Feed
    private let rule: FeedRule
    private let old: StoreInspection
    /// Whether the hashes lead to the root that the roster names: then each batch is proven by its hash alone.
    private let isVouchedFor: Bool
    private var tail: FeedTail
    private var isFirst = true
    private var isOver = false

    /// - Parameter start: frontier before the first batch that should be held.
    init(_ feed: StoreInspection.Feed, start: Frontier, rule: FeedRule, old: StoreInspection) {
        self.feed = feed
        self.rule = rule
        self.old = old
        if let standing = rule.standing, start.size <= standing.size {
            let leaves = (start.size..<standing.size).compactMap { feed.leaf($0) }
            isVouchedFor = StandingLeaves(standing, after: start, leaves: leaves) != nil
        } else {
            isVouchedFor = false
        }
        tail = FeedTail(feed: feed.feed, frontier: start)
    }

    /// - Parameter bytes: of batches after which a piece ends, more or less.
    /// - Returns: nil when there is nothing more.
    mutating func next(bytes limit: Int) -> Piece? {
        var piece = Piece()
        var bytes = 0
        // Where no roster vouches for the hashes, only the first batches that are not there may be left out: what comes
        // behind is proven by its checkpoint.
        while !isOver, bytes <= limit, tail.next < min(feed.numbers.upperBound, rule.end ?? .max) {
            let number = tail.next
            if let batch = prove(number) {
                let begin = number - UInt64(piece.skipped.count)
                if isFirst, piece.batches.isEmpty, begin > 0 { piece.base = base(before: begin) }
                piece.batches.append(batch)
                bytes += batch.bytes.count
            } else if let leaf = feed.leaf(number), mayLeaveOut(number, piece) {
                // Hashes are put before batches only: what is there already goes first.
                if !piece.batches.isEmpty { break }
                var frontier = tail.frontier
                frontier.append(leaf)
                tail = FeedTail(feed: feed.feed, frontier: frontier)
                if isVouchedFor { piece.skipped.append(leaf) }
            } else {
                isOver = true
            }
        }
        guard !piece.batches.isEmpty else { return nil }
        isFirst = false
        return piece
    }

    private func mayLeaveOut(_ number: UInt64, _ piece: Piece) -> Bool {
        if isVouchedFor { return true }
        return isFirst && piece.batches.isEmpty && old.batch(number, of: feed) == nil
    }

    /// The frontier before a batch, from hashes that are there.
    private func base(before number: UInt64) -> Frontier? {
        var frontier = feed.base
        for before in feed.base.size..<number {
            guard let leaf = feed.leaf(before) else { return nil }
            frontier.append(leaf)
        }
        return frontier
    }

    private mutating func prove(_ number: UInt64) -> ProvenBatch? {
        guard let found = old.batch(number, of: feed),
            !isVouchedFor || feed.leaf(number) == found.leaf,
            let verified = try? tail.append([found.bytes[...]], checkpoint: found.checkpoint[...], keys: rule.keys),
            let batch = verified.batches.first, let leaf = verified.leaves.first
        else { return nil }
        return ProvenBatch(
            feed: feed.feed,
            number: number,
            publication: batch.publication,
            bytes: found.bytes,
            leaf: leaf,
            checkpoint: found.checkpoint
        )
    }
}
