import FeedFormat
import GRDB

/// The tables of a feed store and what must hold between them.
enum FeedSchema {
    /// `user_version` of the files that this program writes.
    static let version = 2
    /// `application_id`, "KTFS": tells a feed store from any other SQLite file.
    static let applicationID = 0x4b54_4653

    /// Refuses a file of something else or of a newer program. Changes nothing.
    /// - Returns: true if the file is new and has no tables yet.
    static func isNew(_ database: Database, path: String) throws -> Bool {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        if application == 0, version == 0, try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_schema") == 0 {
            return true
        }
        guard application == applicationID else {
            throw StoreError.cannotOpen("\(path) is an SQLite file of another program; name another path for the store")
        }
        guard version <= FeedSchema.version else {
            throw StoreError(
                .newerSchema,
                "\(path) has schema version \(version), this program knows versions up to \(FeedSchema.version); "
                    + "run the newer program that wrote it, or name another path for the store"
            )
        }
        let faults = try StoreReading.schemaFaults(database, version: version)
        if let fault = faults.unreadable ?? faults.foreign { throw StoreError.corrupt(fault, path: path) }
        return false
    }

    /// Creates all tables, in one transaction with the version.
    static func create(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: """
                    CREATE TABLE feed (
                        id INTEGER PRIMARY KEY,
                        region TEXT NOT NULL,
                        epoch TEXT NOT NULL,
                        base BLOB NOT NULL,
                        size INTEGER NOT NULL,
                        first INTEGER NOT NULL,
                        last_publication INTEGER NOT NULL,
                        floor INTEGER NOT NULL DEFAULT 0,
                        UNIQUE (region, epoch)
                    ) STRICT;
                    CREATE TABLE leaf (
                        feed INTEGER NOT NULL REFERENCES feed (id),
                        number INTEGER NOT NULL,
                        hash BLOB NOT NULL,
                        PRIMARY KEY (feed, number)
                    ) STRICT, WITHOUT ROWID;
                    -- The large column is last, so that the others are read without following its pages.
                    CREATE TABLE batch (
                        feed INTEGER NOT NULL,
                        number INTEGER NOT NULL,
                        publication INTEGER NOT NULL,
                        checkpoint BLOB NOT NULL,
                        bytes BLOB NOT NULL,
                        PRIMARY KEY (feed, number),
                        FOREIGN KEY (feed, number) REFERENCES leaf (feed, number)
                    ) STRICT;
                    CREATE TABLE setting (
                        name TEXT PRIMARY KEY,
                        value BLOB NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    \(gapTable)
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(version);
                    """
            )
            return .commit
        }
    }

    /// Batches of which only the leaf hash has come; there is no row in `batch` then.
    private static let gapTable = """
        CREATE TABLE gap (
            feed INTEGER NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (feed, number),
            FOREIGN KEY (feed, number) REFERENCES leaf (feed, number)
        ) STRICT, WITHOUT ROWID;
        """

    /// Adds what a file of an earlier version lacks, in one transaction.
    static func upgrade(_ database: Database) throws {
        guard try Int.fetchOne(database, sql: "PRAGMA user_version") == 1 else { return }
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: """
                    ALTER TABLE feed ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
                    \(gapTable)
                    PRAGMA user_version = \(version);
                    """
            )
            return .commit
        }
    }
}
