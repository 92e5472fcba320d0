public import ExposureKeys
import FeedFormat
import Foundation
import GRDB
import GRDBSQLite
import Synchronization

/// Keys that a node has taken and may not publish yet, in an SQLite file of their own.
///
/// They are no part of the feed store, since a copy of that is made to be given away: as long as a key is in use it lets
/// whoever has it pose as its owner. Every change is durable when a call returns. Losing the file loses what was held:
/// the archives must be imported again. It takes about 60 bytes a key, at most 100,000 of them.
public final class HeldKeyStore: Sendable {
    private let queue: DatabaseQueue
    private let path: String
    /// Rows, so that nobody waits for the disk to know them.
    private let rows = Mutex(0)

    /// Where the held keys stand that belong to a feed store.
    public static func path(besideStore path: String) -> String { path + ".held" }

    private static let applicationID = 0x4b54_484b
    private static let version = 1

    /// Opens the file, or creates it with mode 0600.
    /// - Throws: `.cannotOpen`, `.newerSchema`, `.corrupt`, `.full`, `.io`.
    public init(path: String) throws(StoreError) {
        self.path = path
        try SQLiteFeedStore.createPrivately(path)
        do {
            var configuration = Configuration()
            configuration.label = "HeldKeyStore"
            configuration.busyMode = .timeout(5)
            configuration.prepareDatabase { database in
                try database.execute(
                    sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON"
                )
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let count = try queue.writeWithoutTransaction { database in
                try HeldKeyStore.prepare(database, path: path)
                return try HeldKeyStore.count(database)
            }
            rows.withLock { $0 = count }
        } catch {
            throw HeldKeyStore.wrapped(error, action: "opening the held keys", path: path)
        }
    }

    private static func prepare(_ database: Database, path: String) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == 0, version == 0 {
            return try database.inTransaction(.immediate) {
                try database.execute(
                    sql: """
                        CREATE TABLE held_key (
                            data BLOB NOT NULL,
                            start INTEGER NOT NULL,
                            period INTEGER NOT NULL,
                            metadata INTEGER NOT NULL,
                            due INTEGER NOT NULL,
                            reason INTEGER NOT NULL,
                            restated INTEGER NOT NULL,
                            PRIMARY KEY (data, start, period)
                        ) STRICT, WITHOUT ROWID;
                        CREATE INDEX held_key_due ON held_key (due);
                        PRAGMA application_id = \(applicationID);
                        PRAGMA user_version = \(self.version);
                        """
                )
                return .commit
            }
        }
        guard application == applicationID else {
            throw StoreError.cannotOpen("\(path) is an SQLite file of another program; move it away")
        }
        guard version == self.version else {
            throw StoreError(
                .newerSchema,
                "\(path) has schema version \(version), this program knows version \(self.version); run the newer program"
            )
        }
    }

    /// Keeps keys, all or none. Of one form the report with the higher type is kept, else the one that comes now.
    /// - Throws: `.limitExceeded` if more than `HeldKey.maximumCount` would be held; none is then kept.
    public func hold(_ keys: [HeldKey]) throws(StoreError) {
        if keys.isEmpty { return }
        try access("keeping keys that are to be published later") { database in
            try database.inTransaction(.immediate) {
                try HeldKeyStore.put(keys, database)
                guard try HeldKeyStore.count(database) <= HeldKey.maximumCount else {
                    throw StoreError(
                        .limitExceeded,
                        """
                        more than \(HeldKey.maximumCount) keys would wait for the end of their use; nothing of this \
                        import was kept: import it again when keys that wait have been published
                        """
                    )
                }
                return .commit
            }
        }
    }

    /// What has come due, at most `limit`, ascending by due time.
    /// - Throws: `.corrupt` if a row holds no key.
    public func due(at now: Interval, limit: Int) throws(StoreError) -> [HeldKey] {
        let path = path
        return try access("reading keys that are to be published") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT data, metadata, due, reason, restated FROM held_key WHERE due <= ?
                    ORDER BY due, data, start, period LIMIT ?
                    """,
                arguments: [Int64(now.number), limit]
            ).map { row in
                guard let data = KeyData(bytes: try row.bytes(at: 0)),
                    let metadata = KeyMetadata(unpacking: UInt64(bitPattern: row[1] as Int64)),
                    let reason = HeldKey.Reason(rawValue: UInt8(clamping: row[3] as Int64))
                else { throw StoreError.corrupt("a key that waits is unreadable", path: path) }
                return HeldKey(
                    DiagnosisKey(data: data, metadata: metadata),
                    due: Interval(UInt32(clamping: row[2] as Int64)),
                    reason: reason,
                    isRestated: row[4]
                )
            }
        }
    }

    /// Forgets keys, unless another report took their place meanwhile, and keeps others that wait on: all or none.
    public func release(_ keys: [HeldKey], holding further: [HeldKey] = []) throws(StoreError) {
        if keys.isEmpty && further.isEmpty { return }
        try access("forgetting keys that have been published") { database in
            try database.inTransaction(.immediate) {
                try HeldKeyStore.delete(keys, database)
                try HeldKeyStore.put(further, database)
                return .commit
            }
        }
    }

    /// In a transaction.
    private static func put(_ keys: [HeldKey], _ database: Database) throws {
        let put = try database.cachedStatement(
            sql: """
                INSERT INTO held_key (data, start, period, metadata, due, reason, restated)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (data, start, period) DO UPDATE SET
                    metadata = excluded.metadata, due = excluded.due, reason = excluded.reason,
                    restated = excluded.restated
                WHERE excluded.metadata >> 58 >= metadata >> 58
                """
        )
        for held in keys {
            let metadata = held.key.metadata
            try put.execute(
                arguments: [
                    Data(held.key.data.bytes), Int64(metadata.rollingStart.number), metadata.rollingPeriod,
                    Int64(bitPattern: metadata.packed), Int64(held.due.number), held.reason.rawValue,
                    held.isRestated,
                ]
            )
        }
    }

    /// In a transaction.
    private static func delete(_ keys: [HeldKey], _ database: Database) throws {
        let delete = try database.cachedStatement(
            sql: "DELETE FROM held_key WHERE data = ? AND start = ? AND period = ? AND metadata = ?"
        )
        for held in keys {
            let metadata = held.key.metadata
            try delete.execute(
                arguments: [
                    Data(held.key.data.bytes), Int64(metadata.rollingStart.number), metadata.rollingPeriod,
                    Int64(bitPattern: metadata.packed),
                ]
            )
        }
    }

    /// How many keys are held.
    public var count: Int { rows.withLock { $0 } }

    private static func count(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM held_key") ?? 0
    }

    /// Moves a broken file aside. It must not be open.
    /// - Returns: its new path.
    public static func setAside(_ path: String) throws(StoreError) -> String {
        let files = FileManager.default
        var number = 1
        while files.fileExists(atPath: "\(path).corrupt-\(number)"), number < 1000 { number += 1 }
        let aside = "\(path).corrupt-\(number)"
        guard rename(path, aside) == 0 else {
            throw StoreError(.io, "\(path) cannot be moved aside: \(StoreError.text(errno))")
        }
        unlink(path + "-wal")
        unlink(path + "-shm")
        return aside
    }

    public func close() throws(StoreError) {
        do {
            try queue.close()
        } catch {
            throw HeldKeyStore.wrapped(error, action: "closing the held keys", path: path)
        }
    }

    private func access<Result>(_ action: String, _ body: (Database) throws -> Result) throws(StoreError) -> Result {
        do {
            return try queue.writeWithoutTransaction { database in
                let result = try body(database)
                let count = try HeldKeyStore.count(database)
                rows.withLock { $0 = count }
                return result
            }
        } catch {
            throw HeldKeyStore.wrapped(error, action: action, path: path)
        }
    }

    private static func wrapped(_ error: any Error, action: String, path: String) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as DatabaseError: StoreError(error, systemError: 0, action: action, path: path)
        default: StoreError(.io, "\(action) in \(path) failed; \(StoreError.Code.io.advice(path))", cause: error)
        }
    }
}
