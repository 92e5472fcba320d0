import ExposureKeys
import FeedFormat

/// The trees of all regions: subscribing to parents, and learning who is sooner.
extension Replica {
    func parent(of region: Region) -> LinkID? { trees[region]?.parent }

    /// Whoever delivered what was missing becomes the neighbour whose batches flow here unasked.
    mutating func adopt(_ link: LinkID, asParentOf region: Region) {
        guard region != self.region, links[link] != nil else { return }
        changeTree(of: region) { $0.adopt(link) }
    }

    /// A batch newer than all before is proven: whoever adverted it before was sooner.
    mutating func learn(_ feed: FeedID, from link: LinkID, isPushed: Bool, now: Timestamp) {
        guard feed.region != region,
            let next = feeds.update(
                feed,
                { progress in
                    progress.provenAt = now
                    return progress.proven.next
                }
            )
        else { return }
        var adverts: [(link: LinkID, lead: Int64)] = []
        for position in links.keys.indices where links.keys[position] != link {
            guard let heard = links.values[position].heard[feed], heard.count >= next else { continue }
            adverts.append((links.keys[position], now.duration(since: heard.time) + settings.advertPause))
        }
        let settings = settings
        changeTree(of: feed.region) { _ = $0.take(from: link, isPushed: isPushed, adverts: adverts, settings) }
    }

    /// An advert of what came already: its sender is later.
    mutating func learn(_ advert: Advert, from link: LinkID, now: Timestamp) {
        guard let position = feeds.position(of: advert.feed),
            advert.count == feeds.values[position].proven.next, let at = feeds.values[position].provenAt
        else { return }
        let lag = now.duration(since: at) - settings.advertPause
        trees.update(advert.feed.region) { $0.note(lag: lag, of: link) }
    }

    /// When a batch that a neighbour adverts now is fetched, unless it is pushed before.
    func pushDue(of region: Region, advertedBy link: LinkID, now: Timestamp) -> Timestamp {
        let wait = trees[region]?.patience(after: link, settings) ?? settings.pushGrace
        return now.advanced(byMilliseconds: wait)
    }

    /// Nothing flows from a neighbour any more. Whoever gets the batches from here cannot bring them.
    mutating func loseParent(_ link: LinkID, of region: Region) {
        let children = links.keys.indices.filter { links.values[$0].subscriptions[region] == true }
            .map { links.keys[$0] }
        let settings = settings
        changeTree(of: region) { _ = $0.lose(link, children: children, settings) }
    }

    /// Tells former and new parent, if it is another one after a change.
    private mutating func changeTree(of region: Region, _ change: (inout RegionTree) -> Void) {
        if trees.position(of: region) == nil { trees[region] = RegionTree() }
        let sides = trees.update(region) { tree in
            let before = tree.sources
            change(&tree)
            return (before: before, after: tree.sources, isOrphan: tree.parent == nil)
        }
        guard let (before, sources, isOrphan) = sides, sources != before else { return }
        for link in before where !sources.contains(link) && links[link] != nil {
            effects.append(.send(link, .unsubscribe(region)))
        }
        let newest = feeds.positions(of: region).last
        for link in sources where !before.contains(link) {
            effects.append(.send(link, .subscribe(region)))
            // What was under way when the parent was lost may have passed a new one before it hears of this.
            if isOrphan, let newest, !isFrozen(feeds.keys[newest]) {
                effects.append(.send(link, .pull(feeds.keys[newest], from: feeds.values[newest].proven.next)))
            }
            // It pushes only what follows on what it knows to be here.
            for position in feeds.positions(of: region) where feeds.values[position].isLiving {
                let feed = feeds.keys[position]
                if (links[link]?.told[feed] ?? 0) < feeds.values[position].count { advertise(feed, to: link) }
            }
        }
    }
}
