import ClientSync
import DeviceStore
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

/// What a store's file tells, and to whom.
@Suite struct EncounterSealingTests {
    private let folder: TemporaryFolder
    private let path: String
    private let key: EncounterLogKey
    private let some: [Encounter]

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("phone.db")
        key = .random()
        var random = SplitMix64(seed: 91)
        some = Sightings.any(300, using: &random)
    }

    @Test func noFileHoldsAnIdentifier() async throws {
        do {
            let store = try DeviceStore(path: path, key: key)
            #expect(try await store.hold(some) == some.count)
            #expect(try Sightings.found(some, of: path) == 0)
            let middle = some.map(\.interval).sorted()[some.count / 2]
            try await store.dropEncounters(before: middle)
            #expect(try await store.encounters() == some.filter { $0.interval >= middle }.sorted())
            #expect(try Sightings.found(some, of: path) == 0)
        }
        #expect(try Sightings.found(some, of: path) == 0)
        // The search finds what stands there.
        let identifier = ProximityIdentifier(high: 0x6b65_7974_6964_6520, low: 0)
        let known = Encounter(time: 0, identifier: identifier, strength: .rssi(0))
        do {
            let store = try DeviceStore(path: path, key: key)
            try await store.hold(HeldRoster(bytes: identifier.bytes, etag: nil, checked: 1))
            #expect(try Sightings.found([known], of: path) == 1)
        }
        #expect(try Sightings.found([known], of: path) == 1)
    }

    /// Of what was forgotten or erased not even the sealed form stays, nor the report.
    @Test func whatGoesIsOverwritten() async throws {
        let store = try DeviceStore(path: path, key: key)
        #expect(try await store.hold(some) == some.count)
        let report = ExposureReport(asOf: 600, encounters: 78_001_234, keys: 3, matchedKeys: 0, exposures: [])
        try await store.hold(report)
        let sealed = try await store.texts("SELECT hex(sealed) FROM sealed_encounter ORDER BY interval, tag")
        let middle = some.map(\.interval).sorted()[some.count / 2]
        let old = some.count { $0.interval < middle }
        func found(_ hexadecimal: some Sequence<String>) throws -> Int {
            let content = try Sightings.content(of: path)
            return hexadecimal.count { content.range(of: Data(Hexadecimal.bytes($0).prefix(40))) != nil }
        }
        #expect(try found(sealed) == some.count)
        try await store.dropEncounters(before: middle)
        #expect(try found(sealed.prefix(old)) == 0)
        #expect(try found(sealed.dropFirst(old)) == some.count - old)
        let sealedReport = try await store.texts("SELECT hex(sealed) FROM sealed_report")
        #expect(try found(sealedReport) == 1)
        #expect(try await store.eraseEncounters() == some.count - old)
        #expect(try found(sealed + sealedReport) == 0)
        #expect(try Sightings.content(of: path).range(of: Data("78001234".utf8)) == nil)
    }

    /// While another program reads, old pages stay; whoever is told so erases again.
    @Test func whoReadsMeanwhileKeepsOldPages() async throws {
        let store = try DeviceStore(path: path, key: key)
        #expect(try await store.hold(some) == some.count)
        let region = try #require(Region("VN-01"))
        let cursor = FeedCursor(
            feed: FeedID(region: region, epoch: Epoch(1)),
            frontier: Frontier(leaves: [Hash256(hashing: [1])]),
            lastPublication: Interval(1)
        )
        let batch = HeldBatch(feed: cursor.feed, number: 0, publication: Interval(1), bytes: [1])
        try await store.commit(DeviceCommit(cursor: cursor, previousSize: nil, batches: [batch], checkpoint: nil))
        let (isReading, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let reader = try DeviceStore(path: path)
        async let read = reader.reduceBatches(of: region, into: 0) { count, _ in
            isReading.signal()
            _ = mayEnd.wait(timeout: .now() + 60)
            count += 1
        }
        while isReading.wait(timeout: .now()) == .timedOut { try await Task.sleep(for: .milliseconds(10)) }
        await #expect(throws: DeviceStoreError(.inUse, "")) { _ = try await store.eraseEncounters() }
        #expect(try await store.encounters().isEmpty)
        mayEnd.signal()
        #expect(try await read == 1)
        #expect(try await store.texts("SELECT id FROM scrub") == ["1"])
        #expect(try await store.eraseEncounters() == 0)
        #expect(try await store.texts("SELECT id FROM scrub").isEmpty)
    }

    /// Equal sightings look different in two stores under one key, and in one store before and after an erasure.
    @Test func nothingTellsWhichSightingsAreHeld() async throws {
        let one = try DeviceStore(path: path, key: key)
        let two = try DeviceStore(path: folder.path("other.db"), key: key)
        var seen: [[String]] = []
        for store in [one, two] {
            #expect(try await store.hold(some) == some.count)
            seen.append(try await store.texts("SELECT hex(tag) FROM sealed_encounter"))
        }
        _ = try await one.eraseEncounters()
        #expect(try await one.hold(some) == some.count)
        seen.append(try await one.texts("SELECT hex(tag) FROM sealed_encounter"))
        #expect(seen.allSatisfy { $0.count == some.count } && Set(seen.flatMap { $0 }).count == 3 * some.count)
        #expect(try await one.texts("SELECT DISTINCT length(sealed) FROM sealed_encounter") == ["59"])
    }

    /// Times of scans are sealed as well: the file tells their days and how many there were.
    @Test func timesOfScansAreSealedAndDamageCostsADay() async throws {
        let store = try DeviceStore(path: path, key: key)
        let times: [Int64] = [1_600_000_123, 1_600_000_456, 1_600_086_789]
        #expect(try await store.hold(scanTimes: times) == 3)
        #expect(try await store.texts("SELECT day || ' ' || count FROM sealed_scans") == ["18518 2", "18519 1"])
        let sealed = try await store.texts("SELECT hex(sealed) FROM sealed_scans")
        #expect(sealed.map(\.count) == [2 * (256 + 28), 2 * (256 + 28)])
        await #expect(throws: DeviceStoreError(.keyNeeded, "")) { _ = try await DeviceStore(path: path).scanTimes() }
        try await store.execute("UPDATE sealed_scans SET day = 18517 WHERE day = 18518")
        #expect(try await store.scanTimes() == [times[2]])
        #expect(try await store.hold(scanTimes: times) == 2)
        #expect(try await store.scanTimes() == times)
        #expect(try await DeviceStore.eraseEncounters(at: path) == 0)
        let content = try Sightings.content(of: path)
        #expect(sealed.allSatisfy { content.range(of: Data(Hexadecimal.bytes($0).prefix(40))) == nil })
    }

    @Test func theKeyIsNotShown() throws {
        let key = try #require(EncounterLogKey(bytes: Array(repeating: UInt8(0xab), count: 32)))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped, "\([key])", "\(Optional(key) as Any)"] {
            #expect(!text.contains("ab") && !text.contains("171") && !text.contains("secret"), "\(text)")
        }
        #expect(key.bytes == Array(repeating: 0xab, count: 32))
        #expect(EncounterLogKey(bytes: key.bytes.dropLast()) == nil && EncounterLogKey(bytes: key.bytes + [0]) == nil)
        #expect(EncounterLogKey.random().bytes != EncounterLogKey.random().bytes)
    }

    @Test func anotherKeyIsRefusedAndHarmsNothing() async throws {
        do {
            let store = try DeviceStore(path: path, key: key)
            #expect(try await store.hold(some) == some.count)
        }
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        for bit in [0, 100, 255] {
            var bytes = key.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let other = try #require(EncounterLogKey(bytes: bytes))
            let error = try #require(throws: DeviceStoreError.self) { try DeviceStore(path: path, key: other) }
            #expect(error.code == .wrongKey && error.reason.contains("give the key"))
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        #expect(try await DeviceStore(path: path, key: key).encounters() == some.sorted())
    }

    @Test func withoutTheKeySightingsCanBeForgottenAndErasedOnly() async throws {
        do {
            let store = try DeviceStore(path: path, key: key)
            #expect(try await store.hold(some) == some.count)
        }
        #expect(try EncounterLogStanding(path: path) == standing(true, some.count))
        let store = try DeviceStore(path: path)
        await #expect(throws: DeviceStoreError(.keyNeeded, "")) { _ = try await store.encounterLog() }
        await #expect(throws: DeviceStoreError(.keyNeeded, "")) { _ = try await store.hold(some) }
        let middle = some.map(\.interval).sorted()[some.count / 2]
        try await store.dropEncounters(before: middle)
        let left = some.filter { $0.interval >= middle }
        #expect(try EncounterLogStanding(path: path) == standing(true, left.count))
        #expect(try await DeviceStore(path: path, key: key).encounters() == left.sorted())
        #expect(try await store.eraseEncounters() == left.count)
        #expect(try EncounterLogStanding(path: path) == standing(false, 0))
        // The key was given up with them: the next one is the log's.
        let next = EncounterLogKey.random()
        #expect(try await DeviceStore(path: path, key: next).hold(some) == some.count)
        #expect(throws: DeviceStoreError(.wrongKey, "")) { try DeviceStore(path: path, key: key) }
    }

    private func standing(_ isSealed: Bool, _ count: Int) -> EncounterLogStanding {
        EncounterLogStanding(isSealed: isSealed, count: count)
    }

    @Test func aLogThatWasErasedElsewhereIsNotAddedTo() async throws {
        let store = try DeviceStore(path: path, key: key)
        #expect(try await store.hold(some) == some.count)
        #expect(try await DeviceStore.eraseEncounters(at: path) == some.count)
        await #expect(throws: DeviceStoreError(.wrongKey, "")) { _ = try await store.hold(some) }
        await #expect(throws: DeviceStoreError(.wrongKey, "")) { _ = try await store.encounterLog() }
        #expect(try EncounterLogStanding(path: path) == standing(false, 0))
        #expect(try await DeviceStore(path: path, key: .random()).hold(some) == some.count)
    }

    /// Each statement damages a number of sightings in its own way.
    @Test(arguments: [
        ("UPDATE sealed_encounter SET sealed = zeroblob(59) WHERE tag = (SELECT MIN(tag) FROM sealed_encounter)", 1),
        ("UPDATE sealed_encounter SET sealed = x'' WHERE tag = (SELECT MAX(tag) FROM sealed_encounter)", 1),
        (
            """
            UPDATE sealed_encounter SET sealed = CAST(sealed || x'00' AS BLOB)
            WHERE tag = (SELECT MIN(tag) FROM sealed_encounter)
            """, 1
        ),
        // Moved to another time, given another tag, exchanged for another's content.
        ("UPDATE sealed_encounter SET interval = 77 WHERE tag = (SELECT MIN(tag) FROM sealed_encounter)", 1),
        ("UPDATE sealed_encounter SET interval = -1 WHERE tag = (SELECT MIN(tag) FROM sealed_encounter)", 1),
        ("UPDATE sealed_encounter SET tag = x'00' WHERE tag = (SELECT MIN(tag) FROM sealed_encounter)", 1),
        (
            """
            UPDATE sealed_encounter
            SET sealed = (SELECT sealed FROM sealed_encounter ORDER BY tag LIMIT 1)
            WHERE tag IN (SELECT tag FROM sealed_encounter ORDER BY tag LIMIT 5)
            """, 4
        ),
    ])
    func damageOfOneCostsNoOther(statement: String, count: Int) async throws {
        let store = try DeviceStore(path: path, key: key)
        #expect(try await store.hold(some) == some.count)
        try await store.execute(statement)
        let log = try await store.encounterLog()
        #expect(log.damaged.count == count)
        #expect(log.encounters.count == some.count - count && Set(log.encounters).isSubset(of: some))
        #expect(try await store.encounters() == log.encounters)
        // Taken in again, nothing is missing; what was moved is still not believed.
        #expect(try await store.hold(some) == count)
        let mended = try await store.encounterLog()
        #expect(mended.encounters == some.sorted() && mended.damaged.count <= count)
    }

    @Test func anAlteredBitOfAnyByteIsFound() async throws {
        let store = try DeviceStore(path: path, key: key)
        for bit in stride(from: 0, to: 59 * 8, by: 5) {
            #expect(try await store.hold([some[0]]) == 1)
            let digits = try #require(try await store.texts("SELECT hex(sealed) FROM sealed_encounter").first)
            var bytes = Array(digits.utf8)
            let position = bit / 4
            let value = try #require(Character(UnicodeScalar(bytes[position])).hexDigitValue) ^ 1 << (bit % 4)
            bytes[position] = Array(String(value, radix: 16).utf8)[0]
            try await store.execute("UPDATE sealed_encounter SET sealed = x'\(String(decoding: bytes, as: UTF8.self))'")
            let log = try await store.encounterLog()
            #expect(log == EncounterLog(encounters: [], damaged: [some[0].interval]), "bit \(bit)")
        }
    }
}
