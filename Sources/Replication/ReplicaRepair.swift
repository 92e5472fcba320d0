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
    /// Missing batches for which somebody to ask is looked for at once: thousands may be lost for good.
    private static let looksAtOnce = 1024

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

    /// Starts the fetches of missing batches for which there is somebody to ask, the feed that had none for longest first.
    mutating func attendToRepairs(of feeds: [FeedID], now: Timestamp) {
        let last = repairTurn
        for feed in feeds where last.map({ $0 < feed }) ?? true { attendToRepair(of: feed, now: now) }
        for feed in feeds where last.map({ feed <= $0 }) ?? false { attendToRepair(of: feed, now: now) }
    }

    /// The same for one feed, newest batches first.
    private mutating func attendToRepair(of feed: FeedID, now: Timestamp) {
        guard var repair = repairs[feed], !isUnderReview(feed.region) else { return }
        if repair.isEmpty { return repairs[feed] = nil }
        if repair.shownFrom > 0, isOverQuota(feed.region) { return holdBack(feed) }
        if let pausedUntil = repair.pausedUntil, now < pausedUntil { return }
        (repair.pausedUntil, repair.retryAt) = (nil, nil)
        var (asked, total) = repairFetches(of: feed)
        var end = UInt64.max
        var looks = 0
        while looks < Replica.looksAtOnce, asked.count < Replica.repairsOfFeed, total < Replica.repairsAtOnce,
            let number = repair.newestDue(below: end, now: now)
        {
            end = number
            looks += 1
            switch repairSource(for: feed, number, repair, except: asked, now: now) {
            case .nobodyNow: break
            case .askedInVain:
                let pause = repairPause(after: repair.rounds(of: number))
                repair.endRound(of: number, until: now.advanced(byMilliseconds: pause))
            case .peer(let peer, let link):
                let numbers = repairRun(of: feed, upTo: number, repair, from: link, peer, now: now)
                end = numbers.lowerBound
                startRepair(feed, numbers, &repair, from: link, peer, now: now)
                asked.append(peer)
                total += 1
            }
        }
        if asked.count < Replica.repairsOfFeed, total < Replica.repairsAtOnce {
            let later = now.advanced(byMilliseconds: settings.repairPause)
            repair.retryAt = min(repair.nextDue(after: now) ?? later, later)
        }
        repairs[feed] = repair
    }

    /// How long a batch is not asked for after so many rounds in vain.
    private func repairPause(after rounds: Int) -> Int64 {
        let pause = min(settings.repairPause << Int64(min(rounds, 10)), settings.repairLimit)
        return pause + pause * repairJitter / 1000
    }

    private mutating func startRepair(
        _ feed: FeedID,
        _ numbers: Range<UInt64>,
        _ repair: inout FeedRepair,
        from link: LinkID,
        _ peer: Region,
        now: Timestamp
    ) {
        let request = newRequest()
        fetches[request] = PendingFetch(
            feed: feed,
            link: link,
            start: numbers.lowerBound,
            end: numbers.upperBound,
            deadline: now.advanced(byMilliseconds: settings.fetchDeadline),
            peer: peer,
            kind: .repair
        )
        repair.begin(request, for: numbers)
        repairTurn = feed
        effects.append(.fetchBatches(request, from: peer, feed, numbers))
    }

    /// Whom of a feed's neighbours a fetch of missing batches waits for, and how many such fetches there are in all.
    private func repairFetches(of feed: FeedID) -> (asked: [Region], total: Int) {
        var (asked, total): ([Region], Int) = ([], 0)
        for fetch in fetches.values where fetch.kind == .repair {
            total += 1
            if fetch.feed == feed, let peer = fetch.peer { asked.append(peer) }
        }
        return (asked, total)
    }

    /// A fetch of missing batches is over; other feeds may have waited for its place.
    mutating func endRepair(_ request: RequestID, of feed: FeedID) {
        repairs.update(feed) { $0.end(request) }
        let total = fetches.values.count { $0.kind == .repair }
        if total + 1 >= Replica.repairsAtOnce { touched.append(contentsOf: repairs.keys) }
    }

    private enum RepairSource {
        case peer(Region, LinkID)
        /// Whoever may have it is being asked for something else, or is not asked now.
        case nobodyNow
        case askedInVain
    }

    /// Whom to ask for a batch: of those who say they hold it or, as whoever fetches from here says nothing back, were told
    /// of it, and who were not asked in this round: the one with the fewest failures, who says so; the oldest link of these.
    private func repairSource(
        for feed: FeedID,
        _ number: UInt64,
        _ repair: FeedRepair,
        except asked: [Region],
        now: Timestamp
    ) -> RepairSource {
        var best: (peer: Region, link: LinkID, rank: Int)?
        var (isAskedInVain, isLeft) = (false, false)
        for position in links.keys.indices {
            guard let peer = links.values[position].peer else { continue }
            let says = links.values[position].says(number, of: feed)
            guard says || number < links.values[position].told[feed] ?? 0 else { continue }
            if repair.isVain(number, of: peer) {
                isAskedInVain = true
                continue
            }
            // Whoever has just given nothing, or has used up its budget, is asked in a moment: the round is not over.
            if asked.contains(peer) || repair.isPaused(peer, now: now) || budgetPause(of: peer, now: now) > 0 {
                isLeft = true
                continue
            }
            if links.values[position].isDistrusted(for: feed, now: now) { continue }
            let rank = 2 * (repair.failures(of: peer) + offences(peer, now: now)) + (says ? 0 : 1)
            if let best, best.rank <= rank { continue }
            best = (peer, links.keys[position], rank)
        }
        if let best { return .peer(best.peer, best.link) }
        return isAskedInVain && !isLeft ? .askedInVain : .nobodyNow
    }

    /// Which batches to ask a peer for together, up to one that it may have. What it says that it holds may begin in the
    /// middle of those in a row.
    private func repairRun(
        of feed: FeedID,
        upTo number: UInt64,
        _ repair: FeedRepair,
        from link: LinkID,
        _ peer: Region,
        now: Timestamp
    ) -> Range<UInt64> {
        // Fewer after each failure to answer at all, as the way may be too slow for more.
        let limit = max(1, settings.batchesPerFetch >> UInt64(min(repair.failures(of: peer), 16)))
        let run = repair.run(upTo: number, of: peer, limit: limit, now: now)
        guard let first = links[link]?.holds[feed]?.first, links[link]?.says(number, of: feed) == true else {
            return run
        }
        return max(first, run.lowerBound)..<run.upperBound
    }

    /// A peer has not answered at all, or not in time.
    mutating func failRepair(_ fetch: PendingFetch, now: Timestamp, random: inout some RandomNumberGenerator) {
        charge(fetch.link, .vainFetch, now: now)
        guard let peer = fetch.peer else { return }
        let failures = repairs[fetch.feed]?.failures(of: peer) ?? 0
        let until = now.advanced(byMilliseconds: pause(after: failures, random: &random))
        repairs.update(fetch.feed) { repair in
            repair.noteVain(fetch.start..<fetch.end, of: peer)
            repair.pause(peer, FeedRepair.Source(failures: failures + 1, until: until))
        }
    }

    mutating func finishRepairFetch(
        _ fetch: PendingFetch,
        _ received: [ReceivedBatch?],
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        repairJitter = Int64.random(in: 0...500, using: &random)
        if received.isEmpty { return failRepair(fetch, now: now, random: &random) }
        guard let peer = fetch.peer else { return }
        repairs.update(fetch.feed) { $0.resume(peer) }
        let batches = proveRepaired(received, fetch, now: now)
        guard !batches.isEmpty else {
            charge(fetch.link, .vainFetch, now: now)
            // It has none of these; the next ones are asked for in a moment.
            let until = now.advanced(byMilliseconds: pause(after: 0, random: &random))
            repairs.update(fetch.feed) { $0.pause(peer, FeedRepair.Source(until: until)) }
            return
        }
        let request = newRequest()
        let news = batches.filter { repairs[fetch.feed]?.isGap($0.number) == true }.reduce(0) { $0 + $1.bytes.count }
        repairs.update(fetch.feed) { $0.begin(request, for: batches.map(\.number)) }
        replacements[request] = PendingReplacement(
            feed: fetch.feed,
            newBytes: UInt64(news),
            numbers: batches.map(\.number)
        )
        effects.append(.replace(request, batches))
    }

    /// Proves what has come of missing batches, one by one; those that did not come are asked of others next.
    private mutating func proveRepaired(
        _ received: [ReceivedBatch?],
        _ fetch: PendingFetch,
        now: Timestamp
    ) -> [ProvenBatch] {
        guard let peer = fetch.peer, var repair = repairs[fetch.feed] else { return [] }
        var batches: [ProvenBatch] = []
        for (number, item) in zip(fetch.start..<fetch.end, received) {
            // Dropped meanwhile.
            guard let wanted = repair[number] else { continue }
            guard let item else {
                repair.noteVain(CollectionOfOne(number), of: peer)
                continue
            }
            do throws(FormatError) {
                try batches.append(prove(item, is: wanted, of: fetch.feed))
                continue
            } catch {
                let signed = signedByRegion(item.checkpoint, of: fetch.feed)
                if Hash256(leaf: item.bytes[...]) == wanted.leaf, signed?.checkpoint.root == wanted.root {
                    // As the region signed it: nobody has anything better.
                    repair.refuse([wanted.number])
                    effects.append(.alarm(.malformedFeed(fetch.feed, reason: error.description)))
                    continue
                }
                repair.noteVain(CollectionOfOne(number), of: peer)
                charge(fetch.link, .signatures(2), .readBytes(item.bytes.count), now: now)
                if let signed, signed.checkpoint.size == wanted.number + 1, signed.checkpoint.root != wanted.root {
                    suspect(signed, of: fetch.feed, from: fetch.link, error, now: now)
                } else {
                    reject(fetch.feed, from: fetch.link, error, now: now)
                }
            }
            break
        }
        repairs[fetch.feed] = repair
        return batches
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
                repair.pausedUntil = now.advanced(byMilliseconds: settings.storePause)
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
        zip(repairs.keys, repairs.values).filter { $1.due.map { $0 <= now } ?? false }.map(\.0)
    }
}
