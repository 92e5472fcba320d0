public import ClientSync
import GRDB

/// The table of what syncs have shown of how fresh the keys are. Nothing in it is secret: nodes and indexes are public.
enum FreshnessTables {
    static let sql = """
        CREATE TABLE IF NOT EXISTS freshness (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            fetched_until INTEGER,
            incomplete_regions INTEGER NOT NULL,
            trust TEXT NOT NULL,
            clocks TEXT
        ) STRICT;
        """

    /// Up to version 4 only the marks of indexes told until when keys were fetched.
    static let takingOver = """
        INSERT OR IGNORE INTO freshness (id, fetched_until, incomplete_regions, trust)
        SELECT 1, MAX(time), 0, 'unconfirmed' FROM index_mark;
        """
}

extension DeviceStore {
    public func freshness() async throws -> FreshnessRecord {
        let path = path
        return try await read("reading how fresh the keys are") { database in
            let sql = "SELECT fetched_until, incomplete_regions, trust, clocks FROM freshness"
            guard let row = try Row.fetchOne(database, sql: sql) else { return FreshnessRecord() }
            guard let trust = NodeTrust(rawValue: row[2]) else {
                throw DeviceStoreError.corrupt("how fresh the keys are is unreadable", path: path)
            }
            return FreshnessRecord(
                fetchedUntil: row[0],
                incompleteRegions: row[1],
                trust: trust,
                clocks: (row[3] as String?).flatMap { ClockDifference(rawValue: $0) }
            )
        }
    }

    public func hold(_ record: FreshnessRecord) async throws {
        try await write("keeping how fresh the keys are") { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO freshness (id, fetched_until, incomplete_regions, trust, clocks)
                    VALUES (1, ?, ?, ?, ?)
                    """,
                arguments: [
                    record.fetchedUntil, record.incompleteRegions, record.trust.rawValue, record.clocks?.rawValue,
                ]
            )
        }
    }
}
