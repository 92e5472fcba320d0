internal import ExposureKeys
public import FeedFormat

/// Drops what the roster's closed keys have made void. Asks nobody: what must be compared with a node's hashes is left
/// to `StandingFeedSync`.
struct ClosureCheck: Sendable {
    let roster: Roster
    let storage: any DeviceStorage

    /// - Returns: true if some feed is still to be settled with a node, so that its index must be read.
    func run() async throws -> Bool {
        guard roster.regions.contains(where: { !$0.closures.isEmpty }) else { return false }
        var isOpen = false
        for cursor in try await storage.cursors() {
            guard let entry = roster.region(cursor.feed.region), !entry.closures.isEmpty else { continue }
            if let standing = entry.standing(of: cursor.feed.epoch) {
                if cursor.size < standing.size {
                    isOpen = true
                } else if cursor.frontier.root != standing.root || cursor.size != standing.size {
                    // Further on, the frontier at the size that stands is not known any more: it is fetched anew.
                    try await storage.cut(cursor.feed, expecting: cursor.size)
                    isOpen = true
                }
            } else if try await !isVouchedFor(cursor, by: entry) {
                try await storage.cut(cursor.feed, expecting: cursor.size)
            }
        }
        return isOpen
    }

    /// Whether a key that is not closed has signed what is held.
    private func isVouchedFor(_ cursor: FeedCursor, by entry: RosterRegion) async throws -> Bool {
        let feed = cursor.feed
        guard let held = try await storage.checkpoint(of: feed, size: cursor.size) else { return false }
        return (try? SignedCheckpoint(held[...], region: feed.region, epoch: feed.epoch, keys: entry.keys)) != nil
    }
}

extension Evidence {
    /// Whether a roster has settled it: a fork is one no more once the key that signed the other history is closed.
    public func isSettled(by roster: Roster) -> Bool {
        guard kind == .fork, let entry = roster.region(feed.region) else { return false }
        return entry.isClosed(contradicting[...], of: feed.epoch) || entry.isClosed(held[...], of: feed.epoch)
    }
}
