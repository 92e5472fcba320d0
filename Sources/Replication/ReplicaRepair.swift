import ExposureKeys
import FeedFormat

/// A replacement that the store is making.
struct PendingReplacement: Sendable {
    let feed: FeedID
    /// Of those that were not held before.
    let newBytes: UInt64
    let numbers: [UInt64]
}

/// Fetching what lies below a feed's end and is not here: what the disk has lost, and what was left out on the way to the
/// newest batches. From several neighbours at once; the feed's tail does not depend on it and goes on meanwhile.
extension Replica {
    /// How many fetches of one feed, and of all, may be under way.
    private static let repairsOfFeed = 4
    private static let repairsAtOnce = 8

    mutating func takeDamaged(_ feed: FeedID, _ batches: [DamagedBatch]) {
        guard let progress = feeds[feed] else { return }
        want(batches.filter { progress.first <= $0.number && $0.number < progress.count }, of: feed, isGap: false)
    }

    mutating func want(_ batches: [DamagedBatch], of feed: FeedID, isGap: Bool) {
        guard !batches.isEmpty else { return }
        var repair = repairs[feed] ?? FeedRepair()
        for batch in batches { repair.want(batch, isGap: isGap) }
        repairs[feed] = repair
        touched.append(feed)
    }

    /// The first batch of a feed that neighbours may be told of: behind all that was never here.
    func shownFirst(_ progress: FeedProgress) -> UInt64 {
        guard let repair = repairs[progress.durable.feed] else { return progress.first }
        return min(max(progress.first, repair.shownFrom), progress.count)
    }

    /// The same of the feed at a position, whose progress is copied only where batches are missing.
    func shownFirst(at position: Int) -> UInt64 {
        repairs.isEmpty ? feeds.values[position].first : shownFirst(feeds.values[position])
    }

    /// Starts the fetches of a feed's missing batches for which there is somebody to ask, newest batches first.
    mutating func attendToRepair(of feed: FeedID, now: Timestamp) {
        guard var repair = repairs[feed], !isUnderReview(feed.region) else { return }
        if repair.isEmpty { return repairs[feed] = nil }
        if repair.shownFrom > 0, isOverQuota(feed.region) { return holdBack(feed) }
        if let retryAt = repair.retryAt, now < retryAt { return }
        repair.retryAt = nil
        var (asked, total) = repairFetches(of: feed)
        var end = UInt64.max
        while asked.count < Replica.repairsOfFeed, total < Replica.repairsAtOnce,
            let run = repair.newestRun(below: end, limit: settings.batchesPerFetch)
        {
            end = run.lowerBound
            guard let source = repairSource(for: feed, run.upperBound - 1, except: asked, now: now),
                let peer = links[source]?.peer
            else { continue }
            // What it says that it holds may begin in the middle.
            let start = links[source]?.firstToRepair(run, of: feed) ?? run.lowerBound
            let numbers = start..<run.upperBound
            end = numbers.lowerBound
            let request = newRequest()
            let deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
            fetches[request] = PendingFetch(
                feed: feed,
                link: source,
                start: numbers.lowerBound,
                deadline: deadline,
                kind: .repair
            )
            repair.begin(request, for: numbers)
            asked.append(source)
            total += 1
            effects.append(.fetchBatches(request, from: peer, feed, numbers))
        }
        if asked.isEmpty, total < Replica.repairsAtOnce, repair.newestRun(below: .max, limit: 1) != nil {
            repair.retryAt = now.advanced(byMilliseconds: settings.repairPause)
        }
        repairs[feed] = repair
    }

    /// Whom of a feed's neighbours a fetch of missing batches waits for, and how many such fetches there are in all.
    private func repairFetches(of feed: FeedID) -> (asked: [LinkID], total: Int) {
        var (asked, total): ([LinkID], Int) = ([], 0)
        for fetch in fetches.values where fetch.kind == .repair {
            total += 1
            if fetch.feed == feed { asked.append(fetch.link) }
        }
        return (asked, total)
    }

    /// A fetch of missing batches is over; other feeds may have waited for its place.
    mutating func endRepair(_ request: RequestID, of feed: FeedID) {
        repairs.update(feed) { $0.end(request) }
        let total = fetches.values.count { $0.kind == .repair }
        if total + 1 >= Replica.repairsAtOnce { touched.append(contentsOf: repairs.keys) }
    }

    /// The link to ask: the one with the fewest failures of those that say they hold the batch or, as whoever fetches
    /// from here says nothing back, were told of it; the oldest of these.
    private func repairSource(
        for feed: FeedID,
        _ number: UInt64,
        except asked: [LinkID],
        now: Timestamp
    ) -> LinkID? {
        var best: (link: LinkID, failures: Int)?
        for (id, link) in zip(links.keys, links.values) where !asked.contains(id) {
            let advert = link.holds[feed]
            let says = advert.map { $0.first <= number && number < $0.count } ?? false
            guard link.peer != nil, says || number < link.told[feed] ?? 0 else { continue }
            let failures = link.failures[feed]
            if let failures, now < failures.until { continue }
            let failed = (failures?.count ?? 0) + offences(link.peer, now: now)
            if let best, best.failures <= failed { continue }
            best = (id, failed)
        }
        return best?.link
    }

    mutating func finishRepairFetch(
        _ fetch: PendingFetch,
        _ received: [ReceivedBatch],
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard var repair = repairs[fetch.feed] else { return }
        if received.isEmpty { return avoid(fetch, now: now, random: &random) }
        var batches: [ProvenBatch] = []
        for (offset, item) in received.enumerated() {
            // Dropped meanwhile, or more than was asked for.
            guard let wanted = repair[fetch.start + UInt64(offset)] else { break }
            do throws(FormatError) {
                try batches.append(prove(item, is: wanted, of: fetch.feed))
            } catch {
                let signed = signedByRegion(item.checkpoint, of: fetch.feed)
                if Hash256(leaf: item.bytes[...]) == wanted.leaf, signed?.checkpoint.root == wanted.root {
                    // As the region signed it: nobody has anything better.
                    repair.refuse([wanted.number])
                    effects.append(.alarm(.malformedFeed(fetch.feed, reason: error.description)))
                } else if let signed, signed.checkpoint.size == wanted.number + 1,
                    signed.checkpoint.root != wanted.root
                {
                    suspect(signed, of: fetch.feed, from: fetch.link, error, now: now)
                } else {
                    reject(fetch.feed, from: fetch.link, error, now: now)
                }
                break
            }
        }
        repairs[fetch.feed] = repair
        guard !batches.isEmpty else { return }
        let request = newRequest()
        repairs.update(fetch.feed) { $0.begin(request, for: batches.map(\.number)) }
        let news = batches.filter { repair.isGap($0.number) }.reduce(0) { $0 + $1.bytes.count }
        replacements[request] = PendingReplacement(
            feed: fetch.feed,
            newBytes: UInt64(news),
            numbers: batches.map(\.number)
        )
        effects.append(.replace(request, batches))
    }

    /// - Throws: why the bytes are not those of the damaged batch.
    private func prove(
        _ item: ReceivedBatch,
        is wanted: DamagedBatch,
        of feed: FeedID
    ) throws(FormatError) -> ProvenBatch {
        let keys = checkpointKeys(of: feed)
        let signed = try SignedCheckpoint(item.checkpoint[...], region: feed.region, epoch: feed.epoch, keys: keys)
        guard Hash256(leaf: item.bytes[...]) == wanted.leaf, signed.checkpoint.root == wanted.root else {
            throw FormatError(.rootMismatch, "\(feed): batch \(wanted.number) is not the one that was held here")
        }
        guard signed.checkpoint.size == wanted.number + 1 else {
            throw FormatError(.wrongPosition, "\(feed): batch \(wanted.number) came with another checkpoint")
        }
        let batch = try Batch(item.bytes)
        guard batch.number == wanted.number else {
            throw FormatError(.wrongPosition, "\(feed): batch \(wanted.number) says that it is number \(batch.number)")
        }
        try checks.content(batch, wanted.leaf)
        return ProvenBatch(
            feed: feed,
            number: wanted.number,
            publication: batch.publication,
            bytes: item.bytes,
            leaf: wanted.leaf,
            checkpoint: item.checkpoint
        )
    }

    /// - Returns: false if the request was none of a repair.
    mutating func finishReplacement(_ request: RequestID, isStored: Bool, now: Timestamp) -> Bool {
        guard let replacement = replacements[request] else { return false }
        replacements[request] = nil
        touched.append(replacement.feed)
        let before = feeds[replacement.feed].map { shownFirst($0) }
        repairs.update(replacement.feed) { repair in
            repair.end(request)
            if isStored {
                repair.remove(replacement.numbers)
            } else {
                repair.retryAt = now.advanced(byMilliseconds: settings.storePause)
            }
        }
        if isStored { feeds.update(replacement.feed) { $0.bytes += replacement.newBytes } }
        // More of the feed may be shown now.
        if let progress = feeds[replacement.feed], shownFirst(progress) != before { advertiseSoon(replacement.feed) }
        return true
    }

    /// What has been dropped need not come back.
    mutating func forgetRepairs(of feed: FeedID, below first: UInt64) {
        repairs.update(feed) { $0.keep(first..<UInt64.max) }
    }

    /// Feeds whose pause before another attempt has ended.
    func dueRepairs(now: Timestamp) -> [FeedID] {
        zip(repairs.keys, repairs.values).filter { $1.retryAt.map { $0 <= now } ?? false }.map(\.0)
    }
}
