public import ClientSync
import ExposureKeys
import Foundation
import GRDB

extension DeviceStore {
    public func witnessBook() async throws -> WitnessBook {
        let path = path
        return try await read("reading the witnesses") { database in
            guard let book = try Row.fetchOne(database, sql: "SELECT seed, asked FROM witness_book") else {
                throw DeviceStoreError.corrupt("no book of witnesses", path: path)
            }
            let voices = try Row.fetchAll(
                database,
                sql: "SELECT region, time, relay, barred_until, statement FROM witness_voice ORDER BY region"
            ).map { try $0.voice(path) }
            let disputes = try Row.fetchAll(
                database,
                sql: "SELECT witness, claim, node, answer, found FROM witness_dispute ORDER BY id"
            ).map { try $0.dispute(path) }
            return WitnessBook(
                seed: UInt64(bitPattern: book[0] as Int64),
                asked: book[1],
                voices: voices,
                disputes: disputes
            )
        }
    }

    public func hold(_ book: WitnessBook) async throws {
        try await write("keeping what witnesses say") { database in
            try database.execute(sql: "UPDATE witness_book SET asked = ?", arguments: [book.asked])
            try DeviceStore.replaceVoices(with: book.voices, in: database)
            try database.execute(sql: "DELETE FROM witness_dispute")
            for dispute in book.disputes {
                try database.execute(
                    sql: """
                        INSERT INTO witness_dispute (witness, node, found, claim, answer) VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        dispute.witness.code, dispute.node, dispute.found, Data(dispute.claim.bytes),
                        Data(dispute.answer.bytes),
                    ]
                )
            }
        }
    }

    private static func replaceVoices(with voices: [WitnessBook.Voice], in database: Database) throws {
        let held = try String.fetchAll(database, sql: "SELECT region FROM witness_voice")
        for code in held where !voices.contains(where: { $0.region.code == code }) {
            try database.execute(sql: "DELETE FROM witness_voice WHERE region = ?", arguments: [code])
        }
        for voice in voices {
            try database.execute(
                sql: """
                    INSERT INTO witness_voice (region, time, relay, barred_until, statement) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (region) DO UPDATE SET time = excluded.time, relay = excluded.relay,
                        barred_until = excluded.barred_until, statement = excluded.statement
                    WHERE excluded.time >= witness_voice.time
                    """,
                arguments: [
                    voice.region.code, voice.time, voice.relay.code, voice.barredUntil,
                    voice.statement.map { Data($0.bytes) },
                ]
            )
        }
    }
}

extension Row {
    /// A row of region, time, relay, barred_until, statement.
    fileprivate func voice(_ path: String) throws -> WitnessBook.Voice {
        WitnessBook.Voice(
            region: try region(0, path),
            time: self[1],
            statement: hasNull(atColumn: 4) ? nil : try statement(4, path),
            relay: try region(2, path),
            barredUntil: self[3]
        )
    }

    /// A row of witness, claim, node, answer, found.
    fileprivate func dispute(_ path: String) throws -> WitnessBook.Dispute {
        WitnessBook.Dispute(
            witness: try region(0, path),
            claim: try statement(1, path),
            node: self[2],
            answer: try statement(3, path),
            found: self[4]
        )
    }

    private func region(_ column: Int, _ path: String) throws -> Region {
        guard let region = Region(self[column] as String) else {
            throw DeviceStoreError.corrupt("no region", path: path)
        }
        return region
    }

    private func hasNull(atColumn column: Int) -> Bool {
        (self[column] as DatabaseValue).isNull
    }

    private func statement(_ column: Int, _ path: String) throws -> IndexStatement {
        guard let statement = IndexStatement(bytes: try bytes(column)) else {
            throw DeviceStoreError.corrupt("what a node said is unreadable", path: path)
        }
        return statement
    }
}
