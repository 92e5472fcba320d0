import ClientSync
import ExposureKeys
import FeedFormat
import Foundation
import GRDB

/// The tables of what matching gave.
enum MatchedTables {
    /// A row of `matched` for each batch that has been compared; `near` is sealed, and of one length for up to ten keys,
    /// six of Bluezone, so that it does not show in which batches somebody met this phone.
    static let sql = """
        CREATE TABLE matched (
            region TEXT NOT NULL,
            epoch TEXT NOT NULL,
            number INTEGER NOT NULL,
            publication INTEGER NOT NULL,
            keys INTEGER NOT NULL,
            seen INTEGER NOT NULL,
            near BLOB NOT NULL,
            PRIMARY KEY (region, epoch, number)
        ) STRICT, WITHOUT ROWID;
        """

    static let reportSQL = """
        CREATE TABLE sealed_report (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            sealed BLOB NOT NULL
        ) STRICT;
        """

    /// Bytes of `near` are a multiple of this before sealing.
    private static let multiple = 256

    /// Keeps what comparing a batch gave, joined with what was kept before; nothing if the batch is gone. In a
    /// transaction.
    static func put(
        _ matched: MatchedBatch,
        path: String,
        _ sealing: EncounterSealing,
        in database: Database
    ) throws {
        let place = try place(matched.feed, matched.number)
        let isHeld = try Bool.fetchOne(
            database,
            sql: "SELECT EXISTS (SELECT 1 FROM batch WHERE region = ? AND epoch = ? AND number = ?)",
            arguments: place
        )
        guard isHeld == true else { return }
        let former = try Row.fetchOne(
            database,
            sql: """
                SELECT \(columns) FROM matched
                WHERE region = ? AND epoch = ? AND number = ?
                """,
            arguments: place
        )
        let joined = try former.map { try self.matched($0, path: path, sealing).joined(with: matched) } ?? matched
        let near = try sealing.seal(block: encode(joined), bound: bound(joined.feed, joined.number), multiple: multiple)
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO matched (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: place + [Int64(joined.publication.number), joined.keys, joined.seen, near]
        )
    }

    /// What a row of `matched` is made of and read from.
    static let columns = "region, epoch, number, publication, keys, seen, near"

    /// A row of `columns`.
    static func matched(_ row: Row, path: String, _ sealing: EncounterSealing) throws -> MatchedBatch {
        let (feed, number) = (try row.feed(path), UInt64(clamping: row[2] as Int64))
        let empty = MatchedBatch(
            feed: feed,
            number: number,
            publication: Interval(UInt32(clamping: row[3] as Int64)),
            keys: row[4],
            seen: row[5],
            near: []
        )
        guard let bytes = sealing.open(block: Data(try row.bytes(6)), bound: bound(feed, number)),
            let matched = decode(bytes, empty)
        else {
            throw DeviceStoreError.corrupt("what was near in batch \(number) of \(feed) is unreadable", path: path)
        }
        return matched
    }

    private static func place(_ feed: FeedID, _ number: UInt64) throws -> StatementArguments {
        [feed.region.code, feed.epoch.description, Int64(clamping: number)]
    }

    private static func bound(_ feed: FeedID, _ number: UInt64) -> [UInt8] { Array("\(feed)/\(number)".utf8) }

    /// How many keys of Exposure Notification there are (4 bytes), each with its metadata; then those of Bluezone.
    private static func encode(_ matched: MatchedBatch) -> [UInt8] {
        bigEndian(UInt32(clamping: matched.near.count))
            + matched.near.flatMap { $0.data.bytes + bigEndian($0.metadata.packed) }
            + matched.nearBluezone.flatMap { $0.firstSubKey.bytes + bigEndian($0.metadata.packed) }
    }

    /// - Parameter row: all but what was near.
    private static func decode(_ bytes: [UInt8], _ row: MatchedBatch) -> MatchedBatch? {
        guard bytes.count >= 4 else { return nil }
        let count = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard count <= (bytes.count - 4) / 24, (bytes.count - 4 - 24 * count).isMultiple(of: 40) else { return nil }
        let middle = 4 + 24 * count
        let near = stride(from: 4, to: middle, by: 24).compactMap { start -> DiagnosisKey? in
            guard let data = KeyData(bytes: bytes[start..<start + 16]) else { return nil }
            return metadata(bytes[(start + 16)..<(start + 24)]).map { DiagnosisKey(data: data, metadata: $0) }
        }
        let bluezone = stride(from: middle, to: bytes.count, by: 40).compactMap { start -> BluezoneDayKey? in
            guard let subKey = BluezoneSubKey(bytes: bytes[start..<start + 32]) else { return nil }
            return metadata(bytes[(start + 32)..<(start + 40)])
                .flatMap { BluezoneDayKey(firstSubKey: subKey, metadata: $0) }
        }
        guard near.count == count, bluezone.count == (bytes.count - middle) / 40 else { return nil }
        return MatchedBatch(
            feed: row.feed,
            number: row.number,
            publication: row.publication,
            keys: row.keys,
            seen: row.seen,
            near: near,
            nearBluezone: bluezone
        )
    }

    private static func metadata(_ bytes: ArraySlice<UInt8>) -> KeyMetadata? {
        KeyMetadata(unpacking: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
