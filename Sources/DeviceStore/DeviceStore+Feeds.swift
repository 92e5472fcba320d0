public import ClientSync
public import ExposureKeys
public import FeedFormat
import Foundation
import GRDB

extension DeviceStore: DeviceStorage {
    public func roster() async throws -> HeldRoster? {
        try await read("reading the roster") { database in
            try Row.fetchOne(database, sql: "SELECT bytes, etag, checked FROM roster").map {
                HeldRoster(bytes: try $0.bytes(0), etag: $0[1], checked: $0[2])
            }
        }
    }

    public func hold(_ roster: HeldRoster) async throws {
        try await write("keeping the roster") { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO roster (id, etag, checked, bytes) VALUES (1, ?, ?, ?)",
                arguments: [roster.etag, roster.checked, Data(roster.bytes)]
            )
        }
    }

    public func indexMark(of node: String) async throws -> IndexMark? {
        let path = path
        return try await read("reading the mark of an index") { database in
            let sql = "SELECT etag, selection, signer, time FROM index_mark WHERE node = ?"
            guard let row = try Row.fetchOne(database, sql: sql, arguments: [node]) else { return nil }
            guard let signer = Region(row[2] as String) else { throw DeviceStoreError.corrupt("no region", path: path) }
            return IndexMark(etag: row[0], selection: row[1], signer: signer, time: row[3])
        }
    }

    public func forgetIndexMark(of node: String) async throws {
        try await write("forgetting the mark of an index") { database in
            try database.execute(sql: "DELETE FROM index_mark WHERE node = ?", arguments: [node])
        }
    }

    public func hold(_ mark: IndexMark, of node: String) async throws {
        try await write("keeping the mark of an index") { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO index_mark (node, etag, selection, signer, time) VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [node, mark.etag, mark.selection, mark.signer.code, mark.time]
            )
            try database.execute(
                sql: """
                    DELETE FROM index_mark WHERE id NOT IN (SELECT id FROM index_mark ORDER BY id DESC LIMIT 64)
                    """
            )
        }
    }

    public func settledPart(_ hash: Hash256) async throws -> [UInt8]? {
        try await read("reading part of an index") { database in
            let sql = "SELECT bytes FROM settled_part WHERE hash = ?"
            return try Row.fetchOne(database, sql: sql, arguments: [Data(hash.bytes)]).map { try $0.bytes(0) }
        }
    }

    public func hold(settledPart bytes: [UInt8], hash: Hash256) async throws {
        try await write("keeping part of an index") { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO settled_part (hash, bytes) VALUES (?, ?)",
                arguments: [Data(hash.bytes), Data(bytes)]
            )
            try database.execute(
                sql: """
                    DELETE FROM settled_part WHERE id NOT IN (SELECT id FROM settled_part ORDER BY id DESC LIMIT 4)
                    """
            )
        }
    }

    public func cursors() async throws -> [FeedCursor] {
        let path = path
        return try await read("reading the cursors") { database in
            let sql = "SELECT region, epoch, size, last_publication, frontier, first FROM cursor ORDER BY region, epoch"
            return try Row.fetchAll(database, sql: sql).map { row in
                guard let frontier = try? Frontier(bytes: row.bytes(4)[...]), frontier.size == UInt64(row[2] as Int64)
                else { throw DeviceStoreError.corrupt("a cursor is unreadable", path: path) }
                return FeedCursor(
                    feed: try row.feed(path),
                    frontier: frontier,
                    lastPublication: Interval(UInt32(clamping: row[3] as Int64)),
                    first: UInt64(clamping: row[5] as Int64)
                )
            }
        }
    }

    public func commit(_ commit: DeviceCommit) async throws {
        let path = path
        try await write("keeping \(commit.batches.count.counted("batch"))") { [self] database in
            let cursor = commit.cursor
            let key = [cursor.feed.region.code, cursor.feed.epoch.description]
            let size = try Int64.fetchOne(
                database,
                sql: "SELECT size FROM cursor WHERE region = ? AND epoch = ?",
                arguments: StatementArguments(key)
            )
            guard size.map({ UInt64($0) }) == commit.previousSize else { throw SyncError.cursorMoved(cursor.feed) }
            // Only what fills a gap before the cursor may be there already.
            let verb = commit.previousSize == cursor.size ? "INSERT OR REPLACE" : "INSERT"
            let insert = try database.cachedStatement(
                sql: "\(verb) INTO batch (region, epoch, number, publication, bytes) VALUES (?, ?, ?, ?, ?)"
            )
            for batch in commit.batches {
                try insert.execute(
                    arguments: StatementArguments(key)
                        + [Int64(batch.number), Int64(batch.publication.number), Data(batch.bytes)]
                )
            }
            if !commit.matched.isEmpty {
                let sealing = try sealing(in: database, path: path)
                for matched in commit.matched { try MatchedTables.put(matched, path: path, sealing, in: database) }
            }
            if let note = commit.checkpoint {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO checkpoint (region, epoch, size, note) VALUES (?, ?, ?, ?)",
                    arguments: StatementArguments(key) + [Int64(cursor.size), Data(note)]
                )
            }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO cursor (region, epoch, size, last_publication, frontier, first)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: StatementArguments(key)
                    + [
                        Int64(cursor.size), Int64(cursor.lastPublication.number), Data(cursor.frontier.bytes),
                        Int64(clamping: cursor.first),
                    ]
            )
        }
    }

    public func cut(_ feed: FeedID, expecting size: UInt64) async throws {
        let key = [feed.region.code, feed.epoch.description]
        try await write("forgetting feed \(feed)") { database in
            let held = try Int64.fetchOne(
                database,
                sql: "SELECT size FROM cursor WHERE region = ? AND epoch = ?",
                arguments: StatementArguments(key)
            )
            guard held == Int64(exactly: size) else { throw SyncError.cursorMoved(feed) }
            for table in ["cursor", "batch", "matched", "checkpoint"] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE region = ? AND epoch = ?",
                    arguments: StatementArguments(key)
                )
            }
            try database.execute(sql: "DELETE FROM index_mark")
        }
    }

    public func checkpoint(of feed: FeedID, size: UInt64) async throws -> [UInt8]? {
        guard let size = Int64(exactly: size) else { return nil }
        return try await read("reading a checkpoint") { database in
            try Row.fetchOne(
                database,
                sql: "SELECT note FROM checkpoint WHERE region = ? AND epoch = ? AND size = ?",
                arguments: [feed.region.code, feed.epoch.description, size]
            ).map { try $0.bytes(0) }
        }
    }

    public func regions() async throws -> [Region] {
        let path = path
        return try await read("reading the regions") { database in
            // Steps from one region to the next along the primary key instead of reading every batch.
            let sql = """
                WITH RECURSIVE step (region) AS (
                    SELECT MIN(region) FROM batch
                    UNION ALL
                    SELECT (SELECT MIN(region) FROM batch WHERE region > step.region) FROM step
                    WHERE step.region IS NOT NULL
                )
                SELECT region FROM step WHERE region IS NOT NULL
                """
            return try String.fetchAll(database, sql: sql).map { code in
                guard let region = Region(code) else { throw DeviceStoreError.corrupt("no region", path: path) }
                return region
            }
        }
    }

    public func publications(of feed: FeedID, below number: UInt64) async throws -> [BatchPublication] {
        try await read("reading which batches of \(feed) are held") { database in
            let sql = """
                SELECT number, publication FROM batch WHERE region = ? AND epoch = ? AND number < ? ORDER BY number
                """
            let arguments: StatementArguments = [
                feed.region.code, feed.epoch.description, Int64(clamping: number),
            ]
            return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
                BatchPublication(
                    number: UInt64(clamping: row[0] as Int64),
                    publication: Interval(UInt32(clamping: row[1] as Int64))
                )
            }
        }
    }

    public func reduceBatches<Result: Sendable>(
        of region: Region,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, HeldBatch) throws -> Void
    ) async throws -> Result {
        let path = path
        return try await read("reading batches of \(region)") { database in
            var result = initial
            let sql =
                "SELECT region, epoch, number, publication, bytes FROM batch WHERE region = ? ORDER BY epoch, number"
            let rows = try Row.fetchCursor(database, sql: sql, arguments: [region.code])
            while let row = try rows.next() {
                let batch = HeldBatch(
                    feed: try row.feed(path),
                    number: UInt64(clamping: row[2] as Int64),
                    publication: Interval(UInt32(clamping: row[3] as Int64)),
                    bytes: try row.bytes(4)
                )
                try update(&result, batch)
            }
            return result
        }
    }

    public func dropExpired(now: Interval) async throws {
        try await write("dropping old batches") { database in
            let limit = now.distance(from: Interval(0)) - Expiry.batchLifetime
            try database.execute(
                sql: """
                    DELETE FROM matched WHERE EXISTS (
                        SELECT 1 FROM batch WHERE batch.publication <= ? AND batch.region = matched.region
                        AND batch.epoch = matched.epoch AND batch.number = matched.number
                    )
                    """,
                arguments: [limit]
            )
            try database.execute(sql: "DELETE FROM batch WHERE publication <= ?", arguments: [limit])
            try database.execute(
                sql: "DELETE FROM cursor WHERE last_publication <= ?",
                arguments: [limit - Expiry.batchLifetime]
            )
            // A checkpoint is kept while its last batch is, and the one at the cursor for as long as the cursor.
            try database.execute(
                sql: """
                    DELETE FROM checkpoint WHERE NOT EXISTS (
                        SELECT 1 FROM batch WHERE batch.region = checkpoint.region
                            AND batch.epoch = checkpoint.epoch AND batch.number = checkpoint.size - 1
                    ) AND NOT EXISTS (
                        SELECT 1 FROM cursor WHERE cursor.region = checkpoint.region
                            AND cursor.epoch = checkpoint.epoch AND cursor.size = checkpoint.size
                    )
                    """
            )
        }
    }
}

extension Row {
    /// The bytes of a column; SQLite gives NULL for an empty blob.
    func bytes(_ column: Int) throws -> [UInt8] {
        try withUnsafeData(atIndex: column) { $0.map { [UInt8]($0) } ?? [] }
    }

    /// The feed named by columns `region` and `epoch`.
    func feed(_ path: String) throws -> FeedID {
        guard let region = Region(self["region"] as String), let epoch = Epoch(hexadecimal: self["epoch"] as String)
        else { throw DeviceStoreError.corrupt("a feed's name is unreadable", path: path) }
        return FeedID(region: region, epoch: epoch)
    }
}
