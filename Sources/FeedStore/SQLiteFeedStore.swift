public import ExposureKeys
public import FeedFormat
import Foundation
import GRDB
import GRDBSQLite

/// A store in one SQLite file (with `-wal` and `-shm` beside it while open, and `.lock` for good).
///
/// An append is one transaction in write-ahead mode with `synchronous = FULL`: the log is synchronised to the disk
/// before the call returns. Losing the file loses no key that a neighbour holds; its growth is the batches of
/// `Expiry.batchLifetime` and, for good, about 45 bytes for each leaf hash. Space of dropped batches is used again,
/// but not given back to the file system.
public final class SQLiteFeedStore: FeedStorage {
    private let queue: DatabaseQueue
    private let lock: FileLock
    let path: String

    /// Opens a store, or creates one with mode 0600, and checks it for damage.
    /// - Parameter path: of the file; its directory must exist.
    /// - Throws: `.inUse`, `.cannotOpen`, `.newerSchema`, `.corrupt`, `.full`, `.io`.
    public init(path: String) throws(StoreError) {
        let path = SQLiteFeedStore.resolved(path)
        self.path = path
        _ = try OwnFile.checkFolder(of: path, setting: "setting 'store'")
        lock = try FileLock(path: path + ".lock", guarding: path)
        try SQLiteFeedStore.createPrivately(path)
        try lock.extend(to: path)
        do {
            queue = try DatabaseQueue(path: path, configuration: SQLiteFeedStore.configuration(path: path))
        } catch {
            throw SQLiteFeedStore.wrapped(error, systemError: 0, action: "opening the store", path: path)
        }
        do throws(StoreError) {
            let time = ReadingTime(bytes: ReadingTime.bytes(of: path))
            try access("checking the store") { database in
                time.limit(database)
                defer { ReadingTime.unlimited(database) }
                if let problem = try StoreReading.problems(database, limit: 1).first {
                    throw StoreError.corrupt(problem, path: path)
                }
            }
            withExtendedLifetime(time) {}
        } catch {
            try? queue.close()
            throw error
        }
    }

    public func feeds() throws(StoreError) -> [StoredFeed] {
        try access("reading the feeds") { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT region, epoch, base, size, first, last_publication, id, floor,
                        (SELECT TOTAL(LENGTH(bytes)) FROM batch WHERE feed = id)
                    FROM feed
                    ORDER BY region, epoch
                    """
            )
            var feeds: [StoredFeed] = []
            while let row = try rows.next() {
                let record = try FeedRecord(row, path: path)
                guard record.base.size < record.size else { continue }
                guard let publication = UInt32(exactly: row[5] as Int64) else {
                    throw StoreError.corrupt("\(record.feed) has an impossible publication interval", path: path)
                }
                feeds.append(
                    StoredFeed(
                        feed: record.feed,
                        base: record.base,
                        leaves: try FeedTable.leaves(of: record, id: row[6], in: database, path: path),
                        first: record.first,
                        gaps: try FeedTable.gaps(of: row[6], in: database),
                        floor: UInt64(clamping: row[7] as Int64),
                        bytes: UInt64(max(0, row[8] as Double)),
                        lastPublication: Interval(publication)
                    )
                )
            }
            return feeds
        }
    }

    public func append(_ batches: [ProvenBatch], base: Frontier?, skipped: [Hash256]) throws(StoreError) {
        try access("appending \(batches.count.counted("batch"))") { database in
            try database.inTransaction(.immediate) {
                var rules = AppendRules()
                var positions: [FeedID: FeedTable.Position] = [:]
                if let base, let feed = batches.first?.feed {
                    let extent = try FeedTable.extent(of: feed, in: database)
                    try AppendRules.admit(base, of: feed, held: extent.held, count: extent.count)
                    positions[feed] = try FeedTable.begin(feed, base: base, in: database)
                }
                if let feed = batches.first?.feed, !skipped.isEmpty {
                    let position = try positions[feed] ?? FeedTable.position(of: feed, in: database)
                    positions[feed] = try FeedTable.skip(skipped, after: position, of: feed, in: database)
                }
                for batch in batches {
                    let position = try positions[batch.feed] ?? FeedTable.position(of: batch.feed, in: database)
                    positions[batch.feed] = position
                    try rules.admit(batch, count: position.size)
                }
                for batch in batches {
                    if let position = positions[batch.feed] {
                        try FeedTable.insert(batch, feed: position.id, in: database)
                    }
                }
                return .commit
            }
        }
    }

    public func extend(_ feed: FeedID, base: Frontier, skipped: [Hash256]) throws(StoreError) {
        try access("extending \(feed)") { database in
            try database.inTransaction(.immediate) {
                try FeedTable.extend(feed, base: base, skipped: skipped, in: database, path: path)
                return .commit
            }
        }
    }

    public func batch(_ feed: FeedID, _ number: UInt64) throws(StoreError) -> ProvenBatch? {
        guard number < .max else { return nil }
        return try batches(feed, number..<number + 1).first
    }

    public func batches(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [ProvenBatch] {
        try access("reading batches of \(feed)") { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT number, publication, hash, checkpoint, bytes
                    FROM batch JOIN leaf USING (feed, number)
                    WHERE feed = (SELECT id FROM feed WHERE region = ? AND epoch = ?) AND number >= ? AND number < ?
                    ORDER BY number
                    """
            )
            let rows = try Row.fetchCursor(
                statement,
                arguments: [
                    feed.region.code, feed.epoch.description, Int64(clamping: numbers.lowerBound),
                    Int64(clamping: numbers.upperBound),
                ]
            )
            var batches: [ProvenBatch] = []
            while let row = try rows.next() { batches.append(try FeedTable.batch(row, of: feed, path: path)) }
            return batches
        }
    }

    public func drop(publishedAtOrBefore limit: Interval) throws(StoreError) -> Int {
        try access("dropping old batches") { database in
            var dropped = 0
            try database.inTransaction(.immediate) {
                dropped = try FeedTable.drop(publishedAtOrBefore: limit, in: database)
                return .commit
            }
            return dropped
        }
    }

    public func setting(_ name: String) throws(StoreError) -> [UInt8]? {
        try access("reading a setting") { database in
            try Row.fetchOne(database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])?.bytes(at: 0)
        }
    }

    public func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) {
        try access("keeping a setting") { database in
            // SQLite is given NULL for no bytes at all.
            try database.execute(
                sql: """
                    INSERT INTO setting (name, value) VALUES (?, IFNULL(?, x''))
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """,
                arguments: [name, Data(value)]
            )
        }
    }

    public func close() throws(StoreError) {
        do {
            try queue.close()
        } catch {
            throw SQLiteFeedStore.wrapped(error, systemError: 0, action: "closing the store", path: path)
        }
        lock.release()
    }

    /// The value of a pragma on the connection that writes.
    package func pragma(_ name: StaticString) throws(StoreError) -> String? {
        try access("reading a pragma") { try String.fetchOne($0, sql: "PRAGMA \(name)") }
    }
}

// MARK: - The connection

extension SQLiteFeedStore {
    /// Page cache in KiB.
    private static let cacheSize = 4096
    /// Pages of log after which an append also moves them into the file. Half of SQLite's default: the append that does
    /// so takes about 15 ms instead of 30.
    private static let checkpointPages = 512
    /// Bytes to which the write-ahead log is cut back once its content has moved into the file.
    private static let logSize = 16 << 20
    /// The one name of a file, so that a second name for it meets the same lock.
    static func resolved(_ path: String) -> String {
        func real(_ path: String) -> String? {
            guard let text = realpath(path, nil) else { return nil }
            defer { free(text) }
            return String(cString: text)
        }
        if let path = real(path) { return path }
        let url = URL(fileURLWithPath: path)
        return real(url.deletingLastPathComponent().path).map { $0 + "/" + url.lastPathComponent } ?? path
    }

    /// Creates the file empty, so that no moment exists in which others may read it. The files beside it take its mode.
    static func createPrivately(_ path: String) throws(StoreError) {
        // SQLite opens what lies beside the store by name, and through links.
        for suffix in ["-wal", "-shm", "-journal"] { try OwnFile.refuseLink(path + suffix) }
        let file = try OwnFile.open(path, what: "the store", mode: 0o600)
        defer { Foundation.close(file) }
        guard fchmod(file, 0o600) == 0 else {
            throw StoreError.cannotOpen("the mode of \(path) cannot be set to 0600: \(StoreError.text(errno))")
        }
    }

    private static func configuration(path: String) -> Configuration {
        var configuration = Configuration()
        configuration.label = "FeedStore"
        // Only an operator's shell can hold a lock of SQLite's own: wait for it to finish its statement.
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            do {
                try StoreReading.restrict(database)
                let isNew = try FeedSchema.isNew(database, path: path)
                guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                    throw StoreError.cannotOpen("\(path) does not allow a write-ahead log; use a local file system")
                }
                // Not GRDB's own set-up of write-ahead logging: it ends with synchronous = NORMAL, under which a power
                // cut undoes commits that have been acknowledged.
                try database.execute(
                    sql: """
                        PRAGMA synchronous = FULL;
                        PRAGMA wal_autocheckpoint = \(checkpointPages);
                        PRAGMA cache_size = -\(cacheSize);
                        PRAGMA journal_size_limit = \(logSize);
                        """
                )
                if isNew { try FeedSchema.create(database) } else { try FeedSchema.upgrade(database) }
            } catch {
                throw wrapped(error, in: database, action: "opening the store", path: path)
            }
        }
        return configuration
    }

    /// Runs `body` on the connection, alone, and turns what it throws into a `StoreError`.
    func access<Result>(
        _ action: @autoclosure () -> String,
        _ body: (Database) throws -> Result
    ) throws(StoreError) -> Result {
        do {
            return try queue.writeWithoutTransaction { database in
                guard database.sqliteConnection != nil else {
                    throw StoreError(.closed, "\(path) has been closed by this process")
                }
                do {
                    return try body(database)
                } catch {
                    throw SQLiteFeedStore.wrapped(error, in: database, action: action(), path: path)
                }
            }
        } catch {
            throw SQLiteFeedStore.wrapped(error, systemError: 0, action: action(), path: path)
        }
    }

    private static func wrapped(_ error: any Error, in database: Database, action: String, path: String) -> StoreError {
        let code = (error as? DatabaseError)?.resultCode
        // SQLite keeps the number of an earlier failure: it means something for these codes only.
        let isSystemError = code == .SQLITE_IOERR || code == .SQLITE_CANTOPEN
        let systemError = isSystemError ? database.systemError : 0
        return wrapped(error, systemError: systemError, action: action, path: path)
    }

    private static func wrapped(
        _ error: any Error,
        systemError: Int32,
        action: String,
        path: String
    ) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as DatabaseError: StoreError(error, systemError: systemError, action: action, path: path)
        default: StoreError(.io, "\(action) in \(path) failed; \(StoreError.Code.io.advice(path))", cause: error)
        }
    }
}
