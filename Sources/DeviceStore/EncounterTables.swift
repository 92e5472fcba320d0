import ClientSync
import ExposureKeys
import ExposureNotification
import Foundation
import GRDB

/// The tables of the log of sightings: what is sealed in them, and what is left on the pages of what went.
enum EncounterTables {
    /// A row a sighting, of which only the interval is in the clear: forgetting goes by it. `encounter_log` has its row
    /// once there is a key; `held` counts the rows of `sealed_encounter`, so that nobody need read them all for that, and
    /// `serial` those that there have been.
    /// `scrub` has a row while old pages are still to be overwritten.
    static let sql = """
        CREATE TABLE encounter_log (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            held INTEGER NOT NULL,
            serial INTEGER NOT NULL,
            salt BLOB NOT NULL,
            check_value BLOB NOT NULL
        ) STRICT;
        CREATE TABLE sealed_encounter (
            interval INTEGER NOT NULL,
            tag BLOB NOT NULL,
            serial INTEGER NOT NULL,
            sealed BLOB NOT NULL,
            PRIMARY KEY (interval, tag)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE scrub (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT;
        """

    /// What a store does about its log when it is opened.
    enum Access: Sendable {
        /// Seals and opens with this key.
        case key(EncounterLogKey)
        /// Leaves sightings as they are.
        case none
        /// As `none`, and drops what a former version kept unsealed.
        case erasing
    }

    /// Finds out whether the key is right, or makes it the log's.
    /// - Throws: `DeviceStoreError` with code `.wrongKey`.
    static func unlock(_ database: Database, path: String, access: Access) throws -> EncounterSealing? {
        guard case .key(let key) = access else { return nil }
        var sealing: EncounterSealing?
        try database.inTransaction(.immediate) {
            guard let row = try Row.fetchOne(database, sql: "SELECT salt, check_value FROM encounter_log") else {
                sealing = try begin(database, EncounterSealing(key: key))
                return .commit
            }
            let held = EncounterSealing(key: key, salt: try row.bytes(0))
            guard held.accepts(Data(try row.bytes(1))) else { throw DeviceStoreError.wrongKey(path) }
            sealing = held
            return .commit
        }
        return sealing
    }

    /// Makes an empty log that `sealing` opens. In a transaction.
    @discardableResult
    static func begin(_ database: Database, _ sealing: EncounterSealing) throws -> EncounterSealing {
        try database.execute(
            sql: "INSERT OR REPLACE INTO encounter_log (id, held, serial, salt, check_value) VALUES (1, 0, 0, ?, ?)",
            arguments: [Data(sealing.salt), try sealing.checkValue()]
        )
        return sealing
    }

    /// Keeps sightings, and drops what there is no room for then. In a transaction.
    /// - Returns: how many were new, or took the place of damaged ones, and are held.
    static func insert(
        _ encounters: some Sequence<Encounter>,
        _ sealing: EncounterSealing,
        in database: Database
    ) throws -> Int {
        let find = try database.cachedStatement(
            sql: "SELECT sealed FROM sealed_encounter WHERE interval = ? AND tag = ?"
        )
        let put = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO sealed_encounter (interval, tag, serial, sealed) VALUES (?, ?, ?, ?)"
        )
        let change = try database.cachedStatement(
            sql: "UPDATE sealed_encounter SET sealed = ? WHERE interval = ? AND tag = ?"
        )
        var rows = try Int.fetchOne(database, sql: "SELECT held FROM encounter_log") ?? 0
        let former = try serial(database)
        var added = 0
        for encounter in encounters {
            let tag = sealing.tag(of: encounter)
            let interval = Int64(encounter.interval.number)
            if let held = try Row.fetchOne(find, arguments: [interval, tag]) {
                let sealed = Data(try held.bytes(0))
                if let known = sealing.open(sealed, tag: tag, interval: encounter.interval) {
                    let joined = known.joined(with: encounter)
                    if joined != known {
                        try change.execute(arguments: [try sealing.seal(joined, tag: tag), interval, tag])
                    }
                    continue
                }
            } else {
                rows += 1
            }
            added += 1
            try put.execute(
                arguments: [interval, tag, former + Int64(added), try sealing.seal(encounter, tag: tag)]
            )
        }
        try database.execute(sql: "UPDATE encounter_log SET held = ?, serial = serial + ?", arguments: [rows, added])
        if rows <= Encounter.maximumHeld { return added }
        return added - (try bound(database, sealing, newAfter: former))
    }

    /// Drops what there is no room for: what cannot be read first, of which it was said before that it is lost, then as
    /// `LogBound` chooses. In a transaction.
    /// - Returns: how many of those went that were taken in after a serial.
    private static func bound(
        _ database: Database,
        _ sealing: EncounterSealing,
        newAfter former: Int64
    ) throws -> Int {
        typealias Held = (encounter: Encounter, tag: Data, serial: Int64)
        var held: [Held] = []
        var damaged: [(interval: Int64, tag: Data, serial: Int64)] = []
        var lost: [Encounter] = []
        let rows = try Row.fetchCursor(database, sql: "SELECT interval, tag, sealed, serial FROM sealed_encounter")
        while let row = try rows.next() {
            let (tag, sealed) = (Data(try row.bytes(1)), Data(try row.bytes(2)))
            let interval = Interval(UInt32(clamping: row[0] as Int64))
            if let encounter = sealing.open(sealed, tag: tag, interval: interval) {
                held.append((encounter, tag, row[3]))
            } else {
                damaged.append((row[0], tag, row[3]))
            }
        }
        var dropped = Array(damaged.prefix(max(0, held.count + damaged.count - Encounter.maximumHeld)))
        held.sort { $0.encounter < $1.encounter }
        let latest = try Int64.fetchOne(
            database,
            sql: """
                SELECT MAX(time) FROM (
                    SELECT MAX(last_publication) * 600 AS time FROM cursor UNION ALL SELECT fetched_until FROM freshness
                )
                """
        )
        let positions = LogBound.dropped(
            of: held.map(\.encounter),
            keeping: Encounter.maximumHeld - (damaged.count - dropped.count),
            latest: latest
        ) { held[$0].tag.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
        for position in positions {
            let (encounter, tag, serial) = held[position]
            dropped.append((Int64(encounter.interval.number), tag, serial))
            lost.append(encounter)
        }
        let delete = try database.cachedStatement(sql: "DELETE FROM sealed_encounter WHERE interval = ? AND tag = ?")
        for row in dropped { try delete.execute(arguments: [row.interval, row.tag]) }
        try database.execute(
            sql: "UPDATE encounter_log SET held = MAX(0, held - ?)",
            arguments: [dropped.count]
        )
        try LossTables.add(lost, notAfter: LogBound.end(latest), in: database)
        return dropped.count { $0.serial > former }
    }

    /// Serial of the sighting that was taken in last; 0 if none ever was.
    static func serial(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT serial FROM encounter_log") ?? 0
    }

    /// The sightings taken in after the one with a serial.
    static func open(_ database: Database, _ sealing: EncounterSealing, after serial: Int64) throws -> EncounterLog {
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT interval, tag, sealed FROM sealed_encounter WHERE serial > ? ORDER BY interval, tag",
            arguments: [serial]
        )
        var encounters: [Encounter] = []
        var damaged: [Interval] = []
        while let row = try rows.next() {
            let interval = Interval(UInt32(clamping: row[0] as Int64))
            let (tag, sealed) = (Data(try row.bytes(1)), Data(try row.bytes(2)))
            if let encounter = sealing.open(sealed, tag: tag, interval: interval) {
                encounters.append(encounter)
            } else {
                damaged.append(interval)
            }
        }
        return EncounterLog(
            encounters: encounters.sorted(),
            damaged: damaged,
            lost: try LossTables.count(database)
        )
    }

    /// Up to version 3 sightings stood in the clear in the table `encounter`, and so did the report: seals the ones, and
    /// drops the tables; the next matching makes a report anew. What their pages held is overwritten by `scrub`. In a
    /// transaction.
    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if there are any and no key.
    static func replaceFormer(_ database: Database, path: String, access: Access) throws {
        try database.execute(sql: sql)
        if try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM encounter)") ?? false {
            switch access {
            case .key(let key):
                let sealing = try begin(database, EncounterSealing(key: key))
                _ = try insert(try former(database), sealing, in: database)
            case .none: throw DeviceStoreError.keyNeeded(path)
            case .erasing: break
            }
        }
        try database.execute(sql: "DROP TABLE encounter; DROP TABLE report; INSERT INTO scrub (id) VALUES (1)")
    }

    private static func former(_ database: Database) throws -> [Encounter] {
        let rows = try Row.fetchCursor(database, sql: "SELECT identifier, time, attenuation, rssi FROM encounter")
        var encounters: [Encounter] = []
        while let row = try rows.next() {
            // What is no identifier matches nothing: it goes with the table.
            guard let identifier = ProximityIdentifier(bytes: try row.bytes(0)) else { continue }
            let strength = (row[2] as Int?).map { SignalStrength.attenuation($0) } ?? .rssi(row[3] as Int? ?? 0)
            encounters.append(Encounter(time: row[1], identifier: identifier, strength: strength))
        }
        return encounters
    }

    /// Overwrites the pages of what went, if that is due: those that are free (`secure_delete` does not reach what
    /// versions without it deleted), and the log. Outside any transaction. Until it has been done, every opening tries.
    /// - Returns: false if another connection is in the way.
    static func scrub(_ database: Database) throws -> Bool {
        guard try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM scrub)") ?? false else { return true }
        return try unlessInUse {
            guard try emptyLog(database) else { return false }
            try database.execute(sql: "VACUUM")
            guard try emptyLog(database) else { return false }
            try database.execute(sql: "DELETE FROM scrub")
            return true
        }
    }

    /// Moves the write-ahead log into the file and cuts it to nothing.
    /// - Returns: false if another connection still reads it.
    static func emptyLog(_ database: Database) throws -> Bool {
        try unlessInUse {
            let row = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return row.map { $0[0] as Int == 0 } ?? false
        }
    }

    private static func unlessInUse(_ body: () throws -> Bool) throws -> Bool {
        do {
            return try body()
        } catch let error as DatabaseError where [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode) {
            return false
        }
    }
}

extension DeviceStoreError {
    static func wrongKey(_ path: String) -> DeviceStoreError {
        DeviceStoreError(
            .wrongKey,
            """
            the sightings in \(path) are sealed under another key, or their check value is damaged; nothing was changed: \
            give the key that they were sealed with, or erase them if it is lost
            """
        )
    }

    static func keyNeeded(_ path: String) -> DeviceStoreError {
        DeviceStoreError(.keyNeeded, "\(path) was opened without the key of its sightings; open it with that key")
    }

    static func logReplaced(_ path: String) -> DeviceStoreError {
        DeviceStoreError(
            .wrongKey,
            "the sightings in \(path) were erased meanwhile, and the log begins anew; nothing was kept: open the store again"
        )
    }
}
