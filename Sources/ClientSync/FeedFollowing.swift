internal import FeedFormat

/// Brings one feed from where the phone has it towards where the node's index says it is.
protocol FeedFollowing {
    var entry: IndexEntry { get }
    var report: FeedReport { get set }

    /// Goes as far as it can; what it commits stays, whatever it throws.
    mutating func follow() async throws
}

extension FeedFollowing {
    /// - Returns: what was done; problems of the feed are in it.
    /// - Throws: errors of the store, `CancellationError`.
    mutating func run() async throws -> FeedReport {
        do {
            try await follow()
        } catch let error as SyncError {
            report.problem = error
        } catch let error as FormatError {
            report.problem = .feed(entry.feed, error)
        }
        return report
    }
}
