public import FeedFormat

extension Replica {
    /// Feeds of which nothing more is taken, because their region has signed a malformed batch; ascending.
    public var blockedFeeds: [FeedID] {
        var blocked: [FeedID] = []
        for feed in feeds.keys where feeds[feed]?.isBlocked == true { blocked.append(feed) }
        return blocked
    }
}
