import ExposureKeys
import GRDBSQLite

/// The same keys as rows, through SQLite's C interface.
struct SQLitePeer {
    private struct Row {
        /// The key's 16 bytes.
        var high: UInt64
        var low: UInt64
        var start: Int64
        var period: Int32
        var type: Int32
        var risk: Int32
        var onset: Int32?
    }

    private let rows: [Row]

    /// Rows are laid out here, outside the time that is measured.
    init(_ keys: [DiagnosisKey]) {
        rows = keys.map { key in
            Row(
                high: key.data.high.bigEndian,
                low: key.data.low.bigEndian,
                start: Int64(key.metadata.rollingStart.number),
                period: Int32(key.metadata.rollingPeriod),
                type: Int32(key.metadata.reportType.rawValue),
                risk: Int32(key.metadata.transmissionRisk),
                onset: key.metadata.daysSinceOnset.map { Int32($0) }
            )
        }
    }

    var count: Int { rows.count }

    /// - Parameter directory: an empty one.
    /// - Returns: wall time in seconds from before the file is opened to after the commit.
    func callAsFunction(in directory: String) throws -> Double {
        let start = ContinuousClock.now
        var connection: OpaquePointer?
        defer { sqlite3_close(connection) }
        try expect(sqlite3_open(directory + "/rows.sqlite", &connection), SQLITE_OK, connection)
        for sql in [
            "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
            "CREATE TABLE key (key BLOB, start INTEGER, period INTEGER, type INTEGER, risk INTEGER, onset INTEGER)",
            "BEGIN",
        ] {
            try expect(sqlite3_exec(connection, sql, nil, nil, nil), SQLITE_OK, connection)
        }
        try insert(connection)
        try expect(sqlite3_exec(connection, "COMMIT", nil, nil, nil), SQLITE_OK, connection)
        return Rounds.seconds(since: start)
    }

    private func insert(_ connection: OpaquePointer?) throws {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        let sql = "INSERT INTO key VALUES (?, ?, ?, ?, ?, ?)"
        try expect(sqlite3_prepare_v3(connection, sql, -1, 1, &statement, nil), SQLITE_OK, connection)
        try rows.withUnsafeBufferPointer { rows in
            for position in rows.indices {
                let row = rows[position]
                // The key's bytes are lent where they lie.
                sqlite3_bind_blob(statement, 1, rows.baseAddress.map { UnsafeRawPointer($0 + position) }, 16, nil)
                sqlite3_bind_int64(statement, 2, row.start)
                sqlite3_bind_int(statement, 3, row.period)
                sqlite3_bind_int(statement, 4, row.type)
                sqlite3_bind_int(statement, 5, row.risk)
                if let onset = row.onset {
                    sqlite3_bind_int(statement, 6, onset)
                } else {
                    sqlite3_bind_null(statement, 6)
                }
                try expect(sqlite3_step(statement), SQLITE_DONE, connection)
                sqlite3_reset(statement)
            }
        }
    }

    @inline(__always)
    private func expect(_ code: CInt, _ expected: CInt, _ connection: OpaquePointer?) throws {
        if code == expected { return }
        throw BenchError("sqlite3: \(sqlite3_errmsg(connection).map { String(cString: $0) } ?? "error \(code)")")
    }
}
