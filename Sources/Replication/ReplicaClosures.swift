import ExposureKeys
import FeedFormat

/// Closed keys. When a roster closes a key, the shell looks through the store and cuts off what no longer counts; until
/// it has, nothing of that region is taken or given. What stands is then fetched by its leaf hashes, which lead to the
/// root that the roster names, so that nobody with the closed key can put anything in its place.
extension Replica {
    /// What the roster lets stand of a feed; nil for feeds that end nowhere.
    func standing(of feed: FeedID) -> RosterRegion.Closure.Standing? {
        guard let position = roster.position(of: feed.region), !roster.regions[position].closures.isEmpty else {
            return nil
        }
        return roster.regions[position].standing(of: feed.epoch)
    }

    /// The keys by which a feed's checkpoints are told: of one that ends, whose content is proven otherwise, the closed
    /// ones as well.
    func checkpointKeys(of feed: FeedID) -> [RosterRegion.Key] {
        roster.rule(for: feed)?.keys ?? []
    }

    /// Whether what is held of a region's feeds waits to be judged under the roster's closed keys.
    func isUnderReview(_ region: Region) -> Bool { reviews[region] != nil }

    /// Has the store looked through for regions whose keys are not those of an earlier roster.
    mutating func reviewClosures(since former: Roster) {
        for entry in roster.regions where !entry.closures.isEmpty {
            let before = former.region(entry.id)
            if before?.closures == entry.closures, before?.keys == entry.keys { continue }
            reviews[entry.id] = (reviews[entry.id] ?? 0) + 1
            for position in feeds.positions(of: entry.id) { abandon(feeds.keys[position]) }
            dropInquiries { $0.region == entry.id }
            effects.append(.review(entry))
        }
    }

    /// Forgets what is under way for a feed. Stores are in the shell's hands; it reports them before the review's end.
    mutating func abandon(_ feed: FeedID) {
        for (request, fetch) in zip(fetches.keys, fetches.values) where fetch.feed == feed { fetches[request] = nil }
        waits[feed] = nil
        repairs.update(feed) { $0.end { replacements[$0] == nil } }
        feeds.update(feed) { progress in
            progress.fetch = nil
            progress.waiting = []
            progress.leaves = nil
            progress.forgetBase()
        }
    }

    /// The store holds these feeds of a region, and no others, now that what does not count is gone.
    mutating func finishReview(of region: Region, held: [HeldFeed]) {
        guard let count = reviews[region] else { return }
        guard count == 1 else { return reviews[region] = count - 1 }
        reviews[region] = nil
        var former = SortedMap<FeedID, Advert>()
        for position in feeds.positions(of: region) {
            let progress = feeds.values[position]
            let feed = feeds.keys[position]
            former[feed] = Advert(feed: feed, first: progress.first, count: progress.count)
        }
        for feed in feeds.keys[feeds.positions(of: region)] {
            feeds[feed] = nil
            waits[feed] = nil
        }
        for feed in repairs.keys where feed.region == region {
            let end = held.first { $0.feed == feed }?.frontier.size ?? 0
            repairs.update(feed) { $0.keep(0..<end) }
        }
        for feed in held where feed.feed.region == region {
            feeds[feed.feed] = FeedProgress(held: feed)
            want(feed.gaps, of: feed.feed, isGap: true)
        }
        // Of a feed that falls as a whole neighbours have what was pushed to them, or no such roster yet: none of it
        // could be taken, so none of it is missing.
        for feed in former.keys where former[feed]?.count != 0 && feeds[feed] == nil && standing(of: feed) == nil {
            for id in links.keys { links.update(id) { $0.holds[feed] = nil } }
        }
        // Whatever else neighbours claim is looked at anew.
        for link in links.values {
            for position in link.holds.positions(of: region) {
                let feed = link.holds.keys[position]
                if feeds[feed] == nil { feeds[feed] = FeedProgress(new: feed) }
            }
        }
        for feed in feeds.keys[feeds.positions(of: region)] {
            touched.append(feed)
            guard let progress = feeds[feed], let before = former[feed] ?? Advert(feed: feed, first: 0, count: 0),
                before.first != progress.first || before.count != progress.count
            else { continue }
            for id in links.keys where links[id]?.peer != nil { advertise(feed, to: id) }
        }
        for feed in former.keys where feeds[feed] == nil && former[feed]?.count != 0 { withdraw(feed) }
    }

    /// Tells all neighbours that nothing of a feed is here.
    private mutating func withdraw(_ feed: FeedID) {
        guard let nothing = Advert(feed: feed, first: 0, count: 0) else { return }
        for id in links.keys where links[id]?.peer != nil {
            effects.append(.send(id, .adverts([nothing])))
            links.update(id) { $0.told[feed] = 0 }
        }
    }

    /// The next fetch of a feed that ends: its leaf hashes, until they are known.
    /// - Returns: false if batches are to be fetched.
    mutating func startLeafFetch(_ feed: FeedID, _ progress: FeedProgress, source: LinkID, now: Timestamp) -> Bool {
        guard let standing = standing(of: feed), progress.leaves == nil, let peer = links[source]?.peer else {
            return false
        }
        let request = newRequest()
        let start = progress.proven.next
        fetches[request] = PendingFetch(
            feed: feed,
            link: source,
            start: start,
            end: standing.size,
            deadline: now.advanced(byMilliseconds: settings.fetchDeadline)
        )
        feeds.update(feed) { $0.fetch = request }
        effects.append(.fetchLeaves(request, from: peer, feed, start..<standing.size))
        return true
    }

    mutating func finishLeaves(
        _ request: RequestID,
        _ leaves: [Hash256],
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard let fetch = takeFetch(request) else { return }
        if leaves.isEmpty { return avoid(fetch, now: now, random: &random) }
        if finishSkipped(fetch, leaves, now: now) { return }
        guard let standing = standing(of: fetch.feed), let progress = feeds[fetch.feed],
            progress.proven.next == fetch.start
        else { return }
        guard let proven = StandingLeaves(standing, after: progress.proven.frontier, leaves: leaves) else {
            charge(fetch.link, .hashes(leaves.count), now: now)
            feeds.update(fetch.feed) { $0.forgetBase() }
            return passOver(fetch.link, for: fetch.feed, now: now)
        }
        feeds.update(fetch.feed) { progress in
            progress.leaves = proven
            // Whoever gave the frontier, it leads to the root that stands.
            progress.base?.link = nil
        }
    }

    /// Whether a peer says that it has a newer roster, which is on its way: under that one its bytes may be right.
    func mayKnowMore(_ link: LinkID) -> Bool {
        guard let announced = links[link]?.roster else { return false }
        return announced.version > roster.version && announced.failures == 0
    }

    /// A peer has other bytes than those that stand, or some that only a closed key has signed: it may have an older
    /// roster, so it is not blamed, but asked for this feed only by and by.
    mutating func passOver(_ link: LinkID, for feed: FeedID, now: Timestamp) {
        let failed = links[link]?.failures[feed]?.count ?? 0
        let until = now.advanced(byMilliseconds: settings.distrust)
        links.update(link) {
            $0.failures[feed] = LinkProgress.Failures(count: failed + 1, until: until, isVoid: true)
        }
    }
}
