import ClientSync
import DeviceStore
import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

/// What matching gave, on the disk as in memory.
@Suite struct MatchedBatchTests {
    enum Medium: CaseIterable { case memory, file }

    private let folder: TemporaryFolder
    private let feed: FeedID
    private let key = EncounterLogKey.random()

    init() throws {
        folder = try TemporaryFolder()
        feed = FeedID(region: try #require(Region("VN-01")), epoch: Epoch(7))
    }

    private func storage(_ medium: Medium) throws -> any DeviceStorage {
        switch medium {
        case .memory: MemoryDeviceStorage()
        case .file: try DeviceStore(path: folder.path("phone.db"), key: key)
        }
    }

    private static let publication = Interval(2_712_960)

    private func near(_ number: UInt64, _ type: ReportType = .confirmed) throws -> DiagnosisKey {
        let start = MatchedBatchTests.publication.advanced(by: -144)
        let metadata = try #require(KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: type))
        return DiagnosisKey(data: KeyData(high: 0x6b65_7974_6964_6520, low: number), metadata: metadata)
    }

    private func matched(
        _ number: UInt64,
        seen: Int64,
        _ near: [DiagnosisKey],
        _ bluezone: [BluezoneDayKey] = []
    ) -> MatchedBatch {
        MatchedBatch(
            feed: feed,
            number: number,
            publication: MatchedBatchTests.publication.advanced(by: Int64(number) * 144),
            keys: 20,
            seen: seen,
            near: near,
            nearBluezone: bluezone
        )
    }

    private func nearBluezone(_ number: UInt64, _ type: ReportType = .confirmed) throws -> BluezoneDayKey {
        let day = Interval(MatchedBatchTests.publication.number / 144 * 144 - 144)
        let metadata = try #require(KeyMetadata(rollingStart: day, rollingPeriod: 144, reportType: type))
        return try #require(BluezoneDayKey(firstSubKey: BluezoneSubKey(number, 2, 3, 4), metadata: metadata))
    }

    /// Batches 0 to 2, of which the first is one that came with the result of comparing it.
    private func fill(_ storage: any DeviceStorage, with first: MatchedBatch? = nil) async throws {
        for number in UInt64(0)..<3 {
            let publication = MatchedBatchTests.publication.advanced(by: Int64(number) * 144)
            let batch = try Batch(number: number, publication: publication, keys: [])
            let frontier = Frontier(leaves: [Hash256](repeating: batch.leafHash, count: Int(number) + 1))
            try await storage.commit(
                DeviceCommit(
                    cursor: FeedCursor(feed: feed, frontier: frontier, lastPublication: publication),
                    previousSize: number == 0 ? nil : number,
                    batches: [
                        HeldBatch(feed: feed, number: number, publication: publication, bytes: batch.bytes)
                    ],
                    checkpoint: nil,
                    matched: number == 0 ? [first].compactMap { $0 } : []
                )
            )
        }
    }

    @Test(arguments: Medium.allCases) func statesTellWhatIsStillToBeCompared(medium: Medium) async throws {
        let storage = try storage(medium)
        let first = matched(0, seen: 4, [try near(1)])
        try await fill(storage, with: first)
        try await storage.hold(matched(2, seen: 6, []))
        #expect(try await storage.matchStates().map(\.seen) == [4, nil, 6])
        #expect(try await storage.matchStates().map(\.number) == [0, 1, 2])
        #expect(try await storage.matchedBatches() == [first, matched(2, seen: 6, [])])
        #expect(try await storage.batch(1, of: feed)?.publication == MatchedBatchTests.publication.advanced(by: 144))
        #expect(try await storage.batch(3, of: feed) == nil)
    }

    /// With later sightings a batch is compared again: what was near before stays near, and reports join.
    @Test(arguments: Medium.allCases) func resultsJoin(medium: Medium) async throws {
        let storage = try storage(medium)
        try await fill(storage, with: matched(0, seen: 4, [try near(1), try near(2)], [try nearBluezone(1)]))
        let bluezone = [try nearBluezone(1, .revoked), try nearBluezone(2)]
        try await storage.hold(matched(0, seen: 9, [try near(2, .revoked), try near(3)], bluezone))
        try await storage.hold(matched(0, seen: 5, []))
        let expected = [try near(1), try near(2, .revoked), try near(3)]
        #expect(try await storage.matchedBatches() == [matched(0, seen: 9, expected, bluezone)])
        // Of a batch that is not held nothing is kept.
        try await storage.hold(matched(8, seen: 9, expected))
        #expect(try await storage.matchedBatches().count == 1)
    }

    @Test(arguments: Medium.allCases) func resultsGoWithTheirBatchesAndWhenSightingsAreErased(medium: Medium)
        async throws
    {
        let storage = try storage(medium)
        let first = matched(0, seen: 4, [try near(1)])
        try await fill(storage, with: first)
        try await storage.hold(matched(1, seen: 4, []))
        try await storage.dropExpired(now: MatchedBatchTests.publication.advanced(by: Expiry.batchLifetime))
        #expect(try await storage.matchedBatches().map(\.number) == [1])
        _ = try await storage.eraseEncounters()
        #expect(try await storage.matchedBatches().isEmpty)
        #expect(try await storage.matchStates().map(\.seen) == [nil, nil])
        try await storage.hold(matched(1, seen: 4, []))
        try await storage.cut(feed, expecting: 3)
        #expect(try await storage.matchedBatches().isEmpty)
    }

    /// Neither a near key nor that there is one can be read off the file.
    @Test func whatWasNearIsSealedAndDoesNotShow() async throws {
        let path = folder.path("phone.db")
        let store = try DeviceStore(path: path, key: key)
        try await fill(store)
        try await store.hold(matched(0, seen: 1, []))
        try await store.hold(matched(1, seen: 1, try (0..<10).map { try near($0) }))
        let lengths = try await store.texts("SELECT length(near) FROM matched ORDER BY number")
        #expect(Set(lengths).count == 1 && lengths.count == 2)
        #expect(try Sightings.content(of: path).range(of: Data("keytide ".utf8)) == nil)
        // A sealed result stands for its own batch only.
        try await store.execute("UPDATE matched SET near = (SELECT near FROM matched WHERE number = 1)")
        await #expect(throws: DeviceStoreError.self) { try await store.matchedBatches() }
    }

    @Test func withoutTheKeyNothingIsReadOrKept() async throws {
        let store = try DeviceStore(path: folder.path("phone.db"))
        try await fill(store)
        #expect(try await store.matchStates().map(\.seen) == [nil, nil, nil])
        await #expect(throws: DeviceStoreError.self) { try await store.matchedBatches() }
        await #expect(throws: DeviceStoreError.self) { try await store.hold(matched(0, seen: 1, [])) }
        await #expect(throws: DeviceStoreError.self) { try await store.encounters(after: 0) }
        #expect(try await store.encounterSerial() == 0)
    }

    @Test(arguments: Medium.allCases) func serialsCountWhatIsTakenIn(medium: Medium) async throws {
        var random = SplitMix64(seed: 12)
        let storage = try storage(medium)
        let some = Sightings.any(30, using: &random)
        _ = try await storage.hold(Array(some[..<20]))
        #expect(try await storage.encounterSerial() == 20)
        _ = try await storage.hold(some)
        #expect(try await storage.encounterSerial() == 30)
        #expect(try await storage.encounters(after: 20) == some[20...].sorted())
        #expect(try await storage.encounters(after: 30).isEmpty)
        #expect(try await storage.encounters(after: 0) == some.sorted())
        // What is forgotten gives its serial to no other.
        try await storage.dropEncounters(before: Interval(.max))
        #expect(try await storage.encounterSerial() == 30)
    }
}
