import ExposureKeys
public import FeedFormat
import GRDB

/// Where a feed is to end.
public struct FeedCut: Hashable, Sendable {
    public let feed: FeedID
    /// Batches that stay, from the first on; 0 to forget the feed.
    public let count: UInt64

    public init(_ feed: FeedID, to count: UInt64) {
        self.feed = feed
        self.count = count
    }
}

extension SQLiteFeedStore {
    public func cut(_ cuts: [FeedCut]) throws(StoreError) {
        try access("cutting off \(cuts.count.counted("feed"))") { database in
            try database.inTransaction(.immediate) {
                for cut in cuts { try FeedTable.cut(cut, in: database) }
                return .commit
            }
        }
    }
}

extension FeedTable {
    fileprivate static func cut(_ cut: FeedCut, in database: Database) throws {
        let name: StatementArguments = [cut.feed.region.code, cut.feed.epoch.description]
        guard
            let row = try Row.fetchOne(
                database,
                sql: "SELECT id, size FROM feed WHERE region = ? AND epoch = ?",
                arguments: name
            )
        else { return }
        let (id, size): (Int64, Int64) = (row[0], row[1])
        let count = Int64(clamping: cut.count)
        guard count < size else { return }
        try database.execute(sql: "DELETE FROM batch WHERE feed = ? AND number >= ?", arguments: [id, count])
        try database.execute(sql: "DELETE FROM gap WHERE feed = ? AND number >= ?", arguments: [id, count])
        try database.execute(sql: "DELETE FROM leaf WHERE feed = ? AND number >= ?", arguments: [id, count])
        let hasLeaves = "SELECT EXISTS (SELECT 1 FROM leaf WHERE feed = ?)"
        if try Bool.fetchOne(database, sql: hasLeaves, arguments: [id]) == true {
            try database.execute(
                sql: """
                    UPDATE feed SET size = ?1, first = MIN(first, ?1), last_publication = COALESCE(
                        (SELECT publication FROM batch WHERE feed = ?2 AND number = ?1 - 1), last_publication)
                    WHERE id = ?2
                    """,
                arguments: [count, id]
            )
        } else {
            try database.execute(sql: "DELETE FROM feed WHERE id = ?", arguments: [id])
        }
    }
}
