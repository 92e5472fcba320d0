import ExposureKeys
import FeedStore
import Foundation
import TestSupport
import Testing

@Suite struct HeldKeyStoreTests {
    private let scratch: Scratch
    private var path: String { scratch.folder.appendingPathComponent("store.held").path }

    init() throws { scratch = try Scratch() }

    private func held(
        _ number: UInt64,
        due: UInt32 = 1000,
        _ type: ReportType = .confirmed,
        onset: Int? = nil
    ) throws -> HeldKey {
        let metadata = try #require(
            KeyMetadata(rollingStart: Interval(500), rollingPeriod: 144, reportType: type, daysSinceOnset: onset)
        )
        return HeldKey(
            DiagnosisKey(data: KeyData(high: number, low: 1), metadata: metadata),
            due: Interval(due),
            reason: .inUse,
            isRestated: onset == 3
        )
    }

    @Test func whatIsHeldSurvivesAndComesDue() throws {
        let keys = [try held(1, due: 1000), try held(2, due: 1002, onset: 3), try held(3, due: 1001)]
        do {
            let store = try HeldKeyStore(path: path)
            try store.hold(keys)
            try store.close()
        }
        let store = try HeldKeyStore(path: path)
        #expect(store.count == 3)
        #expect(try store.due(at: Interval(999), limit: 10).isEmpty)
        #expect(try store.due(at: Interval(1001), limit: 10) == [keys[0], keys[2]])
        #expect(try store.due(at: Interval(2000), limit: 2) == [keys[0], keys[2]])
        try store.release([keys[0], keys[1]])
        #expect(try store.due(at: Interval(2000), limit: 10) == [keys[2]] && store.count == 1)
    }

    /// Of one form the higher report stays, else the last.
    @Test func oneFormIsHeldOnce() throws {
        let store = try HeldKeyStore(path: path)
        try store.hold([try held(1, .confirmed, onset: 1)])
        try store.hold([try held(1, .clinical, onset: 2)])
        #expect(try store.due(at: Interval(1000), limit: 10) == [try held(1, .confirmed, onset: 1)])
        try store.hold([try held(1, .confirmed, onset: 2)])
        #expect(try store.due(at: Interval(1000), limit: 10) == [try held(1, .confirmed, onset: 2)])
        // What took its place meanwhile is not forgotten with it.
        try store.release([try held(1, .confirmed, onset: 1)])
        #expect(store.count == 1)
        // What waits on, as it lost to what was published in the same interval, is never gone meanwhile.
        let waiting = try store.due(at: Interval(1000), limit: 10)
        try store.release(waiting, holding: waiting + [try held(2)])
        #expect(store.count == 2)
    }

    @Test func noMoreThanAHundredThousandAreHeld() throws {
        let store = try HeldKeyStore(path: path)
        try store.hold(try (0..<100_000).map { try held(UInt64($0)) })
        let error = #expect(throws: StoreError.self) { try store.hold([try self.held(200_000)]) }
        #expect(error?.code == .limitExceeded && store.count == 100_000)
        try store.hold([try held(5)])
        try store.release(try (0..<10).map { try held(UInt64($0)) })
        try store.hold([try held(200_000)])
        #expect(store.count == 99_991)
    }

    @Test func aBrokenFileIsNamedAndMovedAside() throws {
        try Data("no database, but long enough to be read as one page of it".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StoreError.self) { try HeldKeyStore(path: self.path) }
        #expect(error?.code == .corrupt)
        let aside = try HeldKeyStore.setAside(path)
        #expect(aside == path + ".corrupt-1" && FileManager.default.fileExists(atPath: aside))
        #expect(try HeldKeyStore(path: path).count == 0)
    }
}
