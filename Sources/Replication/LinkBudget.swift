/// So many at once, and so many a minute.
struct TokenBucket: Sendable {
    private let burst: Int64
    private let perMinute: Int64
    /// What is there, in sixty-thousandths: each millisecond brings `perMinute` of them.
    private var level: Int64
    private var filledAt: Int64

    init(burst: Int64, perMinute: Int64, now: Timestamp) {
        (self.burst, self.perMinute) = (burst, perMinute)
        level = burst * TokenBucket.token
        filledAt = now.elapsed
    }

    /// - Returns: false if none is left.
    mutating func take(now: Timestamp) -> Bool {
        let full = burst * TokenBucket.token
        let passed = min(max(0, now.elapsed &- filledAt), full / perMinute + 1)
        level = min(full, level + passed * perMinute)
        filledAt = now.elapsed
        guard level >= TokenBucket.token else { return false }
        level -= TokenBucket.token
        return true
    }

    private static let token: Int64 = 60_000
}

/// What one link may make this node do: frames that cost a signature's verification or a large answer, each sort by
/// itself, several times as many as any honest peer sends. What comes beyond is passed over; sixteen times as much ends
/// the link. Batches, adverts and subscriptions need none: what they can cause is bounded where it happens.
struct LinkBudget: Sendable {
    enum Sort: Int, CaseIterable, Sendable {
        case index, relayedIndex, roster, pull, fork, checkpoint, digest, holdings
        /// Holdings that this node sends for the peer's digests.
        case answer
    }

    enum Verdict: Equatable, Sendable {
        case take, passOver, close
    }

    private struct Buckets: Sendable {
        var soft: TokenBucket
        var hard: TokenBucket
    }

    private var buckets: [Buckets?] = Array(repeating: nil, count: Sort.allCases.count)
    /// Regions in the roster when the link opened: of some frames an honest peer sends one for each.
    private let regions: Int64

    init(regions: Int) { self.regions = Int64(regions) }

    mutating func take(_ sort: Sort, now: Timestamp) -> Verdict {
        var buckets = buckets[sort.rawValue] ?? fresh(sort, now: now)
        defer { self.buckets[sort.rawValue] = buckets }
        guard buckets.hard.take(now: now) else { return .close }
        return buckets.soft.take(now: now) ? .take : .passOver
    }

    private func fresh(_ sort: Sort, now: Timestamp) -> Buckets {
        let (burst, perMinute) = rate(of: sort)
        return Buckets(
            soft: TokenBucket(burst: burst, perMinute: perMinute, now: now),
            hard: TokenBucket(burst: LinkBudget.patience * burst, perMinute: LinkBudget.patience * perMinute, now: now)
        )
    }

    /// How many at once, and a minute.
    private func rate(of sort: Sort) -> (Int64, Int64) {
        switch sort {
        case .index: (32, 6)
        case .relayedIndex: (32, 24)
        case .roster: (16, 12)
        case .pull: (256, 1200)
        case .fork: (regions + 16, 60)
        case .checkpoint: (regions + 16, 60)
        case .digest: (64, 60)
        case .holdings: (32, 30)
        case .answer: (16, 12)
        }
    }

    private static let patience: Int64 = 16
}

extension LinkBudget.Sort {
    /// Nil for frames that need no budget.
    init?(_ frame: LinkFrame) {
        switch frame {
        case .index: self = .index
        case .relayedIndex: self = .relayedIndex
        case .roster: self = .roster
        case .pull: self = .pull
        case .fork: self = .fork
        case .checkpoint: self = .checkpoint
        case .digest: self = .digest
        case .holdings: self = .holdings
        case .hello, .adverts, .subscribe, .unsubscribe, .batch, .unknown: return nil
        }
    }
}

extension Replica {
    /// Whether a frame is within what its sender may cause. The link ends if it is far beyond.
    mutating func isWithinBudget(_ frame: LinkFrame, from link: LinkID, now: Timestamp) -> Bool {
        guard let sort = LinkBudget.Sort(frame) else { return true }
        switch budgets.update(link, { $0.take(sort, now: now) }) ?? .take {
        case .take: return true
        case .passOver:
            framesPassedOver += 1
            return false
        case .close:
            close(link, "it sent far more frames of one sort than any node needs to (\(sort))")
            return false
        }
    }

    /// Whether the peer's digests may cost another answer.
    mutating func mayAnswer(_ link: LinkID, now: Timestamp) -> Bool {
        let isAllowed = budgets.update(link) { $0.take(.answer, now: now) } == .take
        if !isAllowed { framesPassedOver += 1 }
        return isAllowed
    }
}
