import ClientSync
import ExposureKeys
import GRDB

/// The table that counts sightings which went because there was no room for them.
enum LossTables {
    /// `last` is the interval of the newest one: once no key can match it, nothing is said of them.
    static let sql = """
        CREATE TABLE IF NOT EXISTS encounter_loss (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            count INTEGER NOT NULL,
            last INTEGER NOT NULL
        ) STRICT;
        """

    static func count(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count FROM encounter_loss") ?? 0
    }

    /// In a transaction.
    /// - Parameter end: unix seconds, `LogBound.end`; what claims to be from later counts as from then, else it would be
    ///   told for ever.
    static func add(_ encounters: [Encounter], notAfter end: Int64, in database: Database) throws {
        guard let newest = encounters.map(\.interval).max() else { return }
        let last = min(newest, Interval(unixSeconds: end))
        try database.execute(
            sql: """
                INSERT INTO encounter_loss (id, count, last) VALUES (1, ?, ?)
                ON CONFLICT (id) DO UPDATE SET count = count + excluded.count, last = MAX(last, excluded.last)
                """,
            arguments: [encounters.count, Int64(last.number)]
        )
    }

    /// In a transaction.
    static func forget(before interval: Interval, in database: Database) throws {
        try database.execute(sql: "DELETE FROM encounter_loss WHERE last < ?", arguments: [Int64(interval.number)])
    }
}
