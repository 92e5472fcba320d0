import ClientSync
import ExposureKeys
import Foundation
import GRDB

/// The table of the times at which the phone scanned, as the app handed them over.
enum ScanTables {
    /// A row for each day in UTC, with its times sealed as sightings are. The day and how many there are stand in the
    /// clear: forgetting and the bound go by them.
    static let sql = """
        CREATE TABLE IF NOT EXISTS sealed_scans (
            day INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            sealed BLOB NOT NULL
        ) STRICT;
        """

    private static let daySeconds: Int64 = 86_400
    /// Bytes of a day's times are a multiple of this before sealing.
    private static let multiple = 256

    /// Keeps times. In a transaction.
    /// - Returns: how many more than before are held.
    static func insert(
        _ times: [Int64],
        _ sealing: EncounterSealing,
        in database: Database
    ) throws -> Int {
        let former = try count(database)
        var rest = times.filter(ScanTimes.range.contains).sorted()[...]
        while let first = rest.first {
            let day = ScanTimes.day(of: first)
            let ofDay = rest.prefix { ScanTimes.day(of: $0) == day }
            rest = rest.dropFirst(ofDay.count)
            let row = try Row.fetchOne(database, sql: "SELECT sealed FROM sealed_scans WHERE day = ?", arguments: [day])
            // What is damaged is given up: the day's times that come now take its place.
            let held = try row.flatMap { self.times(of: try $0.bytes(0), day, sealing) } ?? []
            var merged: [Int64] = []
            for time in (held + ofDay).sorted() where merged.last != time { merged.append(time) }
            if merged != held { try put(merged, of: day, sealing, in: database) }
        }
        try bound(database)
        return max(0, try count(database) - former)
    }

    /// All times, ascending; those of a day that is damaged are missing, which can only make meetings look shorter.
    static func open(_ database: Database, _ sealing: EncounterSealing) throws -> [Int64] {
        try Row.fetchAll(database, sql: "SELECT day, sealed FROM sealed_scans ORDER BY day").flatMap { row in
            times(of: try row.bytes(1), row[0], sealing) ?? []
        }
    }

    /// Forgets days that ended before an interval. Needs no key, so the times of the interval's own day stay until it has
    /// passed. In a transaction.
    /// - Returns: how many rows went.
    static func drop(before interval: Interval, in database: Database) throws -> Int {
        try database.execute(
            sql: "DELETE FROM sealed_scans WHERE day < ?",
            arguments: [ScanTimes.day(of: interval.unixSeconds)]
        )
        return database.changesCount
    }

    private static func count(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT IFNULL(SUM(count), 0) FROM sealed_scans") ?? 0
    }

    /// The oldest days go while there are too many times.
    private static func bound(_ database: Database) throws {
        while try count(database) > ScanTimes.maximumHeld {
            try database.execute(sql: "DELETE FROM sealed_scans WHERE day = (SELECT MIN(day) FROM sealed_scans)")
        }
    }

    /// A day's times: four bytes each, seconds since the day began.
    private static func put(
        _ times: [Int64],
        of day: Int64,
        _ sealing: EncounterSealing,
        in database: Database
    ) throws {
        let plain = times.flatMap { time in
            withUnsafeBytes(of: UInt32(clamping: time - day * daySeconds).bigEndian) { Array($0) }
        }
        try database.execute(
            sql: "INSERT OR REPLACE INTO sealed_scans (day, count, sealed) VALUES (?, ?, ?)",
            arguments: [day, times.count, try sealing.seal(block: plain, bound: bound(day), multiple: multiple)]
        )
    }

    /// - Returns: nil if they are not what was sealed for this day.
    private static func times(of sealed: [UInt8], _ day: Int64, _ sealing: EncounterSealing) -> [Int64]? {
        guard let plain = sealing.open(block: Data(sealed), bound: bound(day)), plain.count.isMultiple(of: 4) else {
            return nil
        }
        return stride(from: 0, to: plain.count, by: 4).map { start in
            day * daySeconds + plain[start..<start + 4].reduce(0) { $0 << 8 | Int64($1) }
        }
    }

    private static func bound(_ day: Int64) -> [UInt8] { Array("scans \(day)".utf8) }
}
