import ClientSync
import DeviceStore
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

/// Files of versions that kept sightings in the clear.
@Suite struct FormerSightingsTests {
    private let folder: TemporaryFolder
    private let path: String
    private let some: [Encounter]
    private let forgotten: [Encounter]

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("phone.db")
        var random = SplitMix64(seed: 93)
        let all = Sightings.any(4000, using: &random).filter { encounter in
            if case .sealed = encounter.strength { false } else { encounter.schedule == .exposureNotification }
        }
        some = Array(all.prefix(300))
        forgotten = Array(all.dropFirst(300))
    }

    /// A file of version 3 with `some`, and traces of `forgotten` on its pages.
    private func makeFormer(keepingSome: Bool = true) async throws {
        do {
            let store = try DeviceStore(path: path)
            try await store.hold(HeldRoster(bytes: [1, 2, 3], etag: nil, checked: 1))
            try await store.execute("PRAGMA secure_delete = OFF; \(FormerSightings.tables) PRAGMA user_version = 3")
            for group in [some, forgotten] {
                let values = group.map(FormerSightings.values).joined(separator: ", ")
                try await store.execute("INSERT INTO encounter VALUES \(values)")
            }
            let times = forgotten.map { "\($0.time)" }.joined(separator: ", ")
            try await store.execute("DELETE FROM encounter WHERE \(keepingSome ? "time IN (\(times))" : "1 = 1")")
        }
        #expect(try Sightings.found(some, of: path) > (keepingSome ? 290 : 0))
        #expect(try Sightings.found(forgotten, of: path) > 0)
    }

    @Test func theyAreSealedAndTheirPagesOverwritten() async throws {
        try await makeFormer()
        #expect(try EncounterLogStanding(path: path).isSealed == false)
        let key = EncounterLogKey.random()
        let times = Set(forgotten.map(\.time))
        let kept = some.filter { !times.contains($0.time) }.sorted()
        #expect(try EncounterLogStanding(path: path).count == kept.count)
        do {
            let store = try DeviceStore(path: path, key: key)
            #expect(try Sightings.found(some + forgotten, of: path) == 0)
            #expect(try await store.encounterLog() == EncounterLog(encounters: kept))
            #expect(try await store.roster()?.bytes == [1, 2, 3])
            #expect(try await store.pragma("user_version") == "5")
            #expect(try await store.pragma("application_id") == "\(0x4b54_4453)")
            #expect(try await store.hold(kept) == 0)
        }
        #expect(try Sightings.found(some + forgotten, of: path) == 0)
        #expect(try await DeviceStore(path: path, key: key).encounters() == kept)
    }

    /// A phone that has none left still has them on its pages.
    @Test func tracesOfNoneGoWithoutAKey() async throws {
        try await makeFormer(keepingSome: false)
        #expect(try EncounterLogStanding(path: path) == EncounterLogStanding(isSealed: false, count: 0))
        let store = try DeviceStore(path: path)
        #expect(try Sightings.found(some + forgotten, of: path) == 0)
        #expect(try await store.roster()?.bytes == [1, 2, 3])
    }

    @Test func withoutAKeyTheyCanBeErasedOnly() async throws {
        try await makeFormer()
        let error = try #require(throws: DeviceStoreError.self) { try DeviceStore(path: path) }
        #expect(error.code == .keyNeeded)
        #expect(try EncounterLogStanding(path: path).count > 0)
        #expect(try Sightings.found(some, of: path) > 290)
        #expect(try await DeviceStore.eraseEncounters(at: path) > 0)
        #expect(try Sightings.found(some + forgotten, of: path) == 0)
        #expect(try EncounterLogStanding(path: path) == EncounterLogStanding(isSealed: false, count: 0))
        #expect(try await DeviceStore(path: path).roster()?.bytes == [1, 2, 3])
    }

    @Test func overwritingIsMadeUpFor() async throws {
        try await makeFormer()
        let key = EncounterLogKey.random()
        do {
            let store = try DeviceStore(path: path, key: key)
            // As if the opening had ended before the pages were overwritten.
            try await store.execute(
                "INSERT INTO scrub (id) VALUES (1); PRAGMA secure_delete = OFF; CREATE TABLE trace (bytes BLOB)"
            )
            let bytes = some[0].identifier.bytes.map { String(format: "%02x", $0) }.joined()
            try await store.execute("INSERT INTO trace VALUES (x'\(bytes)'); DROP TABLE trace")
        }
        #expect(try Sightings.found(some, of: path) == 1)
        let store = try DeviceStore(path: path, key: key)
        #expect(try Sightings.found(some, of: path) == 0)
        #expect(try await store.encounters().count > 0)
    }
}

/// What version 3 had.
enum FormerSightings {
    static let tables = """
        DROP TABLE encounter_log; DROP TABLE sealed_encounter; DROP TABLE scrub; DROP TABLE matched;
        DROP TABLE sealed_report;
        CREATE TABLE report (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT;
        CREATE TABLE encounter (
            identifier BLOB NOT NULL,
            time INTEGER NOT NULL,
            attenuation INTEGER,
            rssi INTEGER,
            PRIMARY KEY (identifier, time),
            CHECK ((attenuation IS NULL) <> (rssi IS NULL))
        ) STRICT, WITHOUT ROWID;
        """

    static func values(_ encounter: Encounter) -> String {
        let digits = encounter.identifier.bytes.map { String(format: "%02x", $0) }.joined()
        return switch encounter.strength {
        case .attenuation(let value): "(x'\(digits)', \(encounter.time), \(value), NULL)"
        case .rssi(let value), .sealed(let value, _): "(x'\(digits)', \(encounter.time), NULL, \(value))"
        }
    }
}
