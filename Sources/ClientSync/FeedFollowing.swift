internal import FeedFormat

/// Brings one feed from where the phone has it towards where the node's index says it is.
protocol FeedFollowing {
    var entry: IndexEntry { get }
    var context: FeedSync.Context { get }
    /// Where the phone stands; nil if it has nothing of the feed.
    var cursor: FeedCursor? { get }
    var report: FeedReport { get set }

    /// Goes on from the cursor as far as it can; what it commits stays, whatever it throws.
    mutating func advance() async throws
}

extension FeedFollowing {
    /// - Returns: what was done; problems of the feed are in it.
    /// - Throws: errors of the store, `CancellationError`.
    mutating func run() async throws -> FeedReport {
        do {
            try await advance()
            if let cursor {
                var backfill = FeedBackfill(entry, cursor: cursor, context: context)
                try await backfill.run(&report)
            }
        } catch let error as SyncError {
            report.problem = error
        } catch let error as FormatError {
            report.problem = .feed(entry.feed, error)
        }
        return report
    }
}
