import ExposureKeys
import FeedFormat

/// Asking over the link itself, where a fetch leads nowhere: the roster's address of a region need not lead to whoever
/// dialled this node. It may be the second copy of a node, or stand behind an address that changed.
extension Replica {
    /// Whether the next fetch from a link goes over it: first where that was what worked last, and after each failure the
    /// other way. Whoever has answered a fetch is reached by it.
    func pulls(_ feed: FeedID, from link: LinkProgress) -> Bool {
        guard let failures = link.failures[feed] else { return link.isPulled }
        return !failures.hasAnswered && failures.count.isMultiple(of: 2) == link.isPulled
    }

    /// A neighbour asks for batches to be pushed. It gets at most as many as a fetch brings, one answer at a time.
    mutating func takePull(_ feed: FeedID, from number: UInt64, link: LinkID) {
        guard let progress = feeds[feed], shownFirst(progress) <= number, number < progress.count,
            links[link]?.isAnswering == false
        else { return }
        links.update(link) { $0.isAnswering = true }
        let end = min(progress.count, number + settings.batchesPerFetch)
        effects.append(.readBatches(link, feed, number..<end))
    }

    /// Pushes what was read; the last one pushed is what the neighbour has, so that what comes next follows on it.
    mutating func answerPull(_ link: LinkID, _ batches: [ProvenBatch], now: Timestamp) {
        links.update(link) { $0.isAnswering = false }
        guard links[link]?.peer != nil, let feed = batches.first?.feed, let last = batches.last?.number,
            let progress = feeds[feed]
        else { return }
        for batch in batches {
            let pushed = LinkFrame.PushedBatch(feed: feed, bytes: batch.bytes, checkpoint: batch.checkpoint)
            effects.append(.send(link, .batch(pushed)))
            charge(link, .answeredBytes(batch.bytes.count), now: now)
        }
        guard let advert = Advert(feed: feed, first: min(shownFirst(progress), last + 1), count: last + 1) else {
            return
        }
        links.update(link) { link in
            link.holds[feed] = advert
            link.pushedAt[feed] = now
        }
    }

    /// Another neighbour has what is waited for: nothing tells whether a pull will be answered.
    mutating func endPull(of feed: FeedID, since advert: Advert, from link: LinkID) {
        guard let request = feeds[feed]?.fetch, let fetch = fetches[request], fetch.kind == .pull, fetch.link != link,
            advert.count > fetch.start
        else { return }
        links.update(fetch.link) { $0.vain[feed] = fetch.start }
        fetches[request] = nil
        feeds.update(feed) { $0.fetch = nil }
    }

    /// What is being fetched from afar a nearer neighbour has now, or the fetch takes longer than it should: that one is
    /// asked too, over its link. Whoever brings it first brings it.
    mutating func hedge(_ feed: FeedID, with advert: Advert, from link: LinkID, now: Timestamp) {
        guard let next = feeds[feed]?.proven.next, let request = feeds[feed]?.fetch, let fetch = fetches[request],
            let expected = fetch.expected, fetch.hedges.count < settings.hedges, fetch.link != link,
            !fetch.hedges.contains(link), fetch.start == next, advert.first <= next, advert.count == next + 1,
            links[link]?.isDistrusted(for: feed, now: now) == false
        else { return }
        let arrival = now.advanced(byMilliseconds: links[link]?.roundTrip ?? settings.pushGrace)
        let isSooner = arrival.advanced(byMilliseconds: settings.hedgeLead) <= expected
        guard isSooner || expected.advanced(byMilliseconds: settings.hedgeLead) < now else { return }
        fetches.update(request) { fetch in
            fetch.hedges.append(link)
            fetch.expected = arrival
        }
        effects.append(.send(link, .pull(feed, from: next)))
    }

    /// A batch has come over a link. If it was asked for and is good, that is the way to this neighbour.
    /// - Returns: whether it was asked for.
    mutating func finishPull(of feed: FeedID, from link: LinkID, isTaken: Bool) -> Bool {
        guard let request = feeds[feed]?.fetch, let fetch = fetches[request],
            fetch.kind == .pull && fetch.link == link || fetch.hedges.contains(link) && isTaken
        else { return false }
        fetches[request] = nil
        feeds.update(feed) { $0.fetch = nil }
        guard isTaken else { return true }
        links.update(link) { progress in
            if fetch.kind == .pull { progress.isPulled = true }
            progress.failures[feed] = nil
        }
        adopt(link, asParentOf: feed.region)
        return true
    }
}
