public import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import GRDB

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

    public func hold(_ encounters: [Encounter]) async throws -> Int {
        try await write("keeping \(encounters.count) sightings") { database in
            let insert = try database.cachedStatement(
                sql: "INSERT OR IGNORE INTO encounter (identifier, time, attenuation, rssi) VALUES (?, ?, ?, ?)"
            )
            var added = 0
            for encounter in encounters {
                var attenuation: Int?
                var rssi: Int?
                switch encounter.strength {
                case .attenuation(let value): attenuation = value
                case .rssi(let value): rssi = value
                }
                try insert.execute(
                    arguments: [Data(encounter.identifier.bytes), encounter.time, attenuation, rssi]
                )
                added += database.changesCount
            }
            let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM encounter") ?? 0
            guard count <= Encounter.maximumHeld else { throw SyncError.tooManyEncounters() }
            return added
        }
    }

    public func encounters() async throws -> [Encounter] {
        let path = path
        return try await read("reading sightings") { database in
            let sql = "SELECT identifier, time, attenuation, rssi FROM encounter ORDER BY identifier, time"
            let rows = try Row.fetchCursor(database, sql: sql)
            var encounters: [Encounter] = []
            while let row = try rows.next() {
                guard let identifier = ProximityIdentifier(bytes: try row.bytes(0)) else {
                    throw DeviceStoreError.corrupt("a sighting is unreadable", path: path)
                }
                let attenuation = row[2] as Int?
                encounters.append(
                    Encounter(
                        time: row[1],
                        identifier: identifier,
                        strength: attenuation.map { .attenuation($0) } ?? .rssi(row[3] as Int? ?? 0)
                    )
                )
            }
            return encounters
        }
    }

    public func dropEncounters(before time: Int64) async throws {
        try await write("dropping old sightings") { database in
            try database.execute(sql: "DELETE FROM encounter WHERE time < ?", arguments: [time])
        }
    }

    public func report() async throws -> ExposureReport? {
        let path = path
        return try await read("reading the report") { database in
            guard let json = try String.fetchOne(database, sql: "SELECT json FROM report") else { return nil }
            let decoder = JSONDecoder()
            do {
                // A report that another version of the program wrote is made anew by the next matching.
                let form = try decoder.decode(ExposureReportForm.self, from: Data(json.utf8))
                guard form.isOfThisVersion else { return nil }
                return try decoder.decode(ExposureReport.self, from: Data(json.utf8))
            } catch {
                throw DeviceStoreError.corrupt("the report is unreadable", path: path)
            }
        }
    }

    public func hold(_ report: ExposureReport) async throws {
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        try await write("keeping the report") { database in
            try database.execute(sql: "INSERT OR REPLACE INTO report (id, json) VALUES (1, ?)", arguments: [json])
        }
    }
}
