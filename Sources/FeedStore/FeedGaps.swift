import ExposureKeys
import FeedFormat
import Foundation
import GRDB

/// Batches of which only the leaf hash has come. Statements that write run inside a transaction of the caller.
extension FeedTable {
    /// Numbers of a feed's gaps, ascending.
    static func gaps(of feed: Int64, in database: Database) throws -> [UInt64] {
        let statement = try database.cachedStatement(sql: "SELECT number FROM gap WHERE feed = ? ORDER BY number")
        return try Int64.fetchAll(statement, arguments: [feed]).map { UInt64(clamping: $0) }
    }

    static func isGap(_ number: UInt64, of feed: Int64, in database: Database) throws -> Bool {
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM gap WHERE feed = ? AND number = ?")
        return try Int.fetchOne(statement, arguments: [feed, Int64(clamping: number)]) != nil
    }

    /// Appends leaf hashes alone.
    /// - Returns: where the feed goes on behind them.
    static func skip(
        _ leaves: [Hash256],
        after position: Position,
        of feed: FeedID,
        in database: Database
    ) throws -> Position {
        try insert(leaves, from: position.size, feed: position.id, name: feed, in: database)
        return Position(id: position.id, size: position.size + UInt64(leaves.count))
    }

    static func extend(
        _ feed: FeedID,
        base: Frontier,
        skipped: [Hash256],
        in database: Database,
        path: String
    ) throws {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT region, epoch, base, size, first, id, floor FROM feed WHERE region = ? AND epoch = ?",
            arguments: [feed.region.code, feed.epoch.description]
        )
        guard let row else { throw StoreError(.outOfSequence, "\(feed) cannot be extended: it is not here") }
        let (record, id, floor): (FeedRecord, Int64, Int64) = (try FeedRecord(row, path: path), row[5], row[6])
        try AppendRules.admit(
            extending: feed,
            from: base,
            by: skipped,
            to: record.base,
            first: record.first,
            floor: UInt64(clamping: floor)
        )
        try insert(skipped, from: base.size, feed: id, name: feed, in: database)
        try database.execute(
            sql: "UPDATE feed SET base = ?, first = ? WHERE id = ?",
            arguments: [Data(base.bytes), Int64(base.size), id]
        )
    }

    private static func insert(
        _ leaves: [Hash256],
        from start: UInt64,
        feed: Int64,
        name: FeedID,
        in database: Database
    ) throws {
        try AppendRules.checkLimit(ofNumbersBelow: start + UInt64(leaves.count), of: name)
        let leaf = try database.cachedStatement(sql: "INSERT INTO leaf (feed, number, hash) VALUES (?, ?, ?)")
        let gap = try database.cachedStatement(sql: "INSERT INTO gap (feed, number) VALUES (?, ?)")
        for (offset, hash) in leaves.enumerated() {
            let number = Int64(start) + Int64(offset)
            try leaf.execute(arguments: [feed, number, Data(hash.bytes)])
            try gap.execute(arguments: [feed, number])
        }
    }
}
