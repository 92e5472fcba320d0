import ExposureKeys
import FeedFormat

/// When to ask whom for what.
extension Replica {
    /// Looks again at the feeds that this event concerned, and at those whose time has come; starts every fetch that
    /// is due, and says when to look again.
    mutating func schedule(now: Timestamp, isTick: Bool) {
        if isTick {
            for (feed, due) in zip(waits.keys, waits.values) where due <= now { touched.append(feed) }
            touched.append(contentsOf: dueRepairs(now: now))
        }
        if touched.count > 1 { touched.sort() }
        var previous: FeedID?
        var lacking: [FeedID] = []
        for feed in touched where feed != previous {
            attend(to: feed, now: now)
            if repairs.position(of: feed) != nil { lacking.append(feed) }
            previous = feed
        }
        touched = []
        attendToRepairs(of: lacking, now: now)
        attendToRoster(now: now)
        attendToInquiries(now: now)
        sendAdverts(now: now)
        var next = waits.values.min()
        for fetch in fetches.values { next = earlier(next, fetch.deadline) }
        for repair in repairs.values { next = earlier(next, repair.due) }
        for inquiry in inquiries.values { next = earlier(next, inquiry.deadline) }
        if let digestsDue { next = earlier(next, digestsDue) }
        if let advertsDue { next = earlier(next, advertsDue) }
        if let relayDue { next = earlier(next, relayDue) }
        if let indexDue { next = earlier(next, indexDue) }
        if let rosterDue { next = earlier(next, rosterDue) }
        if let next, isTick || next != lastWake { effects.append(.wake(next)) }
        lastWake = next
    }

    private mutating func attend(to feed: FeedID, now: Timestamp) {
        waits[feed] = nil
        guard let progress = feeds[feed], !progress.isBlocked, progress.fetch == nil, progress.waiting.isEmpty,
            !isUnderReview(feed.region), !isFrozen(feed)
        else { return }
        let best = bestSource(for: feed, progress, now: now) ?? sourceBeyondGap(for: feed, progress, now: now)
        guard let source = best else {
            if progress.base != nil {
                feeds.update(feed) { $0.forgetBase() }
                return attend(to: feed, now: now)
            }
            setAside(feed, progress, now: now)
            attendToBeginning(of: feed, now: now)
            if let due = beginningDue(of: feed, progress, now: now) { waits[feed] = earlier(waits[feed], due) }
            return
        }
        if progress.mayBegin, livingEpochs(of: feed.region) >= FormatLimits.epochsPerRegion {
            if !progress.isHeldBack { effects.append(.alarm(.tooManyEpochs(feed.region))) }
            feeds.update(feed) { $0.isHeldBack = true }
            return
        }
        if isOverQuota(feed.region) { return holdBack(feed) }
        let due = dueTime(of: progress, now: now)
        if due <= now {
            startFetch(feed, progress, source: source, now: now)
        } else {
            waits[feed] = due
            // What comes before need not wait for what lies ahead of the clock.
            attendToBeginning(of: feed, now: now)
        }
    }

    /// Nobody can be asked now: the feed waits for a peer to be trusted again, or is forgotten if it was only a claim.
    private mutating func setAside(_ feed: FeedID, _ progress: FeedProgress, now: Timestamp) {
        var isClaimed = false
        let isOffered = isOffered(feed, progress)
        for position in links.values.indices
        where isSource(position, for: feed, progress) || !isOffered && isBeyondGap(position, for: feed, progress) {
            isClaimed = true
            if let due = askingDue(position, for: feed, now: now) { waits[feed] = earlier(waits[feed], due) }
        }
        if !isClaimed, progress.count == 0, progress.store == nil {
            feeds[feed] = nil
        } else {
            feeds.update(feed) { $0.pushDue = nil }
        }
    }

    /// A fetch waits for the end of a pause, and a moment for the parent's push, unless that has said it holds the batch:
    /// it would have pushed it instead.
    private func dueTime(of progress: FeedProgress, now: Timestamp) -> Timestamp {
        var due = progress.retryAt ?? now
        let feed = progress.durable.feed
        guard let pushDue = progress.pushDue else { return due }
        if let parent = parent(of: feed.region) {
            let hasIt = (links[parent]?.holds[feed]?.count ?? 0) > progress.proven.next
            if !hasIt || links[parent]?.takesBatchesAsAdverts != true { due = max(due, pushDue) }
        } else if trees[feed.region]?.heirs.isEmpty == false {
            due = max(due, pushDue)
        }
        return due
    }

    /// Whether the peer of the link at a position says that it has the batches that come next, or any if the feed has yet
    /// to begin here. By position: a copy of all that is known of a link costs more than the question.
    func isSource(_ position: Int, for feed: FeedID, _ progress: FeedProgress) -> Bool {
        guard links.values[position].peer != nil, let advert = links.values[position].holds[feed],
            advert.first < advert.count
        else { return false }
        let next = progress.proven.next
        if let end = standing(of: feed)?.size, advert.count < end || advert.first >= end || next >= end { return false }
        return advert.count > next && (advert.first <= next || progress.mayBegin && progress.base == nil)
    }

    /// The link to ask: fewest failures, then the longest history, then the most batches, then the nearest, then
    /// the parent, then the oldest link. What follows an unproven frontier is asked of its giver alone.
    private func bestSource(for feed: FeedID, _ progress: FeedProgress, now: Timestamp) -> LinkID? {
        var best: (link: LinkID, rank: SourceRank)?
        let parent = parent(of: feed.region)
        for position in links.keys.indices {
            let id = links.keys[position]
            if let giver = progress.base?.link, giver != id { continue }
            guard isSource(position, for: feed, progress), let advert = links.values[position].holds[feed] else {
                continue
            }
            if askingDue(position, for: feed, now: now) != nil { continue }
            let failures = links.values[position].failures[feed]
            let isVain = links.values[position].vain[feed] == progress.proven.next
            let rank = SourceRank(
                failures: (failures?.count ?? 0) + (isVain ? 1 : 0) + offences(links.values[position].peer, now: now),
                start: max(advert.first, progress.proven.next),
                count: advert.count,
                roundTrip: links.values[position].roundTrip ?? .max,
                isParent: parent == id
            )
            if let current = best, !rank.precedes(current.rank) { continue }
            best = (id, rank)
        }
        return best?.link
    }

    func earlier(_ left: Timestamp?, _ right: Timestamp?) -> Timestamp? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    private mutating func startFetch(_ feed: FeedID, _ progress: FeedProgress, source: LinkID, now: Timestamp) {
        guard let link = links[source], let peer = link.peer, let advert = link.holds[feed] else { return }
        let next = progress.proven.next
        var start = max(next, advert.first)
        if start == next, startLeafFetch(feed, progress, source: source, now: now) { return }
        if startSkip(feed, progress, source: source, now: now) { return }
        if start > next, let aim = link.aim(feed, at: progress.origin), aim < advert.count { start = max(start, aim) }
        let end = min(advert.count, start + link.fetchLimit(of: feed, settings), standing(of: feed)?.size ?? .max)
        let request = newRequest()
        let isPull = start == next && pulls(feed, from: link)
        let patience = isPull ? settings.pullDeadline : settings.fetchDeadline
        fetches[request] = PendingFetch(
            feed: feed,
            link: source,
            start: start,
            end: start == next && !isPull ? end : start + 1,
            deadline: now.advanced(byMilliseconds: patience),
            kind: isPull ? .pull : .next,
            expected: now.advanced(byMilliseconds: link.roundTrip ?? settings.pushGrace)
        )
        feeds.update(feed) { progress in
            progress.fetch = request
            progress.isHeldBack = false
        }
        if isPull {
            effects.append(.send(source, .pull(feed, from: next)))
        } else if start > next {
            // What lies before was dropped everywhere; the frontier is proven by the first batch that follows it.
            effects.append(.fetchFrontier(request, from: peer, feed, size: start))
        } else {
            effects.append(
                .fetchBatches(request, from: peer, feed, next..<end)
            )
        }
    }

    mutating func finishFrontier(
        _ request: RequestID,
        _ frontier: Frontier?,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard let fetch = takeFetch(request) else { return }
        guard let frontier, frontier.size == fetch.start else { return avoid(fetch, now: now, random: &random) }
        guard links[fetch.link] != nil else { return }
        if fetch.kind == .before { return finishBefore(fetch, frontier, now: now) }
        feeds.update(fetch.feed) { progress in
            // A tail that has living batches is never replaced.
            guard progress.mayBegin else { return }
            progress.proven = FeedTail(feed: fetch.feed, frontier: frontier)
            progress.base = ClaimedFrontier(begin: frontier, link: fetch.link)
        }
    }

    mutating func finishFetch(
        _ request: RequestID,
        _ received: [ReceivedBatch?],
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard let fetch = takeFetch(request), let next = feeds[fetch.feed]?.proven.next else { return }
        if fetch.kind == .repair { return finishRepairFetch(fetch, received, now: now, random: &random) }
        if received.isEmpty { return avoid(fetch, now: now, random: &random) }
        // Pushes may have brought some of them meanwhile; after a failed store what comes before them is missing.
        guard next >= fetch.start, next - fetch.start < UInt64(received.count) else { return }
        let news = received.dropFirst(Int(next - fetch.start))
        let run = news.prefix { $0 != nil }.compactMap { $0 }
        if run.isEmpty { return finishWithout(fetch, news, from: next, now: now, random: &random) }
        let outcome = take(run, of: fetch.feed, from: fetch.link, now: now)
        if outcome.taken < run.count {
            let bytes = run.dropFirst(outcome.taken).reduce(0) { $0 + $1.bytes.count }
            charge(fetch.link, .vainFetch, .signatures(1), .readBytes(bytes), now: now)
        }
        if outcome.hasProvenNothing { pauseAsking(fetch, hasAnswered: true, now: now, random: &random) }
        if outcome.taken == 0 { return }
        feeds.update(fetch.feed) { $0.pushDue = nil }
        learn(fetch.feed, from: fetch.link, isPushed: false, now: now)
        if outcome.isRejected { return }
        links.update(fetch.link) { link in
            link.failures[fetch.feed] = nil
            link.aims[fetch.feed] = nil
            link.isPulled = false
        }
        adopt(fetch.link, asParentOf: fetch.feed.region)
    }

    /// The peer has answered without the batch that comes next. Others are asked first, then this one for what lies
    /// behind: for what has come with this answer, if anything has.
    private mutating func finishWithout(
        _ fetch: PendingFetch,
        _ answer: ArraySlice<ReceivedBatch?>,
        from next: UInt64,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        let found = answer.firstIndex { $0 != nil }.map { next + UInt64($0 - answer.startIndex) }
        let end = next + UInt64(answer.count)
        guard aim(fetch.link, for: fetch.feed, at: found, behind: next..<end) else {
            return avoid(fetch, now: now, random: &random)
        }
        charge(fetch.link, .vainFetch, now: now)
        // Who has none of it may be another node than the one that dialled: a copy of it answers at its address.
        let hasAnswered = found != nil || links[fetch.link]?.failures[fetch.feed]?.hasAnswered == true
        pauseAsking(fetch, hasAnswered: hasAnswered, now: now, random: &random)
        links.update(fetch.link) { $0.withoutHashes[fetch.feed] = nil }
    }

    /// Asks others first for a moment, as what a peer answered was of no use; it is asked for something else then.
    private mutating func pauseAsking(
        _ fetch: PendingFetch,
        hasAnswered: Bool,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        let before = links[fetch.link]?.failures[fetch.feed]
        let failures = LinkProgress.Failures(
            count: (before?.count ?? 0) + 1,
            until: now.advanced(byMilliseconds: pause(after: 0, random: &random)),
            hasAnswered: hasAnswered,
            isVoid: before?.isVoid ?? false
        )
        setFailures(failures, of: fetch.link, for: fetch.feed)
    }

    /// Notes what a peer is asked for next, as some batches did not come: after the newest, which come first where many are
    /// missing, what comes next in order; then what lies behind that, up to the end of what it says it has.
    /// - Parameter found: the first one that it is known to have.
    /// - Returns: false if all has been asked for now; it begins anew.
    @discardableResult
    private mutating func aim(
        _ link: LinkID,
        for feed: FeedID,
        at found: UInt64? = nil,
        behind asked: Range<UInt64>
    ) -> Bool {
        guard let origin = feeds[feed]?.origin, let advert = links[link]?.holds[feed] else { return false }
        let first = max(origin, advert.first)
        let before = links[link]?.aim(feed, at: origin)
        let next: UInt64
        if let found {
            next = found
        } else if before == nil, asked.lowerBound > first {
            next = first
        } else {
            next = max(before ?? 0, asked.upperBound)
        }
        // The peer may have dropped meanwhile what was asked for.
        let isLeft = next < advert.count && max(next, first) - first <= Replica.skipLimit
        links.update(link) { $0.aims[feed] = isLeft ? LinkProgress.Aim(origin: origin, next: next) : nil }
        return isLeft
    }

    /// Gives up on fetches that the shell has not answered in time.
    mutating func expireFetches(now: Timestamp, random: inout some RandomNumberGenerator) {
        for (request, fetch) in zip(fetches.keys, fetches.values) where fetch.deadline <= now {
            _ = takeFetch(request)
            avoid(fetch, now: now, random: &random)
        }
    }

    mutating func takeFetch(_ request: RequestID) -> PendingFetch? {
        guard let fetch = fetches[request] else { return nil }
        fetches[request] = nil
        feeds.update(fetch.feed) { if $0.fetch == request { $0.fetch = nil } }
        if fetch.kind == .repair { endRepair(request, of: fetch.feed) }
        touched.append(fetch.feed)
        return fetch
    }

    /// Asks others first for a while; the pause doubles with every failure in a row, with jitter.
    mutating func avoid(_ fetch: PendingFetch, now: Timestamp, random: inout some RandomNumberGenerator) {
        if fetch.kind == .repair { return failRepair(fetch, now: now, random: &random) }
        charge(fetch.link, .vainFetch, now: now)
        if fetch.kind == .before {
            let failed = links[fetch.link]?.withoutBeginning[fetch.feed]?.count ?? 0
            let until = now.advanced(byMilliseconds: pause(after: failed + 2, random: &random))
            let failures = LinkProgress.Failures(count: failed + 1, until: until)
            links.update(fetch.link) { $0.withoutBeginning[fetch.feed] = failures }
            return
        }
        // Who gives neither hashes nor the next batch is asked for one after the other.
        switch fetch.kind {
        case .skip: links.update(fetch.link) { $0.withoutHashes[fetch.feed] = true }
        case .next: links.update(fetch.link) { $0.withoutHashes[fetch.feed] = nil }
        case .pull, .before, .repair: break
        }
        let before = links[fetch.link]?.failures[fetch.feed]
        let failed = before?.count ?? 0
        let until = now.advanced(byMilliseconds: pause(after: failed, random: &random))
        let failures = LinkProgress.Failures(count: failed + 1, until: until, isVoid: before?.isVoid ?? false)
        setFailures(failures, of: fetch.link, for: fetch.feed)
        // That one batch may be what it cannot give.
        if failures.count >= Replica.vainFetches, fetch.kind == .next || fetch.kind == .pull {
            aim(fetch.link, for: fetch.feed, behind: fetch.start..<fetch.end)
        }
    }

    /// How long whoever did not answer is not asked, in milliseconds.
    func pause(after failures: Int, random: inout some RandomNumberGenerator) -> Int64 {
        let pause = min(settings.retryPause << Int64(min(failures, 10)), settings.retryLimit)
        return pause + Int64.random(in: 0...(pause / 2), using: &random)
    }

    /// Bytes that did not verify cost their sender this feed for a while, the longer the more often that was so.
    mutating func distrust(_ link: LinkID, for feed: FeedID, now: Timestamp) {
        let failed = links[link]?.failures[feed]?.count ?? 0
        let offences = max(1, offences(links[link]?.peer, now: now))
        let until = now.advanced(byMilliseconds: settings.distrust << Int64(min(offences - 1, 3)))
        let failures = LinkProgress.Failures(count: failed + 1, until: until, isDistrusted: true)
        setFailures(failures, of: link, for: feed)
        loseParent(link, of: feed.region)
    }

    private mutating func setFailures(_ failures: LinkProgress.Failures, of link: LinkID, for feed: FeedID) {
        links.update(link) { $0.failures[feed] = failures }
    }
}

/// How good a source a peer is.
private struct SourceRank {
    let failures: Int
    let start: UInt64
    let count: UInt64
    let roundTrip: Int64
    let isParent: Bool

    func precedes(_ other: SourceRank) -> Bool {
        if failures != other.failures { return failures < other.failures }
        if start != other.start { return start < other.start }
        if count != other.count { return count > other.count }
        if roundTrip != other.roundTrip { return roundTrip < other.roundTrip }
        return isParent && !other.isParent
    }
}
