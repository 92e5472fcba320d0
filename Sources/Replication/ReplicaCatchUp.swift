import ExposureKeys
import FeedFormat

/// Newest first. Whoever is far behind takes the leaf hashes that lead to the newest batches, proves them by the
/// signature on those, stores both, and serves and passes on what comes; the batches between follow from several
/// neighbours at once (`attendToRepair`). Hashes and gaps are durable, so a restart goes on where it was. The same way
/// back: a feed that begins here above the first batch that a neighbour still has is completed downwards.
extension Replica {
    /// Batches left out at once: each needs its root, about 5 microseconds.
    private static let skipLimit: UInt64 = 16_384

    /// Fetches the hashes up to the newest batches, if many are missing.
    /// - Returns: false if the batches are to come in their order.
    mutating func startSkip(_ feed: FeedID, _ progress: FeedProgress, source: LinkID, now: Timestamp) -> Bool {
        guard let link = links[source], let peer = link.peer, let advert = link.holds[feed],
            progress.base?.skipped.isEmpty ?? true, progress.store == nil, !progress.comesInOrder,
            standing(of: feed) == nil,
            // Whoever may have boasted of what it has not is asked for what comes next.
            link.withoutHashes[feed] == nil, !link.isPulled
        else { return false }
        let next = progress.proven.next
        guard advert.first <= next else { return false }
        let end: UInt64
        if advert.count > next + max(settings.catchUpFrom, settings.batchesPerFetch) {
            end = min(advert.count - settings.batchesPerFetch, next + Replica.skipLimit)
        } else if advert.count > next + 1, isVain(link, for: feed) {
            // It says that it has the batch and does not give it: the only copy may have rotted.
            end = next + 1
        } else {
            return false
        }
        ask(source, for: feed, .skip, start: next, now: now) { .fetchLeaves($0, from: peer, feed, next..<end) }
        return true
    }

    /// Fetches, in a row and in vain, of a batch that a peer says it has, after which it is left out for now.
    private static let vainFetches = 2

    private func isVain(_ link: LinkProgress, for feed: FeedID) -> Bool {
        (link.failures[feed]?.count ?? 0) >= Replica.vainFetches
    }

    /// Whether a peer says that it has the batch that comes next, and has not failed to give it again and again.
    func isOffered(_ feed: FeedID, _ progress: FeedProgress) -> Bool {
        links.values.indices.contains { isSource($0, for: feed, progress) && !isVain(links.values[$0], for: feed) }
    }

    /// Whether the peer of the link at a position has batches behind others that it lacks, which come next here.
    func isBeyondGap(_ position: Int, for feed: FeedID, _ progress: FeedProgress) -> Bool {
        guard links.values[position].peer != nil, let advert = links.values[position].holds[feed],
            !progress.mayBegin, progress.base == nil, progress.store == nil, !progress.comesInOrder,
            standing(of: feed) == nil
        else { return false }
        let next = progress.proven.next
        return advert.first > next && advert.count > advert.first && advert.first - next <= Replica.skipLimit
    }

    /// Whom to ask where nobody offers the batch that comes next: it may be lost, or nobody has it yet. The shortest gap
    /// first.
    func sourceBeyondGap(for feed: FeedID, _ progress: FeedProgress, now: Timestamp) -> LinkID? {
        var best: (link: LinkID, first: UInt64)?
        if isOffered(feed, progress) { return nil }
        for position in links.keys.indices {
            guard isBeyondGap(position, for: feed, progress), let advert = links.values[position].holds[feed] else {
                continue
            }
            if let until = links.values[position].failures[feed]?.until, now < until { continue }
            if best.map({ advert.first < $0.first }) ?? true { best = (links.keys[position], advert.first) }
        }
        return best?.link
    }

    /// Fetches the hashes up to the first batch that the peer has.
    /// - Returns: false if it lacks nothing that comes before it.
    mutating func startSkipBeyondGap(
        _ feed: FeedID,
        _ progress: FeedProgress,
        source: LinkID,
        now: Timestamp
    ) -> Bool {
        guard let position = links.position(of: source), isBeyondGap(position, for: feed, progress),
            let peer = links.values[position].peer, let first = links.values[position].holds[feed]?.first
        else { return false }
        let next = progress.proven.next
        ask(source, for: feed, .skip, start: next, now: now) { .fetchLeaves($0, from: peer, feed, next..<first) }
        return true
    }

    /// Goes on behind batches that are left out; what follows them must prove the hashes.
    private mutating func finishSkip(_ fetch: PendingFetch, _ leaves: [Hash256]) {
        guard let progress = feeds[fetch.feed], progress.proven.next == fetch.start, progress.store == nil,
            progress.waiting.isEmpty, links[fetch.link] != nil, UInt64(leaves.count) <= Replica.skipLimit
        else { return }
        let (skipped, frontier) = Replica.follow(leaves, after: progress.proven.frontier)
        feeds.update(fetch.feed) { progress in
            progress.base = ClaimedFrontier(begin: progress.base?.begin, skipped: skipped, link: fetch.link)
            progress.proven = FeedTail(feed: fetch.feed, frontier: frontier)
        }
    }

    private static func follow(_ leaves: [Hash256], after start: Frontier) -> ([DamagedBatch], Frontier) {
        var frontier = start
        let batches = leaves.map { leaf in
            frontier.append(leaf)
            return DamagedBatch(number: frontier.size - 1, leaf: leaf, root: frontier.root)
        }
        return (batches, frontier)
    }

    // MARK: Downwards

    /// Asks for what comes before the place where a feed begins here, if a neighbour says that it has it. Where batches
    /// have been dropped here, what comes before them has expired as well.
    mutating func attendToBeginning(of feed: FeedID, now: Timestamp) {
        guard let progress = feeds[feed], progress.isLiving, progress.begin.size > progress.floor,
            progress.first == progress.begin.size, progress.fetch == nil, progress.store == nil, progress.base == nil,
            !progress.isBlocked, standing(of: feed) == nil, !isFrozen(feed), !isUnderReview(feed.region),
            let source = longestHistory(of: feed, before: progress.begin.size, now: now),
            let advert = links[source]?.holds[feed], let peer = links[source]?.peer
        else { return }
        let nearest = progress.begin.size - min(progress.begin.size, Replica.skipLimit)
        let start = max(advert.first, progress.floor, nearest)
        guard start > 0 else { return askBefore(source, feed, from: Frontier(), now: now) }
        ask(source, for: feed, .before, start: start, now: now) { .fetchFrontier($0, from: peer, feed, size: start) }
    }

    private mutating func longestHistory(of feed: FeedID, before number: UInt64, now: Timestamp) -> LinkID? {
        var best: (link: LinkID, first: UInt64)?
        for position in links.keys.indices where links.values[position].peer != nil {
            guard let advert = links.values[position].holds[feed], advert.first < number, advert.count >= number,
                best.map({ advert.first < $0.first }) ?? true
            else { continue }
            if let until = links.values[position].failures[feed]?.until, now < until {
                waits[feed] = waits[feed].map { min($0, until) } ?? until
                continue
            }
            best = (links.keys[position], advert.first)
        }
        return best?.link
    }

    private mutating func askBefore(_ link: LinkID, _ feed: FeedID, from frontier: Frontier, now: Timestamp) {
        guard let peer = links[link]?.peer, let end = feeds[feed]?.begin.size, frontier.size < end else { return }
        ask(link, for: feed, .before, start: frontier.size, frontier: frontier, now: now) {
            .fetchLeaves($0, from: peer, feed, frontier.size..<end)
        }
    }

    /// Where a neighbour's feed begins: its hashes from there on tell whether that is true.
    mutating func finishBefore(_ fetch: PendingFetch, _ frontier: Frontier, now: Timestamp) {
        guard feeds[fetch.feed]?.fetch == nil else { return }
        askBefore(fetch.link, fetch.feed, from: frontier, now: now)
    }

    private mutating func finishBefore(_ fetch: PendingFetch, _ leaves: [Hash256], now: Timestamp) {
        guard let progress = feeds[fetch.feed], let start = fetch.frontier, progress.first == progress.begin.size,
            progress.store == nil, progress.base == nil, progress.floor <= start.size
        else { return }
        let (skipped, frontier) = Replica.follow(leaves, after: start)
        guard frontier == progress.begin else {
            let reason = "\(fetch.feed): hashes of its first batches do not lead to where it begins here"
            return reject(fetch.feed, from: fetch.link, FormatError(.rootMismatch, reason), now: now)
        }
        let request = newRequest()
        stores[request] = PendingStore(
            feed: fetch.feed,
            batches: [],
            tail: progress.durable,
            begin: start,
            skipped: skipped
        )
        feeds.update(fetch.feed) { $0.store = request }
        effects.append(.extend(request, fetch.feed, base: start, skipped: leaves))
    }

    // MARK: Requests

    /// Hashes have come, or none.
    /// - Returns: false if they are those of a feed that ends.
    mutating func finishSkipped(_ fetch: PendingFetch, _ leaves: [Hash256], now: Timestamp) -> Bool {
        switch fetch.kind {
        case .skip: finishSkip(fetch, leaves)
        case .before: finishBefore(fetch, leaves, now: now)
        case .next, .pull, .repair: return false
        }
        return true
    }

    private mutating func ask(
        _ link: LinkID,
        for feed: FeedID,
        _ kind: PendingFetch.Kind,
        start: UInt64,
        frontier: Frontier? = nil,
        now: Timestamp,
        _ effect: (RequestID) -> ReplicaEffect
    ) {
        let request = newRequest()
        let deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
        fetches[request] = PendingFetch(
            feed: feed,
            link: link,
            start: start,
            deadline: deadline,
            kind: kind,
            frontier: frontier
        )
        feeds.update(feed) { $0.fetch = request }
        effects.append(effect(request))
    }
}
