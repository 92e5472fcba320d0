internal import ExposureKeys
internal import FeedFormat

/// One commit in the making: the batches of a range that may be kept, and the frontier over those passed.
struct FeedStep {
    let feed: FeedID
    private(set) var frontier: Frontier
    private(set) var last: Interval
    /// As in `FeedCursor`.
    private(set) var first: UInt64
    private(set) var batches: [HeldBatch] = []
    /// What comparing them with this phone's sightings gave.
    private(set) var matched: [MatchedBatch] = []
    private(set) var keys = 0
    private(set) var expired = 0
    /// Roots at sizes that `interest` names, where the frontier is that of the feed.
    private(set) var roots: [KnownRoot] = []

    init(feed: FeedID, frontier: Frontier, last: Interval?, first: UInt64) {
        self.feed = feed
        self.frontier = frontier
        self.last = last ?? Interval(0)
        self.first = first
    }

    /// Takes the next batch, proven already to stand at `number`: keeps it, decoded to the last key before it counts, or
    /// passes it by as expired.
    /// - Returns: false if it claims to come from further ahead than is admitted and waits.
    /// - Throws: `FormatError` for a batch that may not stand there, though its region has signed it.
    mutating func take(
        _ batch: Batch,
        at number: UInt64,
        leaf: Hash256,
        context: FeedSync.Context
    ) throws(FormatError) -> Bool {
        guard batch.number == number else {
            throw FormatError(.wrongPosition, "\(feed): batch \(number) says that it is number \(batch.number)")
        }
        if Expiry.admission(publishedAt: batch.publication, now: Interval(unixSeconds: context.now)) == .wait {
            return false
        }
        if Expiry.isDropped(publishedAt: batch.publication, now: context.expiryNow) {
            expired += 1
            // What comes before has expired, too.
            first = 0
        } else {
            _ = try batch.predecessors()
            if let matcher = context.matcher {
                let result = try matcher.matched(batch, of: feed)
                keys += result.keys
                matched.append(result)
            } else {
                keys += try batch.keys().count + batch.bluezoneKeys().count
            }
            batches.append(
                HeldBatch(feed: feed, number: batch.number, publication: batch.publication, bytes: batch.bytes)
            )
        }
        frontier.append(leaf)
        last = max(last, batch.publication)
        if context.interest.contains(feed, frontier.size) {
            roots.append(KnownRoot(feed: feed, size: frontier.size, root: frontier.root))
        }
        return true
    }
}

extension FeedSync.Context {
    /// The same sync, with another node.
    func asking(_ fetcher: SyncFetcher) -> FeedSync.Context {
        FeedSync.Context(
            fetcher: fetcher,
            storage: storage,
            limits: limits,
            now: now,
            expiryNow: expiryNow,
            index: index,
            matcher: matcher
        )
    }

    /// What came of asking for a range.
    enum RangeAnswer {
        case body([UInt8])
        /// It is too large, or a batch of it is damaged at the node: what it is made of, lower first.
        case parts([FeedRange])
        /// The one batch of it is damaged at the node.
        case damaged(SyncError)
    }

    func range(_ range: FeedRange, of feed: FeedID) async throws -> RangeAnswer {
        let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/\(range.level)/\(range.index)"
        do {
            let limit = range.level > 0 ? min(limits.rangeBytes, limits.joinedRangeBytes) : limits.rangeBytes
            return .body(try await fetcher.get(path, limit: limit).body)
        } catch let error as SyncError where error.code == .bodyTooLarge && range.level > 0 {
            return .parts(range.halves)
        } catch let error as SyncError where error.code == .damaged {
            return range.level > 0 ? .parts(range.halves) : .damaged(error)
        }
    }

    /// A frontier as the node gives it, unproven.
    func frontier(at size: UInt64, of feed: FeedID) async throws -> Frontier {
        let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/frontier/\(size)"
        let frontier = try Frontier(bytes: try await fetcher.get(path, limit: 8 + 64 * 32).body[...])
        guard frontier.size == size else {
            throw FormatError(.wrongPosition, "the frontier at \(size) is one of \(frontier.size.counted("batch"))")
        }
        return frontier
    }

    /// Leaf hashes as the node gives them, unproven; also of batches that it has dropped.
    func leaves(_ numbers: Range<UInt64>, of feed: FeedID) async throws -> [Hash256] {
        var leaves: [Hash256] = []
        let ranges = FeedRange.covering(
            from: numbers.lowerBound,
            to: numbers.upperBound,
            maximumLevel: FeedSync.Context.hashLevel
        )
        for range in ranges {
            let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/hashes/\(range.level)/\(range.index)"
            let size = 32 << range.level
            let body = try await fetcher.get(path, limit: size).body
            guard body.count == size else {
                throw FormatError(.lyingLength, "\(body.count.counted("byte")) of hashes, \(size) belong to the range")
            }
            for offset in stride(from: 0, to: size, by: 32) {
                if let leaf = Hash256(bytes: body[offset..<offset + 32]) { leaves.append(leaf) }
            }
        }
        return leaves
    }

    /// Leaf hashes are asked for in ranges of at most 2^12, 128 KiB.
    private static let hashLevel = 12
}

extension FeedRange {
    /// The two ranges that make up this one, lower first; empty at level 0.
    var halves: [FeedRange] {
        [FeedRange(level: level - 1, index: index * 2), FeedRange(level: level - 1, index: index * 2 + 1)]
            .compactMap { $0 }
    }
}
