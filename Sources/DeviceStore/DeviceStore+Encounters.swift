public import ClientSync
public import ExposureKeys
import FeedFormat
import Foundation
import GRDB
import Synchronization

extension DeviceStore {
    public func evidence() async throws -> [Evidence] {
        let path = path
        return try await read("reading evidence") { database in
            let sql = """
                SELECT kind, region, epoch, node, size, found, held, contradicting, witness FROM evidence ORDER BY id
                """
            return try Row.fetchAll(database, sql: sql).map { row in
                guard let kind = Evidence.Kind(rawValue: UInt8(clamping: row[0] as Int64)) else {
                    throw DeviceStoreError.corrupt("evidence of an unknown kind", path: path)
                }
                return Evidence(
                    kind: kind,
                    feed: try row.feed(path),
                    size: UInt64(clamping: row[4] as Int64),
                    held: try row.bytes(6),
                    contradicting: try row.bytes(7),
                    node: row[3],
                    found: row[5],
                    witness: try row.bytes(8)
                )
            }
        }
    }

    public func hold(_ evidence: Evidence) async throws {
        try await write("keeping evidence") { database in
            // An empty blob is given to SQLite as NULL.
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO evidence (
                        kind, region, epoch, node, size, found, held, contradicting, witness
                    )
                    SELECT :kind, :region, :epoch, :node, :size, :found, IFNULL(:held, x''), IFNULL(:other, x''),
                        IFNULL(:witness, x'')
                    WHERE (SELECT COUNT(*) FROM evidence WHERE kind = :kind) < :limit AND :bytes + (
                        SELECT IFNULL(SUM(length(held) + length(contradicting) + length(witness)), 0) FROM evidence
                    ) <= :maximum
                    """,
                arguments: [
                    "kind": Int64(evidence.kind.rawValue), "region": evidence.feed.region.code,
                    "epoch": evidence.feed.epoch.description, "node": evidence.node,
                    "size": Int64(clamping: evidence.size), "found": evidence.found, "held": Data(evidence.held),
                    "other": Data(evidence.contradicting), "witness": Data(evidence.witness),
                    "limit": Evidence.maximumCount, "bytes": evidence.byteCount, "maximum": Evidence.maximumBytes,
                ]
            )
        }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func hold(_ encounters: [Encounter]) async throws -> Int {
        let path = path
        return try await write("keeping \(encounters.count.counted("sighting"))") { [self] database in
            let sealing = try sealing(in: database, path: path)
            return try EncounterTables.insert(encounters, sealing, in: database)
        }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func encounterLog() async throws -> EncounterLog {
        let path = path
        return try await read("reading sightings") { [self] database in
            let sealing = try sealing(in: database, path: path)
            return try EncounterTables.open(database, sealing, after: 0)
        }
    }

    /// Needs no key.
    public func dropEncounters(before interval: Interval) async throws {
        let dropped = try await write("dropping old sightings") { database in
            try database.execute(
                sql: "DELETE FROM sealed_encounter WHERE interval < ?",
                arguments: [Int64(interval.number)]
            )
            let dropped = database.changesCount
            // A poll with nothing new writes nothing.
            if dropped > 0 {
                try database.execute(sql: "UPDATE encounter_log SET held = MAX(0, held - ?)", arguments: [dropped])
            }
            try LossTables.forget(before: interval, in: database)
            return try dropped + ScanTables.drop(before: interval, in: database)
        }
        // Until then what was dropped stands in the file, sealed. If another connection reads, a later one does it.
        if dropped > 0 { _ = try await maintain("emptying the log") { try EncounterTables.emptyLog($0) } }
    }

    /// Needs no key; without one, the next key given is the log's.
    /// - Throws: `DeviceStoreError` with code `.inUse` if all is deleted, but old pages could not be overwritten because
    ///   another program has the file open. Whoever opens it next does that.
    public func eraseEncounters() async throws -> Int {
        let renewed = sealing.withLock { $0?.renewed() }
        let erased = try await write("erasing the sightings") { database in
            try database.execute(sql: "DELETE FROM sealed_encounter")
            let count = database.changesCount
            try database.execute(
                sql: """
                    DELETE FROM encounter_log; DELETE FROM matched; DELETE FROM sealed_report; DELETE FROM sealed_scans; DELETE FROM encounter_loss;
                    INSERT OR IGNORE INTO scrub (id) VALUES (1)
                    """
            )
            if let renewed { try EncounterTables.begin(database, renewed) }
            return count
        }
        sealing.withLock { $0 = renewed }
        guard try await maintain("overwriting erased sightings", { try EncounterTables.scrub($0) }) else {
            throw DeviceStoreError(
                .inUse,
                """
                the sightings in \(path) are deleted, but what they stood on is not overwritten yet, because another \
                program has the file open; let it finish and erase again
                """
            )
        }
        return erased
    }

    /// Erases all sightings and the report of a store, whichever version wrote it, without the key: for one that is
    /// lost, or goes with them. The next key given is the log's.
    /// - Throws: `DeviceStoreError`, as `init` and `eraseEncounters()` do.
    public static func eraseEncounters(at path: String) async throws -> Int {
        let former = try EncounterLogStanding(path: path)
        _ = try await DeviceStore(path: path, access: .erasing).eraseEncounters()
        return former.count
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func hold(scanTimes: [Int64]) async throws -> Int {
        let path = path
        return try await write("keeping \(scanTimes.count.counted("time")) of scans") { [self] database in
            try ScanTables.insert(scanTimes, try sealing(in: database, path: path), in: database)
        }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func scanTimes() async throws -> [Int64] {
        let path = path
        return try await read("reading times of scans") { [self] database in
            try ScanTables.open(database, try sealing(in: database, path: path))
        }
    }

    /// What opens the log that `database` holds now.
    func sealing(in database: Database, path: String) throws -> EncounterSealing {
        guard let sealing = sealing.withLock({ $0 }) else { throw DeviceStoreError.keyNeeded(path) }
        let salt = try Row.fetchOne(database, sql: "SELECT salt FROM encounter_log").map { try $0.bytes(0) }
        guard salt == sealing.salt else { throw DeviceStoreError.logReplaced(path) }
        return sealing
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func report() async throws -> ExposureReport? {
        let path = path
        return try await read("reading the report") { [self] database in
            let sealing = try sealing(in: database, path: path)
            guard let row = try Row.fetchOne(database, sql: "SELECT sealed FROM sealed_report") else { return nil }
            guard let json = sealing.open(block: Data(try row.bytes(0)), bound: DeviceStore.reportBinding) else {
                throw DeviceStoreError.corrupt("the report is unreadable", path: path)
            }
            return try DeviceStore.report(json, path: path)
        }
    }

    /// - Returns: nil for one that another version of the program wrote: the next matching makes it anew.
    package static func report(_ json: [UInt8], path: String) throws -> ExposureReport? {
        let decoder = JSONDecoder()
        do {
            let form = try decoder.decode(ExposureReportForm.self, from: Data(json))
            guard form.isOfThisVersion else { return nil }
            return try decoder.decode(ExposureReport.self, from: Data(json))
        } catch {
            throw DeviceStoreError.corrupt("the report is unreadable", path: path)
        }
    }

    /// - Throws: `DeviceStoreError` with code `.keyNeeded` if the store was opened without a key.
    public func hold(_ report: ExposureReport) async throws {
        let json = [UInt8](try JSONEncoder().encode(report))
        let path = path
        try await write("keeping the report") { [self] database in
            let sealed = try sealing(in: database, path: path)
                .seal(block: json, bound: DeviceStore.reportBinding, multiple: 4096)
            try database.execute(
                sql: "INSERT OR REPLACE INTO sealed_report (id, sealed) VALUES (1, ?)",
                arguments: [sealed]
            )
        }
    }

    private static let reportBinding = Array("report".utf8)
}
