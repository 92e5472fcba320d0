import ExposureKeys
import FeedFormat

/// Saying what is held, and passing on what has come. Batches go out at once; adverts wait a moment, so that many make
/// one frame, and that whoever has said meanwhile that it holds the same needs none.
extension Replica {
    /// Pushes batches to those who subscribed and are ready for them, and tells all others. The parent is told too:
    /// what it did not push itself it must learn of, or it would not push what comes next.
    mutating func spread(_ batches: [ProvenBatch], of feed: FeedID, now: Timestamp) {
        guard let progress = feeds[feed], progress.isLiving, let number = batches.first?.number,
            !isUnderReview(feed.region)
        else { return }
        let parent = parent(of: feed.region)
        for position in links.keys.indices where links.values[position].peer != nil {
            let id = links.keys[position]
            let theirs = links.values[position].holds[feed]?.count ?? 0
            if theirs >= progress.count {
                if parent == id, (links.values[position].told[feed] ?? 0) < progress.count { advertise(feed, to: id) }
                continue
            }
            guard links.values[position].subscriptions[feed.region] == true, theirs >= number else {
                links.update(id) { $0.untold[feed] = $0.untold[feed] ?? false }
                continue
            }
            // Older releases learn from an advert only what they lack.
            if !links.values[position].takesBatchesAsAdverts { advertise(feed, to: id) }
            for batch in batches.dropFirst(Int(theirs - number)) {
                let pushed = LinkFrame.PushedBatch(feed: feed, bytes: batch.bytes, checkpoint: batch.checkpoint)
                effects.append(.send(id, .batch(pushed)))
            }
            let pushed = Advert(feed: feed, first: shownFirst(progress), count: progress.count)
            links.update(id) { link in
                link.holds[feed] = pushed
                link.pushedAt[feed] = now
                link.told[feed] = progress.count
            }
        }
    }

    mutating func advertise(_ feed: FeedID, to link: LinkID) {
        guard let progress = feeds[feed],
            let advert = Advert(feed: feed, first: shownFirst(progress), count: progress.count)
        else { return }
        effects.append(.send(link, .adverts([advert])))
        links.update(link) { progress in
            progress.told[feed] = advert.count
            progress.untold[feed] = nil
        }
    }

    /// Has all neighbours told of a feed, also those who say that they hold as much.
    mutating func advertiseSoon(_ feed: FeedID) {
        for id in links.keys where links[id]?.peer != nil { links.update(id) { $0.untold[feed] = true } }
    }

    /// Sends the adverts whose time has come; sets the time of those that wait.
    mutating func sendAdverts(now: Timestamp) {
        guard links.values.contains(where: { !$0.untold.isEmpty }) else { return advertsDue = nil }
        guard let due = advertsDue else { return advertsDue = now.advanced(byMilliseconds: settings.advertPause) }
        guard due <= now else { return }
        advertsDue = nil
        for place in links.keys.indices where !links.values[place].untold.isEmpty {
            let id = links.keys[place]
            var adverts: [Advert] = []
            for (feed, isForced) in zip(links.values[place].untold.keys, links.values[place].untold.values) {
                guard let position = feeds.position(of: feed), !isUnderReview(feed.region) else { continue }
                let count = feeds.values[position].count
                guard isForced || (links.values[place].holds[feed]?.count ?? 0) < count,
                    let advert = Advert(feed: feed, first: shownFirst(at: position), count: count)
                else { continue }
                adverts.append(advert)
            }
            links.update(id) { $0.untold = SortedMap() }
            send(adverts, to: id)
        }
    }

    /// Lets a peer know what is held of all feeds that the roster lists, and learns the same of it.
    mutating func introduce(to link: LinkID, now: Timestamp) {
        if exchanges[link] != nil { return compareHoldings(on: link, now: now) }
        send(held.filter { roster.region($0.feed.region) != nil }, to: link)
    }

    private mutating func send(_ adverts: [Advert], to link: LinkID) {
        for start in stride(from: 0, to: adverts.count, by: Replica.advertsPerFrame) {
            let part = adverts[start..<min(start + Replica.advertsPerFrame, adverts.count)]
            effects.append(.send(link, .adverts(Array(part))))
        }
        links.update(link) { progress in
            for advert in adverts { progress.told[advert.feed] = advert.count }
        }
    }

    /// A neighbour's word on feeds.
    /// - Parameters:
    ///   - isCurrent: it was said as soon as it was so, and tells how soon the neighbour gets batches.
    ///   - isPush: it says so by a batch.
    mutating func note(
        _ adverts: [Advert],
        from link: LinkID,
        peer: Region,
        now: Timestamp,
        isCurrent: Bool = true,
        isPush: Bool = false
    ) {
        var unknown: Region?
        var crowded: Region?
        let known = links.position(of: link).map { links.values[$0].holds.count } ?? 0
        for advert in adverts {
            let feed = advert.feed
            guard roster.position(of: feed.region) != nil else {
                unknown = feed.region
                continue
            }
            let before = repairs.isEmpty ? nil : links[link]?.holds[feed]
            guard links.update(link, { $0.note(advert, now: now) }) == true else {
                crowded = feed.region
                continue
            }
            if let before, advert.first < before.first {
                repairs.update(feed) { $0.offer(advert.first..<before.first, by: peer) }
            }
            if isFrozen(feed) { continue }
            if feeds[feed] == nil { feeds[feed] = FeedProgress(new: feed) }
            endPull(of: feed, since: advert, from: link)
            if isCurrent { learn(advert, from: link, now: now) }
            if let position = feeds.position(of: feed), feeds.values[position].isLiving,
                advert.count <= feeds.values[position].proven.next, advert.first >= feeds.values[position].first,
                repairs[feed] == nil
            {
                // Most adverts: nothing new, and nothing that was waited for.
                continue
            }
            let due = pushDue(of: feed.region, advertedBy: link, now: now)
            feeds.update(feed) { progress in
                if advert.count > progress.proven.next { progress.pushDue = min(progress.pushDue ?? due, due) }
            }
            if !isPush { hedge(feed, with: advert, from: link, now: now) }
            touched.append(feed)
        }
        let noted = links.position(of: link).map { links.values[$0].holds.count } ?? 0
        if noted > known { charge(link, .tableChanges(noted - known), now: now) }
        // One alarm a frame: a frame may hold thousands of adverts.
        if let unknown { effects.append(.alarm(.unknownRegion(unknown, peer: peer))) }
        if let crowded { effects.append(.alarm(.tooManyEpochs(crowded))) }
    }

    /// A batch says what an advert of it would say.
    /// - Returns: false if nothing of its feed is heard from this neighbour.
    mutating func noteHolder(_ link: LinkID, of number: UInt64, _ feed: FeedID, peer: Region, now: Timestamp) -> Bool {
        let before = links[link]?.holds[feed]
        if let before, before.count > number { return true }
        guard let advert = Advert(feed: feed, first: before?.first ?? number, count: number + 1) else { return false }
        note([advert], from: link, peer: peer, now: now, isPush: true)
        return links[link]?.holds[feed] == advert
    }

    private static let advertsPerFrame = 1024
}
