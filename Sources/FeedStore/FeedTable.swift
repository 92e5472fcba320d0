import ExposureKeys
import FeedFormat
import Foundation
import GRDB
import GRDBSQLite

/// Statements on the tables of feeds. Those that write run inside a transaction of the caller.
enum FeedTable {
    /// The row of a feed and the number of its next batch.
    struct Position {
        let id: Int64
        let size: UInt64
    }

    /// Finds a feed that has leaf hashes, or lets it begin at the empty frontier. A row alone is what earlier versions
    /// left if they were killed between a feed's beginning and its first batch.
    static func position(of feed: FeedID, in database: Database) throws -> Position {
        let statement = try database.cachedStatement(
            sql: """
                SELECT id, size FROM feed
                WHERE region = ? AND epoch = ? AND EXISTS (SELECT 1 FROM leaf WHERE feed = id)
                """
        )
        let key: StatementArguments = [feed.region.code, feed.epoch.description]
        if let row = try Row.fetchOne(statement, arguments: key) {
            let size: Int64 = row[1]
            return Position(id: row[0], size: UInt64(clamping: size))
        }
        return try begin(feed, base: Frontier(), in: database)
    }

    /// Puts a feed at a frontier; hashes of batches before it go.
    static func begin(_ feed: FeedID, base: Frontier, in database: Database) throws -> Position {
        let size = Int64(base.size)
        let name: StatementArguments = [feed.region.code, feed.epoch.description]
        try database.execute(
            sql: "DELETE FROM leaf WHERE feed = (SELECT id FROM feed WHERE region = ? AND epoch = ?)",
            arguments: name
        )
        try database.execute(
            sql: """
                INSERT INTO feed (region, epoch, base, size, first, last_publication) VALUES (?, ?, ?, ?, ?, 0)
                ON CONFLICT (region, epoch) DO UPDATE
                SET base = excluded.base, size = excluded.size, first = excluded.first, floor = MAX(floor, size)
                """,
            arguments: name + [Data(base.bytes), size, size]
        )
        let id = try Int64.fetchOne(
            database,
            sql: "SELECT id FROM feed WHERE region = ? AND epoch = ?",
            arguments: name
        )
        guard let id else { throw StoreError(.io, "a row for \(feed) is not there after it was written") }
        return Position(id: id, size: base.size)
    }

    /// Batches that a feed still has and has had; of a feed that has only begun, 0 and 0, as it may begin elsewhere.
    static func extent(of feed: FeedID, in database: Database) throws -> (held: UInt64, count: UInt64) {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT size - first, size FROM feed
                WHERE region = ? AND epoch = ? AND EXISTS (SELECT 1 FROM leaf WHERE feed = id)
                """,
            arguments: [feed.region.code, feed.epoch.description]
        )
        guard let row else { return (0, 0) }
        let held: Int64 = row[0]
        let count: Int64 = row[1]
        return (UInt64(clamping: held), UInt64(clamping: count))
    }

    /// All leaf hashes of a feed.
    static func leaves(of record: FeedRecord, id: Int64, in database: Database, path: String) throws -> [Hash256] {
        let statement = try database.cachedStatement(sql: "SELECT hash FROM leaf WHERE feed = ? ORDER BY number")
        var leaves: [Hash256] = []
        leaves.reserveCapacity(Int(record.size - record.base.size))
        let rows = try Row.fetchCursor(statement, arguments: [id])
        while let row = try rows.next() {
            guard let hash = Hash256(bytes: try row.bytes(at: 0)) else {
                throw StoreError.corrupt("leaf hash \(leaves.count) of \(record.feed) is not 32 bytes", path: path)
            }
            leaves.append(hash)
        }
        guard record.base.size + UInt64(leaves.count) == record.size else {
            throw StoreError.corrupt("\(record.feed) has \(leaves.count) leaf hashes", path: path)
        }
        return leaves
    }

    static func insert(_ batch: ProvenBatch, feed: Int64, in database: Database) throws {
        let number = Int64(batch.number)
        let publication = Int64(batch.publication.number)
        try database.cachedStatement(sql: "INSERT INTO leaf (feed, number, hash) VALUES (?, ?, ?)")
            .execute(arguments: [feed, number, Data(batch.leaf.bytes)])
        try writeContent(of: batch, feed: feed, in: database)
        try database.cachedStatement(sql: "UPDATE feed SET size = ?, last_publication = ? WHERE id = ?")
            .execute(arguments: [number + 1, publication, feed])
    }

    /// Puts a batch where a damaged one stands, or where its row is missing.
    static func replace(_ batch: ProvenBatch, feed: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO leaf (feed, number, hash) VALUES (?, ?, ?)
                ON CONFLICT (feed, number) DO UPDATE SET hash = excluded.hash
                """
        ).execute(arguments: [feed, Int64(batch.number), Data(batch.leaf.bytes)])
        let conflict = """
            ON CONFLICT (feed, number) DO UPDATE
            SET publication = excluded.publication, checkpoint = excluded.checkpoint, bytes = excluded.bytes
            """
        try writeContent(of: batch, feed: feed, in: database, conflict: conflict)
        try database.cachedStatement(sql: "DELETE FROM gap WHERE feed = ? AND number = ?")
            .execute(arguments: [feed, Int64(batch.number)])
    }

    /// The row of a feed and the numbers of the batches that it should hold; nil if there is no such feed.
    static func held(_ feed: FeedID, in database: Database) throws -> (id: Int64, numbers: Range<UInt64>)? {
        let statement = try database.cachedStatement(
            sql: "SELECT id, first, size FROM feed WHERE region = ? AND epoch = ?"
        )
        guard let row = try Row.fetchOne(statement, arguments: [feed.region.code, feed.epoch.description]) else {
            return nil
        }
        let (id, first, size): (Int64, Int64, Int64) = (row[0], row[1], row[2])
        let start = UInt64(clamping: first)
        return (id, start..<max(start, UInt64(clamping: size)))
    }

    /// Writes the row that holds a batch's bytes. They are lent to SQLite where they lie, which GRDB's own arguments
    /// cannot do safely: those outlive the call in the cached statement.
    /// - Parameter conflict: SQL for the case that the row is there.
    private static func writeContent(
        of batch: ProvenBatch,
        feed: Int64,
        in database: Database,
        conflict: String = ""
    ) throws {
        // SQLite is given NULL for no bytes at all.
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO batch (feed, number, publication, checkpoint, bytes)
                VALUES (?, ?, ?, IFNULL(?, x''), IFNULL(?, x'')) \(conflict)
                """
        ).sqliteStatement
        try batch.checkpoint.withUnsafeBytes { checkpoint in
            try batch.bytes.withUnsafeBytes { bytes in
                defer {
                    sqlite3_reset(statement)
                    sqlite3_clear_bindings(statement)
                }
                let codes = [
                    sqlite3_bind_int64(statement, 1, feed),
                    sqlite3_bind_int64(statement, 2, Int64(batch.number)),
                    sqlite3_bind_int64(statement, 3, Int64(batch.publication.number)),
                    sqlite3_bind_blob64(statement, 4, checkpoint.baseAddress, UInt64(checkpoint.count), nil),
                    sqlite3_bind_blob64(statement, 5, bytes.baseAddress, UInt64(bytes.count), nil),
                ]
                for code in codes where code != SQLITE_OK { throw database.error(code) }
                let code = sqlite3_step(statement)
                guard code == SQLITE_DONE else { throw database.error(code) }
            }
        }
    }

    /// Reads a row of number, publication, hash, checkpoint, bytes.
    /// - Throws: `.damaged` if the bytes do not have the leaf hash.
    static func batch(_ row: Row, of feed: FeedID, path: String) throws -> ProvenBatch {
        let (number, publication): (Int64, Int64) = (row[0], row[1])
        let bytes = try row.bytes(at: 4)
        guard let leaf = Hash256(bytes: try row.bytes(at: 2)), leaf == Hash256(leaf: bytes[...]) else {
            throw StoreError.damaged("batch \(number) of \(feed) does not have its leaf hash any more", path: path)
        }
        return ProvenBatch(
            feed: feed,
            number: UInt64(clamping: number),
            publication: Interval(UInt32(clamping: publication)),
            bytes: bytes,
            leaf: leaf,
            checkpoint: try row.bytes(at: 3)
        )
    }

    static func drop(publishedAtOrBefore limit: Interval, in database: Database) throws -> Int {
        // Up to the first batch that stays; of gaps before that it is not known whether they have expired.
        let rows = try Row.fetchAll(
            database,
            sql: """
                WITH kept AS (
                    SELECT id, first, size,
                        (SELECT number FROM batch WHERE feed = id AND publication > ? ORDER BY number LIMIT 1) AS next
                    FROM feed WHERE first < size)
                SELECT id, first, CASE WHEN next IS NULL THEN size ELSE
                    COALESCE((SELECT MAX(number) + 1 FROM batch WHERE feed = id AND number < next), first) END
                FROM kept
                """,
            arguments: [Int64(limit.number)]
        )
        var dropped = 0
        for row in rows {
            let (id, first, kept): (Int64, Int64, Int64) = (row[0], row[1], row[2])
            guard first < kept else { continue }
            try database.execute(sql: "DELETE FROM batch WHERE feed = ? AND number < ?", arguments: [id, kept])
            dropped += database.changesCount
            try database.execute(sql: "DELETE FROM gap WHERE feed = ? AND number < ?", arguments: [id, kept])
            try database.execute(sql: "UPDATE feed SET first = ? WHERE id = ?", arguments: [kept, id])
        }
        return dropped
    }
}

/// The first columns of a row of table `feed`: region, epoch, base, size, first.
struct FeedRecord {
    let feed: FeedID
    let base: Frontier
    let size: UInt64
    let first: UInt64

    init(_ row: Row, path: String) throws {
        do {
            try self.init(row)
        } catch let error as StoreError {
            throw StoreError.corrupt(error.reason, path: path)
        }
    }

    /// - Throws: `.corrupt` if a column does not hold what belongs there; the reason is only that.
    init(_ row: Row) throws {
        func corrupt(_ finding: String) -> StoreError { StoreError(.corrupt, finding) }
        // Whatever stands there, of whatever type, is asked for as what it is: no conversion may trap or invent.
        guard let regionCode = String.fromDatabaseValue(row[0]), let region = Region(regionCode),
            let digits = String.fromDatabaseValue(row[1]), let epoch = Epoch(hexadecimal: digits)
        else { throw corrupt("a feed has no valid region and epoch") }
        feed = FeedID(region: region, epoch: epoch)
        do {
            base = try Frontier(bytes: row.bytes(at: 2)[...])
        } catch {
            throw corrupt("\(feed) has no valid frontier: \(error)")
        }
        let limit = Int64(FormatLimits.batchesPerFeed)
        guard let size = Int64.fromDatabaseValue(row[3]), (0...limit).contains(size),
            let first = Int64.fromDatabaseValue(row[4]), (0...size).contains(first), base.size <= UInt64(first)
        else { throw corrupt("\(feed) has an impossible number of batches") }
        self.size = UInt64(size)
        self.first = UInt64(first)
    }
}

extension Row {
    /// The bytes of a blob, copied once out of SQLite's page cache; none for NULL.
    func bytes(at column: Int) throws -> [UInt8] {
        try withUnsafeData(atIndex: column) { data in data.map { [UInt8]($0) } ?? [] }
    }
}

extension Database {
    /// What the connection says of a call that has just failed.
    fileprivate func error(_ code: CInt) -> DatabaseError {
        let extended = sqlite3_extended_errcode(sqliteConnection)
        let message = sqlite3_errmsg(sqliteConnection).map { String(cString: $0) }
        return DatabaseError(
            resultCode: ResultCode(rawValue: extended == SQLITE_OK ? code : extended),
            message: message
        )
    }
}
