import FeedFormat
import Foundation
import GRDB
import GRDBSQLite

/// How a store's file is read for the first time, by the node that opens it and by whoever only looks into it: one
/// reading, so that both find the same. The file may be anybody's: nothing of it is believed, and what it can cost is
/// bounded by its size and by these limits.
enum StoreReading {
    /// Feeds of a store: as many as an index may list.
    static let feeds = FormatLimits.feedsPerIndex
    /// Leaf hashes of a store, 32 bytes each while a node runs: 63 regions that publish hourly need 15 years for them.
    static let leaves = 1 << 23
    /// Largest row that SQLite accepts, in bytes: a batch of the largest size and what lies beside it.
    static let rowBytes = FormatLimits.batchBytes + 65_536

    /// Limits that hold on a connection from its beginning.
    static func restrict(_ database: Database) throws {
        sqlite3_limit(database.sqliteConnection, SQLITE_LIMIT_LENGTH, CInt(rowBytes))
        // Nothing that the file's schema says may call functions of the program, and cells are looked at before use.
        try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    }

    // MARK: The schema

    /// The tables and their columns, in any order.
    private static let tables: [(name: String, columns: Set<String>)] = [
        ("feed", ["id", "region", "epoch", "base", "size", "first", "last_publication", "floor"]),
        ("leaf", ["feed", "number", "hash"]),
        ("batch", ["feed", "number", "publication", "checkpoint", "bytes"]),
        ("setting", ["name", "value"]),
        ("gap", ["feed", "number"]),
    ]

    /// Whether the file has these tables, and nothing else. A view in the place of a table may be endless, a trigger, an
    /// index of an expression or a computed column costs what it likes: with plain tables alone each question costs no
    /// more than the file is long.
    /// - Parameter version: schema version of the file; the first had no table `gap` and no column `floor`.
    /// - Returns: why nothing can be read; and what else is there that no node makes, beside tables that can be read.
    static func schemaFaults(_ database: Database, version: Int) throws -> (unreadable: String?, foreign: String?) {
        let tables = tables.filter { $0.name != "gap" || version > 1 }
        let rows = try Row.fetchAll(database, sql: "SELECT type, name, sql FROM sqlite_schema LIMIT 64")
        var foreign: String?
        var plain: Set<String> = []
        for row in rows {
            let (type, name) = (row[0] as String? ?? "", row[1] as String? ?? "")
            let sql = row[2] as String?
            // What SQLite makes by itself: for PRIMARY KEY and UNIQUE, without a text, and for ANALYZE.
            if type == "index", name.hasPrefix("sqlite_autoindex_"), sql == nil { continue }
            if type == "table", name.hasPrefix("sqlite_stat") { continue }
            if type == "table", tables.contains(where: { $0.name == name }),
                sql?.uppercased().hasPrefix("CREATE TABLE") == true
            {
                plain.insert(name)
            } else {
                foreign = foreign ?? "it has a \(type.prefix(10)) '\(name.prefix(40))', which no node makes"
            }
        }
        for (name, columns) in tables {
            guard plain.contains(name) else { return (foreign ?? "it has no table '\(name)'", foreign) }
            let found = try Row.fetchAll(
                database,
                sql: "SELECT name, hidden FROM pragma_table_xinfo('\(name)') LIMIT 32"
            )
            let names = Set(found.map { $0[0] as String? ?? "" })
            guard names == (version > 1 ? columns : columns.subtracting(["floor"])),
                found.allSatisfy({ $0[1] as Int64? == 0 })
            else { return ("the columns of its table '\(name)' are not those that a node makes", foreign) }
        }
        return (nil, foreign)
    }

    // MARK: Rows

    /// What is wrong with the file: SQLite's own check of its pages, then that each row can be read, that leaves, and
    /// batches with gaps, are contiguous and as many as their feed says, and that no more is there than a node can hold.
    /// Reads the whole file a few times, but hashes nothing; bytes are compared with their leaf when read.
    /// - Parameter limit: findings after which it stops.
    static func problems(_ database: Database, limit: Int) throws -> [String] {
        let pages = try String.fetchAll(database, sql: "PRAGMA quick_check(\(limit))").filter { $0 != "ok" }
        if !pages.isEmpty { return pages.map { "SQLite finds: \($0)" } }
        var problems = try overflow(database)
        guard problems.isEmpty else { return problems }
        for (sql, text) in impossibleRows {
            guard problems.count < limit else { break }
            let count = try Int.fetchOne(database, sql: sql) ?? 0
            if count > 0 { problems.append("\(count) \(text)") }
        }
        let rows = try Row.fetchCursor(database, sql: feedsWithTheirRows)
        while problems.count < limit, let row = try rows.next() {
            if let problem = problem(with: row) { problems.append(problem) }
        }
        return problems
    }

    private static func overflow(_ database: Database) throws -> [String] {
        for (table, limit) in [("feed", feeds), ("leaf", leaves), ("batch", leaves), ("gap", leaves)] {
            let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM \(table) LIMIT \(limit + 1))"
            if try Int.fetchOne(database, sql: sql) ?? 0 > limit {
                return ["table '\(table)' has more than \(limit) rows, more than any node holds"]
            }
        }
        return []
    }

    /// Each counts rows that no node writes. `LENGTH` of a blob is read from the row's head, not from all of its pages.
    private static let impossibleRows: [(sql: String, text: String)] = [
        (
            "SELECT COUNT(*) FROM leaf WHERE TYPEOF(hash) <> 'blob' OR LENGTH(hash) <> 32",
            "leaf hashes are not 32 bytes"
        ),
        (
            "SELECT COUNT(*) FROM batch WHERE LENGTH(bytes) > \(FormatLimits.batchBytes)",
            "batches are larger than any batch may be"
        ),
        (
            "SELECT COUNT(*) FROM batch WHERE LENGTH(checkpoint) > \(FormatLimits.checkpointBytes)",
            "checkpoints are larger than any may be"
        ),
        (
            "SELECT COUNT(*) FROM feed WHERE last_publication < 0 OR last_publication > 4294967295",
            "feeds have an impossible publication interval"
        ),
        ("SELECT COUNT(*) FROM leaf WHERE feed NOT IN (SELECT id FROM feed)", "leaf hashes belong to no feed"),
        ("SELECT COUNT(*) FROM batch WHERE feed NOT IN (SELECT id FROM feed)", "batches belong to no feed"),
        ("SELECT COUNT(*) FROM gap WHERE feed NOT IN (SELECT id FROM feed)", "gaps belong to no feed"),
    ]

    private static let feedsWithTheirRows = """
        SELECT region, epoch, base, size, first,
            (SELECT COUNT(*) FROM leaf WHERE feed = id),
            (SELECT MIN(number) FROM leaf WHERE feed = id),
            (SELECT MAX(number) FROM leaf WHERE feed = id),
            (SELECT COUNT(*) FROM batch WHERE feed = id) + (SELECT COUNT(*) FROM gap WHERE feed = id),
            MIN(IFNULL((SELECT MIN(number) FROM batch WHERE feed = id), size),
                IFNULL((SELECT MIN(number) FROM gap WHERE feed = id), size)),
            MAX(IFNULL((SELECT MAX(number) FROM batch WHERE feed = id), -1),
                IFNULL((SELECT MAX(number) FROM gap WHERE feed = id), -1)),
            (SELECT COUNT(*) FROM gap JOIN batch USING (feed, number) WHERE feed = id)
        FROM feed
        """

    private static func problem(with row: Row) -> String? {
        let record: FeedRecord
        do {
            record = try FeedRecord(row)
        } catch {
            return (error as? StoreError)?.reason ?? "a feed cannot be read: \(error)"
        }
        guard holds(row, at: 5, from: record.base.size, to: record.size) else {
            return "leaf hashes of \(record.feed) are missing or too many"
        }
        guard record.base.size <= record.first, holds(row, at: 8, from: record.first, to: record.size),
            row[11] as Int64? == 0
        else { return "batches of \(record.feed) are missing or too many" }
        return nil
    }

    /// Whether count, least and greatest number, in three columns, are those of `from..<to`.
    private static func holds(_ row: Row, at column: Int, from: UInt64, to: UInt64) -> Bool {
        guard from <= to, let count = row[column] as Int64?, count == Int64(to - from) else { return false }
        if count == 0 { return true }
        return row[column + 1] as Int64? == Int64(from) && row[column + 2] as Int64? == Int64(to) - 1
    }
}

/// Ends a statement that takes longer than reading a file of its size could: damage that SQLite's check did not see, or
/// that is read in spite of what it saw.
final class ReadingTime: Sendable {
    private let end: ContinuousClock.Instant

    static let patience = Duration.seconds(30)
    /// What a slow disk gives, in bytes a second.
    private static let pace = 1 << 20
    /// Instructions of SQLite's machine between two looks at the clock.
    private static let step: CInt = 10_000

    /// - Parameters:
    ///   - bytes: size of the file and its log.
    ///   - patience: what is granted in any case.
    init(bytes: Int64, patience: Duration = ReadingTime.patience) {
        end = .now + patience + .seconds(bytes / Int64(ReadingTime.pace))
    }

    /// Applies to all statements of a connection from now on. It must not outlive the connection.
    func limit(_ database: Database) {
        sqlite3_progress_handler(
            database.sqliteConnection,
            ReadingTime.step,
            { context in
                guard let context else { return 0 }
                return Unmanaged<ReadingTime>.fromOpaque(context).takeUnretainedValue().isOver ? 1 : 0
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    static func unlimited(_ database: Database) { sqlite3_progress_handler(database.sqliteConnection, 0, nil, nil) }

    var isOver: Bool { .now > end }

    /// Bytes of a store's file and of its log.
    static func bytes(of path: String) -> Int64 {
        [path, path + "-wal"].reduce(0) { sum, file in
            var status = stat()
            return stat(file, &status) == 0 ? sum + Int64(status.st_size) : sum
        }
    }
}
