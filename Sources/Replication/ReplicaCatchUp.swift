import ExposureKeys
import FeedFormat

/// Newest first. Whoever is far behind takes the leaf hashes that lead to the newest batches, proves them by the
/// signature on those, stores both, and serves and passes on what comes; the batches between follow from several
/// neighbours at once (`attendToRepair`). Hashes and gaps are durable, so a restart goes on where it was. The same way
/// back: a feed that begins here above the first batch that a neighbour still has is completed downwards.
extension Replica {
    /// Batches left out at once: once their hashes are proven each needs its root, about 5 microseconds, in which nothing
    /// else is done.
    static let skipLimit: UInt64 = 2048

    /// Fetches the hashes up to where a feed is to go on here with what a peer has, if that is not the batch that comes
    /// next.
    /// - Returns: false if the batches are to come in their order.
    mutating func startSkip(_ feed: FeedID, _ progress: FeedProgress, source: LinkID, now: Timestamp) -> Bool {
        guard let link = links[source], let peer = link.peer,
            let end = skipEnd(feed, progress, of: link, now: now)
        else { return false }
        let next = progress.proven.next
        ask(source, for: feed, .skip, next..<end, now: now) { .fetchLeaves($0, from: peer, feed, next..<end) }
        return true
    }

    /// The batch with which a peer is to go on, which must prove the hashes up to it: the newest ones if many are missing;
    /// after a vain question what lies behind that; where its feed begins if that is further on.
    /// - Returns: nil if the one that comes next is asked for.
    private func skipEnd(_ feed: FeedID, _ progress: FeedProgress, of link: LinkProgress, now: Timestamp) -> UInt64? {
        let next = progress.proven.next
        guard let advert = link.holds[feed], progress.base?.skipped == nil, progress.store == nil,
            standing(of: feed) == nil
        else { return nil }
        var end = next
        if advert.first > next {
            guard !progress.mayBegin, progress.base == nil else { return nil }
            end = max(advert.first, link.aim(feed, at: progress.origin) ?? 0)
        } else {
            // Whoever may have boasted of what it has not is asked for what comes next.
            guard link.withoutHashes[feed] == nil, !pulls(feed, from: link) else { return nil }
            if let aim = link.aim(feed, at: progress.origin) {
                end = max(next, aim)
            } else if progress.unusableProofs.isEmpty(now: now),
                advert.count > next + max(settings.catchUpFrom, settings.batchesPerFetch)
            {
                end = min(advert.count - settings.batchesPerFetch, next + Replica.skipLimit)
            }
        }
        guard end > next, let usable = progress.unusableProofs.usable(from: end, now: now) else { return nil }
        return usable < advert.count && usable - next <= Replica.skipLimit ? usable : nil
    }

    /// Fetches, in a row and in vain, of a batch that a peer says it has, after which it is left out for now.
    static let vainFetches = 2

    private func isVain(_ position: Int, for feed: FeedID, _ progress: FeedProgress) -> Bool {
        if let aim = links.values[position].aim(feed, at: progress.origin), aim > progress.proven.next { return true }
        return (links.values[position].failures[feed]?.count ?? 0) >= Replica.vainFetches
    }

    /// Whether a peer says that it has the batch that comes next, and has not failed to give it again and again.
    func isOffered(_ feed: FeedID, _ progress: FeedProgress) -> Bool {
        links.values.indices.contains { isSource($0, for: feed, progress) && !isVain($0, for: feed, progress) }
    }

    /// Whether the peer of the link at a position has batches behind others that it lacks, which come next here.
    func isBeyondGap(_ position: Int, for feed: FeedID, _ progress: FeedProgress) -> Bool {
        guard links.values[position].peer != nil, let advert = links.values[position].holds[feed],
            !progress.mayBegin, progress.base == nil, progress.store == nil, standing(of: feed) == nil
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
            if askingDue(position, for: feed, now: now) != nil { continue }
            if best.map({ advert.first < $0.first }) ?? true { best = (links.keys[position], advert.first) }
        }
        return best?.link
    }

    /// Goes on behind batches that are left out; what follows them must prove the hashes.
    private mutating func finishSkip(_ fetch: PendingFetch, _ leaves: [Hash256], now: Timestamp) {
        guard let progress = feeds[fetch.feed], progress.proven.next == fetch.start, progress.store == nil,
            progress.waiting.isEmpty, links[fetch.link] != nil, UInt64(leaves.count) <= Replica.skipLimit
        else { return }
        // Given back once a batch that follows proves them.
        charge(fetch.link, .hashes(leaves.count), now: now)
        let skipped = SkippedBatches(after: progress.proven.frontier, leaves: leaves)
        feeds.update(fetch.feed) { progress in
            progress.base = ClaimedFrontier(begin: progress.base?.begin, skipped: skipped, link: fetch.link)
            progress.proven = FeedTail(feed: fetch.feed, frontier: skipped.end)
        }
    }

    // MARK: Downwards

    /// Asks for what comes before the place where a feed begins here, if a neighbour may have it. Where batches have been
    /// dropped here, what comes before them has expired as well. A feed that a roster ends must have reached its end.
    mutating func attendToBeginning(of feed: FeedID, now: Timestamp) {
        guard let progress = feeds[feed], progress.isLiving, progress.begin.size > progress.floor,
            progress.first == progress.begin.size, progress.fetch == nil, progress.store == nil, progress.base == nil,
            !progress.isBlocked, standing(of: feed).map({ $0.size == progress.count }) ?? true, !isFrozen(feed),
            !isUnderReview(feed.region),
            let source = longestHistory(of: feed, before: progress.begin.size, now: now),
            let peer = links[source.link]?.peer
        else { return }
        let nearest = progress.begin.size - min(progress.begin.size, Replica.skipLimit)
        let start = max(source.first, progress.floor, nearest)
        guard start > 0 else { return askBefore(source.link, feed, from: Frontier(), now: now) }
        ask(source.link, for: feed, .before, start..<start, now: now) {
            .fetchFrontier($0, from: peer, feed, size: start)
        }
    }

    private func longestHistory(
        of feed: FeedID,
        before number: UInt64,
        now: Timestamp
    ) -> (link: LinkID, first: UInt64)? {
        var best: (link: LinkID, first: UInt64)?
        for position in links.keys.indices where links.values[position].peer != nil {
            guard let first = beginning(of: feed, at: position, now: now), first < number,
                links.values[position].holds[feed]?.count ?? 0 >= number, best.map({ first < $0.first }) ?? true
            else { continue }
            if let until = links.values[position].withoutBeginning[feed]?.until, now < until { continue }
            if budgetPause(of: links.values[position].peer ?? region, now: now) > 0 { continue }
            best = (links.keys[position], first)
        }
        return best
    }

    /// When whoever could not give what comes before a feed's beginning is asked again.
    func beginningDue(of feed: FeedID, _ progress: FeedProgress, now: Timestamp) -> Timestamp? {
        guard progress.begin.size > progress.floor, progress.first == progress.begin.size else { return nil }
        var due: Timestamp?
        for link in links.values where link.peer != nil {
            if let until = link.withoutBeginning[feed]?.until, now < until { due = earlier(due, until) }
        }
        return due
    }

    /// From where on a peer may have a feed. It adverts only what lies behind the last batch that it lacks, and that one may
    /// be lost for good: its index says more, and of an epoch that is younger than any batch may be nothing has expired.
    private func beginning(of feed: FeedID, at position: Int, now: Timestamp) -> UInt64? {
        guard let advert = links.values[position].holds[feed], advert.first < advert.count else { return nil }
        let began = Interval(unixSeconds: feed.epoch.startUnixSeconds)
        if !Expiry.isDropped(publishedAt: began, now: now.interval) { return 0 }
        return min(advert.first, links.values[position].earlierFirsts[feed] ?? .max)
    }

    private mutating func askBefore(_ link: LinkID, _ feed: FeedID, from frontier: Frontier, now: Timestamp) {
        guard let peer = links[link]?.peer, let end = feeds[feed]?.begin.size, frontier.size < end else { return }
        ask(link, for: feed, .before, frontier.size..<end, frontier: frontier, now: now) {
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
        let skipped = SkippedBatches(after: start, leaves: leaves)
        guard skipped.end == progress.begin else {
            charge(fetch.link, .hashes(leaves.count), now: now)
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
        case .skip: finishSkip(fetch, leaves, now: now)
        case .before: finishBefore(fetch, leaves, now: now)
        case .next, .pull, .repair: return false
        }
        return true
    }

    private mutating func ask(
        _ link: LinkID,
        for feed: FeedID,
        _ kind: PendingFetch.Kind,
        _ numbers: Range<UInt64>,
        frontier: Frontier? = nil,
        now: Timestamp,
        _ effect: (RequestID) -> ReplicaEffect
    ) {
        let request = newRequest()
        let deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
        fetches[request] = PendingFetch(
            feed: feed,
            link: link,
            start: numbers.lowerBound,
            end: numbers.upperBound,
            deadline: deadline,
            kind: kind,
            frontier: frontier
        )
        feeds.update(feed) { $0.fetch = request }
        effects.append(effect(request))
    }
}
