import ExposureKeys
import FeedFormat

/// When to ask whom for what.
extension Replica {
    /// Starts every fetch that is due, chooses a parent where there is none, and says when to look again.
    mutating func schedule(now: Timestamp) {
        var next: Timestamp?
        for feed in feeds.keys {
            guard let progress = feeds[feed], !progress.isBlocked, progress.fetch == nil else { continue }
            guard let source = bestSource(for: feed, beyond: progress.proven.next, now: now) else {
                feeds.update(feed) { $0.missingSince = nil }
                next = earlier(next, trustReturns(for: feed, beyond: progress.proven.next, now: now))
                continue
            }
            let due = dueTime(of: progress, source: source, now: now)
            if due <= now {
                startFetch(feed, progress, source: source, now: now)
            } else {
                next = earlier(next, due)
            }
        }
        for request in requests.values { next = earlier(next, request.deadline) }
        if let next { effects.append(.wake(next)) }
    }

    /// A fetch waits for the end of a pause after failures, and a moment for the push of a single batch.
    private func dueTime(of progress: FeedProgress, source: LinkID, now: Timestamp) -> Timestamp {
        var due = progress.retryAt ?? now
        let feed = progress.durable.feed
        let missing = (links[source]?.holds[feed]?.count ?? 0) - progress.proven.next
        if missing == 1, parents[feed.region] != nil, let since = progress.missingSince {
            due = max(due, since.advanced(byMilliseconds: settings.pushGrace))
        }
        return due
    }

    /// The link whose peer holds most of the feed beyond `count`; the parent's among equals, then the oldest.
    private func bestSource(for feed: FeedID, beyond count: UInt64, now: Timestamp) -> LinkID? {
        var best: (link: LinkID, count: UInt64)?
        for (id, link) in zip(links.keys, links.values) {
            guard let advert = link.holds[feed], advert.count > count, link.peer != nil else { continue }
            if let until = link.distrusted[feed], now < until { continue }
            guard let current = best, advert.count <= current.count else {
                best = (id, advert.count)
                continue
            }
            if advert.count == current.count, parents[feed.region] == id { best = (id, advert.count) }
        }
        return best?.link
    }

    /// When a peer that holds more of the feed may be asked again although its bytes did not verify.
    private func trustReturns(for feed: FeedID, beyond count: UInt64, now: Timestamp) -> Timestamp? {
        var next: Timestamp?
        for link in links.values where (link.holds[feed]?.count ?? 0) > count {
            if let until = link.distrusted[feed], now < until { next = earlier(next, until) }
        }
        return next
    }

    private func earlier(_ left: Timestamp?, _ right: Timestamp?) -> Timestamp? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    private mutating func startFetch(_ feed: FeedID, _ progress: FeedProgress, source: LinkID, now: Timestamp) {
        guard let link = links[source], let peer = link.peer, let advert = link.holds[feed] else { return }
        adopt(source, asParentOf: feed.region)
        let pending = PendingRequest(
            feed: feed,
            link: source,
            deadline: now.advanced(byMilliseconds: settings.fetchDeadline),
            stored: nil,
            batches: [],
            isPush: false
        )
        let request = newRequest(pending)
        feeds.update(feed) { $0.fetch = request }
        let next = progress.proven.next
        if advert.first > next {
            // What lies before was dropped everywhere; the frontier is proven by the first batch that follows it.
            effects.append(.fetchFrontier(request, from: peer, feed, size: advert.first))
        } else {
            let end = min(advert.count, next + settings.batchesPerFetch)
            effects.append(.fetchBatches(request, from: peer, feed, next..<end))
        }
    }

    /// Whoever has what is missing becomes the neighbour whose batches flow here unasked.
    private mutating func adopt(_ link: LinkID, asParentOf region: Region) {
        guard parents[region] != link, region != self.region else { return }
        if let former = parents[region] { effects.append(.send(former, .unsubscribe(region))) }
        parents[region] = link
        effects.append(.send(link, .subscribe(region)))
    }

    mutating func finishFrontier(
        _ request: RequestID,
        _ frontier: Frontier?,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard let pending = takeFetch(request) else { return }
        guard let frontier, frontier.size > 0 else {
            return postpone(pending.feed, now: now, random: &random)
        }
        feeds.update(pending.feed) { progress in
            // Only where nothing is held yet: a tail that has batches is never replaced.
            guard progress.count == 0, progress.proven.next == 0 else { return }
            progress.proven = FeedTail(feed: pending.feed, frontier: frontier)
            progress.base = frontier
        }
    }

    mutating func finishFetch(
        _ request: RequestID,
        _ received: [ReceivedBatch],
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard let pending = takeFetch(request) else { return }
        let taken = take(received, of: pending.feed, from: pending.link, isPush: false, now: now)
        if taken == 0 { postpone(pending.feed, now: now, random: &random) }
    }

    /// Gives up on requests that the shell has not answered in time.
    mutating func expireRequests(now: Timestamp, random: inout some RandomNumberGenerator) {
        for (request, pending) in zip(requests.keys, requests.values) {
            guard let deadline = pending.deadline, deadline <= now else { continue }
            _ = takeFetch(request)
            postpone(pending.feed, now: now, random: &random)
        }
    }

    private mutating func takeFetch(_ request: RequestID) -> PendingRequest? {
        guard let pending = requests[request], pending.stored == nil else { return nil }
        requests[request] = nil
        feeds.update(pending.feed) { if $0.fetch == request { $0.fetch = nil } }
        return pending
    }

    /// Doubles the pause before the next fetch of a feed, with jitter.
    mutating func postpone(_ feed: FeedID, now: Timestamp, random: inout some RandomNumberGenerator) {
        feeds.update(feed) { progress in
            let doubled = settings.retryPause << Int64(min(progress.failures, 10))
            let pause = min(doubled, settings.retryLimit)
            progress.failures += 1
            let due = now.advanced(byMilliseconds: pause + Int64.random(in: 0...(pause / 2), using: &random))
            // A batch from the future may already have set a later time.
            progress.retryAt = max(progress.retryAt ?? due, due)
        }
    }
}
