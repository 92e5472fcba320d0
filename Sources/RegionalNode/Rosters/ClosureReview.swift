internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Logging
internal import Replication
internal import Synchronization

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
                    newest = try checkpoint(of: feed.feed, feed.count - 1, storage)
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

    /// A batch that is damaged vouches for nothing; what stands of its feed comes back from others.
    private static func checkpoint(of feed: FeedID, _ number: UInt64, _ storage: any FeedStorage) throws -> [UInt8] {
        do throws(StoreError) {
            return try storage.batch(feed, number)?.checkpoint ?? []
        } catch {
            guard error.code == .damaged else { throw error }
            return []
        }
    }
}

extension NodeContext {
    /// Cuts off what no longer counts of a region, from store, routes and merged state. On the store's thread.
    /// - Returns: what is held of the region then.
    func review(_ entry: RosterRegion, _ storage: any FeedStorage) throws -> [HeldFeed] {
        var feeds = try storage.feeds()
        let cuts = try ClosureReview.cuts([entry], feeds: feeds, storage)
        if !cuts.isEmpty {
            // What follows must be made up for, should it fail: the next review finds nothing to cut any more.
            owedReviews.withLock { _ = $0.insert(entry.id) }
            try storage.cut(cuts)
        }
        if owedReviews.withLock({ $0.contains(entry.id) }) {
            feeds = try storage.feeds()
            served.replace(entry.id, with: feeds.filter { $0.feed.region == entry.id })
            try publisher.rebuild(from: storage, feeds: feeds)
            for cut in cuts {
                logger.notice(
                    "the roster has closed the key of a feed",
                    metadata: ["feed": "\(cut.feed)", "batches left": "\(cut.count)"]
                )
            }
            owedReviews.withLock { _ = $0.remove(entry.id) }
            refreshIndex()
        }
        return feeds.filter { $0.feed.region == entry.id }.map { ServedFeed($0).heldFeed(bytes: $0.bytes) }
    }
}

extension NodeContext {
    /// Follows a roster in which this region has taken over others than before. On the store's thread.
    func takeOver(by roster: Roster, _ storage: any FeedStorage) throws {
        guard publisher.takeOver(roster.predecessors(of: region)) else { return }
        try publisher.rebuild(from: storage, feeds: try storage.feeds())
    }
}

extension NodeContext {
    /// - Returns: false if the store is broken: then the node starts again as a whole, with another one.
    fileprivate func mayTryAgain(after error: any Error, _ kind: AlarmKind, _ alarm: String, about: String) -> Bool {
        if care.reports(error) { return false }
        logger.warning("a change of the roster could not be carried out", metadata: ["why": "\(error)"])
        alarms.hold(kind, alarm, about: about)
        return true
    }
}

extension ReplicationDriver {
    /// Queues a review behind all stores asked for so far. One that fails is tried again until it is done: nothing of
    /// the region is replicated before.
    /// - Parameter attempt: how often it has failed.
    func review(_ entry: RosterRegion, node: NodeContext, attempt: Int = 0) {
        let alarm = "what the roster has closed of \(entry.id) could not be cut off yet; it is tried again"
        node.queue.submit { storage in
            do {
                let held = try node.review(entry, storage)
                node.alarms.end(.closureNotCarriedOut, about: entry.id.code)
                self.report(.reviewed(entry.id, held))
            } catch {
                let id = entry.id.code
                guard node.mayTryAgain(after: error, .closureNotCarriedOut, alarm, about: id) else { return }
                Task {
                    try? await Task.sleep(for: ReplicationDriver.pause(attempt))
                    await self.review(entry, node: node, attempt: attempt + 1)
                }
            }
        }
    }

    func takeOver(by roster: Roster, node: NodeContext, attempt: Int = 0) {
        let alarm =
            "what the regions published that \(node.region) has taken over could not be read yet; it is tried again"
        node.queue.submit { storage in
            do {
                try node.takeOver(by: roster, storage)
                node.alarms.end(.takeOverNotRead)
            } catch {
                guard node.mayTryAgain(after: error, .takeOverNotRead, alarm, about: "") else { return }
                Task {
                    try? await Task.sleep(for: ReplicationDriver.pause(attempt))
                    // The one in force may be another by now.
                    await self.takeOver(by: node.roster, node: node, attempt: attempt + 1)
                }
            }
        }
    }

    /// 1 s, 2 s, up to 32 s.
    private static func pause(_ attempt: Int) -> Duration { .seconds(1 << min(attempt, 5)) }
}
