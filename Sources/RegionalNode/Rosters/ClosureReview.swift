internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Logging
internal import Replication

/// What a roster's closed keys mean for a node's store: what does not count is cut off.
enum ClosureReview {
    /// On the store's thread.
    /// - Parameters:
    ///   - entries: regions as the roster lists them.
    ///   - feeds: all feeds of the store.
    static func cuts(
        _ entries: [RosterRegion],
        feeds: [StoredFeed],
        _ storage: any FeedStorage
    ) throws -> [FeedCut] {
        var cuts: [FeedCut] = []
        for entry in entries where !entry.closures.isEmpty {
            for feed in feeds where feed.feed.region == entry.id {
                var newest: [UInt8]?
                if feed.first < feed.count {
                    // One that cannot be read vouches for nothing; what stands of its feed comes back from others.
                    newest = (try? storage.batch(feed.feed, feed.count - 1))?.checkpoint ?? []
                }
                switch entry.verdict(on: feed.feed.epoch, base: feed.base, leaves: feed.leaves, newest: newest) {
                case .stands: break
                case .ends(let count): cuts.append(FeedCut(feed.feed, to: count))
                case .falls: cuts.append(FeedCut(feed.feed, to: 0))
                }
            }
        }
        return cuts
    }
}

extension NodeContext {
    /// Cuts off what no longer counts of a region, from store, routes and merged state. On the store's thread.
    /// - Returns: what is held of the region then.
    func review(_ entry: RosterRegion, _ storage: any FeedStorage) throws -> [HeldFeed] {
        var feeds = try storage.feeds()
        let cuts = try ClosureReview.cuts([entry], feeds: feeds, storage)
        if !cuts.isEmpty {
            try storage.cut(cuts)
            feeds = try storage.feeds()
            served.replace(entry.id, with: feeds.filter { $0.feed.region == entry.id })
            try publisher.rebuild(from: storage, feeds: feeds)
            for cut in cuts {
                logger.notice(
                    "the roster has closed the key of a feed",
                    metadata: ["feed": "\(cut.feed)", "batches left": "\(cut.count)"]
                )
            }
            refreshIndex()
        }
        return feeds.filter { $0.feed.region == entry.id }.map { stored in
            var frontier = stored.base
            for leaf in stored.leaves { frontier.append(leaf) }
            return HeldFeed(feed: stored.feed, frontier: frontier, first: stored.first)
        }
    }
}

extension NodeContext {
    /// Follows a roster in which this region has taken over others than before. On the store's thread.
    func takeOver(by roster: Roster, _ storage: any FeedStorage) throws {
        guard publisher.takeOver(roster.predecessors(of: region)) else { return }
        try publisher.rebuild(from: storage, feeds: try storage.feeds())
    }
}

extension ReplicationDriver {
    /// Queues a review behind all stores asked for so far. One that fails is tried again until it is done: nothing of
    /// the region is replicated before.
    func review(_ entry: RosterRegion, node: NodeContext) {
        node.queue.submit { storage in
            do {
                let held = try node.review(entry, storage)
                self.report(.reviewed(entry.id, held))
            } catch {
                node.raise("what the roster has closed of \(entry.id) could not be cut off: \(error)")
                Task {
                    try? await Task.sleep(for: ReplicationDriver.reviewPause)
                    await self.review(entry, node: node)
                }
            }
        }
    }

    func takeOver(by roster: Roster, node: NodeContext) {
        node.queue.submit { storage in
            do {
                try node.takeOver(by: roster, storage)
            } catch {
                node.raise("what the regions published that \(node.region) has taken over could not be read: \(error)")
            }
        }
    }

    private static let reviewPause = Duration.seconds(30)
}
