import GRDB

/// The tables of a phone's store.
enum DeviceSchema {
    /// `user_version` of the files that this program writes.
    static let version = 5
    /// `application_id`, "KTDS": tells a device store from any other SQLite file.
    static let applicationID = 0x4b54_4453

    /// Refuses a file of something else or of a newer program; creates the tables in an empty one.
    /// - Parameter access: to the sightings that a file of a former version holds in the clear.
    static func prepare(_ database: Database, path: String, access: EncounterTables.Access) throws {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        if version == 0, application == 0, try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_schema") == 0 {
            return try create(database)
        }
        guard application == applicationID else {
            throw DeviceStoreError(
                .cannotOpen,
                "\(path) is an SQLite file of another program; name another path for the store"
            )
        }
        if (1..<DeviceSchema.version).contains(version) {
            return try update(database, from: version, path: path, access: access)
        }
        guard version == DeviceSchema.version else {
            throw DeviceStoreError(
                .newerSchema,
                """
                \(path) has schema version \(version), this program knows version \(DeviceSchema.version); run the \
                program that wrote it, or name another path
                """
            )
        }
    }

    private static func create(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try database.execute(sql: tables + witnessTables + EncounterTables.sql)
            try database.execute(sql: MatchedTables.sql + MatchedTables.reportSQL)
            try database.execute(sql: ScanTables.sql + FreshnessTables.sql + LossTables.sql)
            try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
            return .commit
        }
    }

    /// In version 1 a cursor did not know where its feed began, in version 2 there were no witnesses, in version 3
    /// sightings stood in the clear, and in version 4 what was near was kept without its time of publication, and without
    /// reports of forms in which a key was not seen (all batches are compared anew); there were no times of scans, and how
    /// fresh the keys are was not told.
    private static func update(
        _ database: Database,
        from former: Int,
        path: String,
        access: EncounterTables.Access
    ) throws {
        try database.inTransaction(.immediate) {
            if former < 2 {
                try database.execute(sql: "ALTER TABLE cursor ADD COLUMN first INTEGER NOT NULL DEFAULT 0")
            }
            if former < 3 {
                try database.execute(
                    sql: "ALTER TABLE evidence ADD COLUMN witness BLOB NOT NULL DEFAULT x''; \(witnessTables)"
                )
            }
            try database.execute(sql: ScanTables.sql + LossTables.sql + FreshnessTables.sql)
            if former < 4 {
                try EncounterTables.replaceFormer(database, path: path, access: access)
                try database.execute(sql: MatchedTables.reportSQL)
            } else {
                try database.execute(sql: "DROP TABLE matched")
            }
            try database.execute(sql: MatchedTables.sql + FreshnessTables.takingOver)
            try database.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    /// The seed is drawn once, by SQLite from the system's randomness.
    private static let witnessTables = """
        CREATE TABLE witness_book (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seed INTEGER NOT NULL,
            asked INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE witness_voice (
            region TEXT NOT NULL PRIMARY KEY,
            time INTEGER NOT NULL,
            relay TEXT NOT NULL,
            barred_until INTEGER NOT NULL,
            statement BLOB
        ) STRICT;
        CREATE TABLE witness_dispute (
            id INTEGER PRIMARY KEY,
            witness TEXT NOT NULL,
            node TEXT NOT NULL,
            found INTEGER NOT NULL,
            claim BLOB NOT NULL,
            answer BLOB NOT NULL,
            UNIQUE (witness, node)
        ) STRICT;
        INSERT INTO witness_book (id, seed, asked) VALUES (1, random(), 0);
        """

    /// Epochs are 16 hexadecimal digits, which sort as numbers do. Large columns come last.
    private static let tables = """
        CREATE TABLE roster (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            etag TEXT,
            checked INTEGER NOT NULL,
            bytes BLOB NOT NULL
        ) STRICT;
        CREATE TABLE index_mark (
            id INTEGER PRIMARY KEY,
            node TEXT NOT NULL UNIQUE,
            etag TEXT NOT NULL,
            selection TEXT NOT NULL,
            signer TEXT NOT NULL,
            time INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE settled_part (
            id INTEGER PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE,
            bytes BLOB NOT NULL
        ) STRICT;
        CREATE TABLE cursor (
            region TEXT NOT NULL,
            epoch TEXT NOT NULL,
            size INTEGER NOT NULL,
            last_publication INTEGER NOT NULL,
            frontier BLOB NOT NULL,
            first INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (region, epoch)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE batch (
            region TEXT NOT NULL,
            epoch TEXT NOT NULL,
            number INTEGER NOT NULL,
            publication INTEGER NOT NULL,
            bytes BLOB NOT NULL,
            PRIMARY KEY (region, epoch, number)
        ) STRICT;
        CREATE INDEX batch_publication ON batch (publication);
        CREATE TABLE checkpoint (
            region TEXT NOT NULL,
            epoch TEXT NOT NULL,
            size INTEGER NOT NULL,
            note BLOB NOT NULL,
            PRIMARY KEY (region, epoch, size)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE evidence (
            id INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            region TEXT NOT NULL,
            epoch TEXT NOT NULL,
            node TEXT NOT NULL,
            size INTEGER NOT NULL,
            found INTEGER NOT NULL,
            held BLOB NOT NULL,
            contradicting BLOB NOT NULL,
            witness BLOB NOT NULL DEFAULT x'',
            UNIQUE (kind, region, epoch, node)
        ) STRICT;
        """
}
