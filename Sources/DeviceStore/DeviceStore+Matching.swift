public import ClientSync
import ExposureKeys
public import FeedFormat
import Foundation
import GRDB

/// What comparing batches with sightings gave. Which keys were near is sealed as sightings are; that a batch has been
/// compared, and with how many sightings, is not.
extension DeviceStore {
    /// Needs no key.
    public func encounterSerial() async throws -> Int64 {
        try await read("counting sightings") { try EncounterTables.serial($0) }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func encounters(after serial: Int64) async throws -> [Encounter] {
        let path = path
        return try await read("reading new sightings") { [self] database in
            let sealing = try sealing(in: database, path: path)
            return try EncounterTables.open(database, sealing, after: serial).encounters
        }
    }

    public func matchStates() async throws -> [MatchState] {
        let path = path
        return try await read("reading how far batches are compared") { database in
            let sql = """
                SELECT region, epoch, batch.number, batch.publication, seen FROM batch
                LEFT JOIN matched USING (region, epoch, number) ORDER BY region, epoch, batch.number
                """
            return try Row.fetchAll(database, sql: sql).map { row in
                MatchState(
                    feed: try row.feed(path),
                    number: UInt64(clamping: row[2] as Int64),
                    publication: Interval(UInt32(clamping: row[3] as Int64)),
                    seen: row[4]
                )
            }
        }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func matchedBatches() async throws -> [MatchedBatch] {
        let path = path
        return try await read("reading what was near") { [self] database in
            let sealing = try sealing(in: database, path: path)
            let sql = "SELECT \(MatchedTables.columns) FROM matched ORDER BY region, epoch, number"
            return try Row.fetchAll(database, sql: sql).map { row in
                try MatchedTables.matched(row, path: path, sealing)
            }
        }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func hold(_ matched: MatchedBatch) async throws {
        let path = path
        try await write("keeping what was near") { [self] database in
            try MatchedTables.put(matched, path: path, try sealing(in: database, path: path), in: database)
        }
    }

    public func batch(_ number: UInt64, of feed: FeedID) async throws -> HeldBatch? {
        guard let wanted = Int64(exactly: number) else { return nil }
        return try await read("reading a batch") { database in
            let sql = "SELECT publication, bytes FROM batch WHERE region = ? AND epoch = ? AND number = ?"
            let key: StatementArguments = [feed.region.code, feed.epoch.description, wanted]
            return try Row.fetchOne(database, sql: sql, arguments: key).map { row in
                HeldBatch(
                    feed: feed,
                    number: number,
                    publication: Interval(UInt32(clamping: row[0] as Int64)),
                    bytes: try row.bytes(1)
                )
            }
        }
    }
}
