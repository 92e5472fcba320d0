public import ExposureKeys

/// By what a feed is judged under a roster: the one rule for whoever looks at bytes, be it replication, a node's care for
/// its store, the salvage of a broken one or an operator's check. docs/FEED-FORMAT.md, "Closed keys".
///
/// A feed that no closed key names is proven by signatures of the keys that its region lists. One that stands under a
/// closed key ends where the roster says: its first batches are proven by leaf hashes that lead to the root that the
/// roster names, whoever signed what, and nothing behind them counts. Its checkpoints are told by the closed keys, too.
public struct FeedRule: Sendable {
    public let feed: FeedID
    /// Keys by which the feed's checkpoints are told.
    public let keys: [RosterRegion.Key]
    /// Where the feed ends, nil if nowhere.
    public let standing: RosterRegion.Closure.Standing?

    init(_ feed: FeedID, in entry: RosterRegion) {
        self.feed = feed
        standing = entry.standing(of: feed.epoch)
        keys = standing == nil ? entry.keys : entry.keys + entry.closedKeys
    }

    /// Nothing of the feed counts from this number on; nil if it ends nowhere.
    public var end: UInt64? { standing?.size }

    /// Whether leaf hashes that somebody holds may be the feed's.
    /// - Parameters:
    ///   - base: frontier before the first of `leaves`.
    ///   - leaves: in order, as far as they are known.
    /// - Returns: false if they reach the end of the feed and do not lead to the root that stands there. Signatures prove
    ///   hashes that do not reach it.
    public func admits(base: Frontier, leaves: some Sequence<Hash256>) -> Bool {
        guard let standing else { return true }
        guard base.size < standing.size else { return false }
        var frontier = base
        for leaf in leaves {
            if frontier.size == standing.size { break }
            frontier.append(leaf)
        }
        return frontier.size < standing.size || frontier.root == standing.root
    }

    /// Whether a checkpoint says that the feed's first batches have this frontier, and is signed by a key that counts.
    public func proves(_ checkpoint: ArraySlice<UInt8>, _ frontier: Frontier) -> Bool {
        guard frontier.size <= end ?? .max,
            let note = try? SignedCheckpoint(checkpoint, region: feed.region, epoch: feed.epoch, keys: keys)
        else { return false }
        return note.checkpoint.size == frontier.size && note.checkpoint.root == frontier.root
    }
}

extension RosterRegion {
    /// - Parameter epoch: of one of this region's feeds.
    public func rule(for epoch: Epoch) -> FeedRule { FeedRule(FeedID(region: id, epoch: epoch), in: self) }
}

extension Roster {
    /// - Returns: nil if the feed's region is not listed: nothing of it can be proven.
    public func rule(for feed: FeedID) -> FeedRule? { region(feed.region)?.rule(for: feed.epoch) }
}
