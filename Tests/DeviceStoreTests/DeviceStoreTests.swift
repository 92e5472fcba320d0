import ClientSync
import DeviceStore
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing

/// A directory that goes when the test does.
final class TemporaryFolder {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("keytide-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

@Suite struct DeviceStoreTests {
    private let folder: TemporaryFolder
    private let feed: FeedID
    private let now = Interval(2_712_960)

    init() throws {
        folder = try TemporaryFolder()
        feed = FeedID(region: try #require(Region("VN-01")), epoch: Epoch(0x0123_4567_89ab_cdef))
    }

    /// The first `count` batches of a feed, each published an hour after the one before, the last at `now`.
    private func batches(_ count: Int) throws -> [Batch] {
        try (0..<count).map { number in
            let publication = now.advanced(by: Int64(number + 1 - count) * 6)
            let metadata = try #require(
                KeyMetadata(
                    rollingStart: publication.advanced(by: -200),
                    rollingPeriod: 144,
                    reportType: .confirmed
                )
            )
            let key = DiagnosisKey(data: KeyData(high: UInt64(number), low: 1), metadata: metadata)
            return try Batch(number: UInt64(number), publication: publication, keys: [key])
        }
    }

    private func commit(_ batches: [Batch], _ range: Range<Int>, feed other: FeedID? = nil) -> DeviceCommit {
        let feed = other ?? feed
        let held = batches[range].map {
            HeldBatch(feed: feed, number: $0.number, publication: $0.publication, bytes: $0.bytes)
        }
        return DeviceCommit(
            cursor: FeedCursor(
                feed: feed,
                frontier: Frontier(leaves: batches.prefix(range.upperBound).map(\.leafHash)),
                lastPublication: batches[range.upperBound - 1].publication
            ),
            previousSize: range.lowerBound == 0 ? nil : UInt64(range.lowerBound),
            batches: held,
            checkpoint: [UInt8(range.upperBound)]
        )
    }

    private func numbers(_ store: DeviceStore) async throws -> [UInt64] {
        try await store.reduceBatches(of: feed.region, into: []) { $0.append($1.number) }
    }

    /// A file of version 1 is brought up to date: its cursors began at 0, and there were no witnesses.
    @Test func anOlderFileIsTakenOver() async throws {
        let path = folder.path("phone.db")
        let batches = try batches(5)
        do {
            let store = try DeviceStore(path: path)
            try await store.commit(commit(batches, 0..<3))
            try await store.execute(
                """
                ALTER TABLE cursor DROP COLUMN first; ALTER TABLE evidence DROP COLUMN witness;
                DROP TABLE witness_book; DROP TABLE witness_voice; DROP TABLE witness_dispute;
                \(FormerSightings.tables) PRAGMA user_version = 1
                """
            )
        }
        let store = try DeviceStore(path: path)
        #expect(try await store.cursors() == [commit(batches, 0..<3).cursor])
        // Batches before those that a phone began with come later, the cursor stays.
        let begun = commit(batches, 3..<5)
        let cursor = FeedCursor(
            feed: feed,
            frontier: begun.cursor.frontier,
            lastPublication: begun.cursor.lastPublication,
            first: 2
        )
        try await store.commit(begun)
        try await store.commit(
            DeviceCommit(cursor: cursor, previousSize: 5, batches: commit(batches, 2..<4).batches, checkpoint: nil)
        )
        #expect(try await store.cursors() == [cursor])
        #expect(try await numbers(store) == [0, 1, 2, 3, 4])
        #expect(try await store.checkpoint(of: feed, size: 5) == [5])
    }

    /// The form of before reports told days: it had no number.
    @Test func aReportOfAnotherFormIsNoneAndADamagedOneAnError() async throws {
        let path = folder.path("phone.db")
        let report = ExposureReport(asOf: 600, encounters: 2, keys: 3, matchedKeys: 0, exposures: [])
        let former = #"{"asOf":600,"encounters":2,"keys":3,"matchedKeys":0,"exposures":[]}"#
        for json in [former, #"{"form":3}"#] {
            #expect(try DeviceStore.report(Array(json.utf8), path: path) == nil)
        }
        for json in [#"{"form":2}"#, "{"] {
            #expect(throws: DeviceStoreError.self) { try DeviceStore.report(Array(json.utf8), path: path) }
        }
        let store = try DeviceStore(path: path, key: .random())
        try await store.hold(report)
        #expect(try await store.report() == report)
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let path = folder.path("phone.db")
        let batches = try batches(5)
        let hash = Hash256(hashing: [1, 2, 3])
        let mark = IndexMark(etag: "\"a\"", selection: "*", signer: feed.region, time: 77)
        let evidence = Evidence(
            kind: .fork,
            feed: feed,
            size: 3,
            held: [],
            contradicting: [9, 9],
            node: "http://a",
            found: 5
        )
        let encounters = [
            Encounter(time: 10, identifier: ProximityIdentifier(high: 1, low: 2), strength: .rssi(-70)),
            Encounter(time: 11, identifier: ProximityIdentifier(high: 1, low: 2), strength: .attenuation(60)),
        ]
        let key = EncounterLogKey.random()
        let report = ExposureReport(asOf: 600, encounters: 2, keys: 3, matchedKeys: 0, exposures: [])
        do {
            let store = try DeviceStore(path: path, key: key)
            #expect(try await store.roster() == nil)
            #expect(try await store.report() == nil)
            try await store.hold(HeldRoster(bytes: [1], etag: nil, checked: 1))
            try await store.hold(HeldRoster(bytes: [1, 2], etag: "\"r\"", checked: 2))
            try await store.hold(mark, of: "http://a")
            try await store.hold(settledPart: [1, 2, 3], hash: hash)
            try await store.commit(commit(batches, 0..<3))
            try await store.commit(commit(batches, 3..<5))
            try await store.hold(evidence)
            #expect(try await store.hold(encounters) == 2)
            #expect(try await store.hold(encounters) == 0)
            try await store.hold(report)
        }
        let store = try DeviceStore(path: path, key: key)
        #expect(try await store.roster() == HeldRoster(bytes: [1, 2], etag: "\"r\"", checked: 2))
        #expect(try await store.indexMark(of: "http://a") == mark)
        #expect(try await store.indexMark(of: "http://b") == nil)
        #expect(try await store.settledPart(hash) == [1, 2, 3])
        #expect(try await store.cursors() == [commit(batches, 3..<5).cursor])
        #expect(try await store.regions() == [feed.region])
        let held = try await store.reduceBatches(of: feed.region, into: [HeldBatch]()) { $0.append($1) }
        #expect(held == commit(batches, 0..<5).batches)
        #expect(try await store.checkpoint(of: feed, size: 3) == [3])
        #expect(try await store.checkpoint(of: feed, size: 4) == nil)
        #expect(try await store.evidence() == [evidence])
        #expect(try await store.encounters() == encounters)
        #expect(try await store.report() == report)
        #expect(try await store.keys(of: feed.region).count == 5)
    }

    /// Version 4 knew no times of scans, and until when keys were fetched by the marks of indexes only.
    @Test func aFileOfVersion4IsTakenOver() async throws {
        let path = folder.path("former.db")
        let region = try #require(Region("VN-01"))
        do {
            let store = try DeviceStore(path: path)
            for (node, time) in [("http://a", Int64(1_600_003_600)), ("http://b", 1_600_000_000)] {
                try await store.hold(IndexMark(etag: "e", selection: "*", signer: region, time: time), of: node)
            }
            try await store.execute(
                """
                DROP TABLE sealed_scans; DROP TABLE freshness; DROP TABLE encounter_loss; PRAGMA user_version = 4
                """
            )
        }
        let store = try DeviceStore(path: path, key: .random())
        #expect(try await store.pragma("user_version") == "5")
        #expect(try await store.freshness() == FreshnessRecord(fetchedUntil: 1_600_003_600))
        #expect(try await store.indexMark(of: "http://b")?.time == 1_600_000_000)
        #expect(try await store.hold(scanTimes: [1, 2]) == 2)
        #expect(try await store.encounterLog() == EncounterLog(encounters: []))
        let record = FreshnessRecord(fetchedUntil: 7, incompleteRegions: 2, trust: .disproved, clocks: .nodeBehind)
        try await store.hold(record)
        #expect(try await DeviceStore(path: path).freshness() == record)
    }

    @Test func theFileIsPrivateAndCommitsAreSynchronised() async throws {
        let path = folder.path("phone.db")
        let store = try DeviceStore(path: path)
        try await store.commit(commit(try batches(1), 0..<1))
        #expect(try await store.pragma("synchronous") == "2")
        #expect(try await store.pragma("journal_mode") == "wal")
        #expect(try await store.pragma("user_version") == "5")
        #expect(try await store.pragma("secure_delete") == "1")
        for file in [path, path + "-wal"] {
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600, "\(file)")
        }
    }

    @Test func aCommitIsThereAsAWholeOrNotAtAll() async throws {
        let store = try DeviceStore(path: folder.path("phone.db"))
        let batches = try batches(6)
        try await store.commit(commit(batches, 0..<2))
        // A cursor that another has moved, one that is missing, one that is not.
        for wrong in [commit(batches, 0..<1), commit(batches, 1..<3), commit(batches, 3..<4)] {
            await #expect(throws: SyncError(.cursorMoved, "")) { try await store.commit(wrong) }
        }
        // A step whose last batch is there already fails in the middle of the transaction.
        let good = commit(batches, 2..<4)
        let clashing = DeviceCommit(
            cursor: good.cursor,
            previousSize: 2,
            batches: good.batches + [commit(batches, 0..<1).batches[0]],
            checkpoint: good.checkpoint
        )
        await #expect(throws: DeviceStoreError(.corrupt, "")) { try await store.commit(clashing) }
        #expect(try await numbers(store) == [0, 1])
        #expect(try await store.cursors().map(\.size) == [2])
        try await store.commit(good)
        #expect(try await numbers(store) == [0, 1, 2, 3])
    }

    @Test func oldBatchesGoAndTheirCheckpointsAndInTheEndTheCursor() async throws {
        let store = try DeviceStore(path: folder.path("phone.db"))
        let batches = try batches(4)
        try await store.commit(commit(batches, 0..<1))
        try await store.commit(commit(batches, 1..<3))
        try await store.commit(commit(batches, 3..<4))
        let lifetime = Expiry.batchLifetime
        try await store.dropExpired(now: batches[1].publication.advanced(by: lifetime - 1))
        #expect(try await numbers(store) == [1, 2, 3])
        #expect(try await store.checkpoint(of: feed, size: 1) == nil)
        #expect(try await store.checkpoint(of: feed, size: 3) == [3])
        try await store.dropExpired(now: now.advanced(by: lifetime))
        #expect(try await numbers(store).isEmpty)
        #expect(try await store.regions().isEmpty)
        #expect(try await store.cursors().map(\.size) == [4])
        #expect(try await store.checkpoint(of: feed, size: 4) == [4])
        try await store.dropExpired(now: now.advanced(by: 2 * lifetime - 1))
        #expect(try await store.cursors().count == 1)
        try await store.dropExpired(now: now.advanced(by: 2 * lifetime))
        #expect(try await store.cursors().isEmpty)
        #expect(try await store.checkpoint(of: feed, size: 4) == nil)
    }

    @Test func aFeedThatIsCutIsForgottenAndNoOther() async throws {
        let path = folder.path("phone.db")
        let store = try DeviceStore(path: path)
        let batches = try batches(3)
        let other = FeedID(region: feed.region, epoch: Epoch(7))
        try await store.commit(commit(batches, 0..<3))
        try await store.commit(commit(batches, 0..<2, feed: other))
        let mark = IndexMark(etag: "1", selection: "*", signer: feed.region, time: 1)
        try await store.hold(mark, of: "http://node")
        // Not where another sync has been meanwhile.
        await #expect(throws: SyncError.self) { try await store.cut(feed, expecting: 2) }
        #expect(try await store.cursors().map(\.size).sorted() == [2, 3])
        try await store.cut(feed, expecting: 3)
        for store in [store, try DeviceStore(path: path)] {
            #expect(try await store.cursors().map(\.feed) == [other])
            #expect(try await numbers(store) == [0, 1])
            #expect(try await store.checkpoint(of: feed, size: 3) == nil)
            #expect(try await store.checkpoint(of: other, size: 2) == [2])
            #expect(try await store.indexMark(of: "http://node") == nil)
        }
        // It may come again.
        try await store.commit(commit(batches, 0..<1))
        #expect(try await store.cursors().count == 2)
    }

    @Test func aFullDiskIsNamedAndLosesNothing() async throws {
        let path = folder.path("phone.db")
        let store = try DeviceStore(path: path)
        let small = try batches(2)
        try await store.commit(commit(small, 0..<1))
        let pages = try #require(try await store.pragma("page_count"))
        try await store.limitPages(to: try #require(Int(pages)) + 2)
        let large = HeldBatch(
            feed: feed,
            number: 1,
            publication: now,
            bytes: [UInt8](repeating: 7, count: 100_000)
        )
        let step = commit(small, 1..<2)
        let tooMuch = DeviceCommit(cursor: step.cursor, previousSize: 1, batches: [large], checkpoint: step.checkpoint)
        await #expect(throws: DeviceStoreError(.full, "")) { try await store.commit(tooMuch) }
        #expect(try await store.cursors().map(\.size) == [1])
        #expect(try await numbers(store) == [0])
        try await store.limitPages(to: 1 << 20)
        try await store.commit(tooMuch)
        #expect(try await store.cursors().map(\.size) == [2])
        #expect(try await numbers(store) == [0, 1])
    }

    @Test func foreignNewerAndDamagedFilesAreRefusedAndLeftAlone() async throws {
        let text = folder.path("text.db")
        let content = Data(repeating: 65, count: 8192)
        try content.write(to: URL(fileURLWithPath: text))
        #expect(throws: DeviceStoreError(.corrupt, "")) { try DeviceStore(path: text) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: text)) == content)
        #expect(throws: DeviceStoreError(.cannotOpen, "")) { try DeviceStore(path: folder.path("none/phone.db")) }
        #expect(throws: DeviceStoreError(.cannotOpen, "")) { try DeviceStore(path: folder.url.path) }
        for (statement, code) in [
            ("PRAGMA user_version = 6", DeviceStoreError.Code.newerSchema),
            ("PRAGMA application_id = 7", .cannotOpen),
        ] {
            let path = folder.path(code.name)
            do {
                let store = try DeviceStore(path: path)
                try await store.execute(statement)
            }
            #expect(throws: DeviceStoreError(code, "")) { try DeviceStore(path: path) }
        }
    }

    @Test func listsAreBounded() async throws {
        let store = try DeviceStore(path: folder.path("phone.db"))
        for number in 0..<70 {
            let mark = IndexMark(etag: "\(number)", selection: "*", signer: feed.region, time: Int64(number))
            try await store.hold(mark, of: "http://node\(number)")
            try await store.hold(settledPart: [UInt8(number)], hash: Hash256(hashing: [UInt8(number)]))
        }
        #expect(try await store.indexMark(of: "http://node5") == nil)
        #expect(try await store.indexMark(of: "http://node6")?.etag == "6")
        #expect(try await store.settledPart(Hash256(hashing: [65])) == nil)
        #expect(try await store.settledPart(Hash256(hashing: [66])) == [66])
        for number in 0..<Evidence.maximumCount + 5 {
            try await store.hold(evidence(.indexClaim, epoch: UInt64(number), found: 1))
        }
        try await store.hold(evidence(.indexClaim, epoch: 0, found: 2))
        #expect(try await store.evidence().count == Evidence.maximumCount)
        #expect(try await store.evidence().allSatisfy { $0.found == 1 })
        try await store.hold(evidence(.fork, epoch: 0, found: 3))
        #expect(try await store.evidence().last?.kind == .fork)
    }

    private func evidence(_ kind: Evidence.Kind, epoch: UInt64, found: Int64) -> Evidence {
        Evidence(
            kind: kind,
            feed: FeedID(region: feed.region, epoch: Epoch(epoch)),
            size: 1,
            held: [1],
            contradicting: [2],
            node: "http://a",
            found: found
        )
    }

    @Test func regionsAndBatchesComeInOrder() async throws {
        let store = try DeviceStore(path: folder.path("phone.db"))
        let batches = try batches(2)
        for code in ["VN-03", "VN-01", "VN-02"] {
            for epoch in [UInt64(9), 1] {
                let other = FeedID(region: try #require(Region(code)), epoch: Epoch(epoch))
                try await store.commit(commit(batches, 0..<2, feed: other))
            }
        }
        #expect(try await store.regions().map(\.code) == ["VN-01", "VN-02", "VN-03"])
        #expect(try await store.cursors().map(\.feed) == store.cursors().map(\.feed).sorted())
        let order = try await store.reduceBatches(of: feed.region, into: [UInt64]()) {
            $0 += [$1.feed.epoch.value, $1.number]
        }
        #expect(order == [1, 0, 1, 1, 9, 0, 9, 1])
    }
}
