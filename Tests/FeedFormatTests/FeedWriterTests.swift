import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct FeedWriterTests {
    private func writer() throws -> FeedWriter {
        FeedWriter(beginning: try Samples.feed(), predecessors: [Epoch(7)], signer: try Samples.signer())
    }

    @Test func bothKindsOfKeysArePublished() throws {
        var generator = SplitMix64(seed: 1)
        let keys = try Samples.keys(30, groups: 3, using: &generator)
        let dayKeys = try Samples.dayKeys(20, using: &generator)
        var pen = try writer()
        let written = try pen.publish(keys, bluezone: dayKeys, publication: Samples.publication, time: Samples.time)
        let batch = try #require(written.first?.batch)
        #expect(written.count == 1 && pen.frontier.size == 1)
        #expect(try batch.keys() == keys.sorted(by: DiagnosisKey.precedesInBatch))
        #expect(try batch.bluezoneKeys() == dayKeys.sorted(by: BluezoneDayKey.precedesInBatch))
        #expect(try batch.predecessors() == [Epoch(7)])
        let nothing = try pen.publish([], publication: Samples.publication, time: Samples.time)
        #expect(nothing.map(\.batch.number) == [1])
    }

    @Test func whatDoesNotFitOneBatchIsSpread() throws {
        let metadata = try Samples.metadata()
        let keys = (0...UInt64(FormatLimits.keysPerBatch)).map {
            DiagnosisKey(data: KeyData(high: $0 << 40, low: 0), metadata: metadata)
        }
        let dayKeys = try (0...UInt64(2 * FormatLimits.bluezoneKeysPerBatch)).map {
            try Samples.dayKey(BluezoneSubKey($0 << 40, 0, 0, 0))
        }
        var pen = try writer()
        let written = try pen.publish(keys, bluezone: dayKeys, publication: Samples.publication, time: Samples.time)
        #expect(try written.map { try $0.batch.keys().count } == [FormatLimits.keysPerBatch, 1, 0])
        let limit = FormatLimits.bluezoneKeysPerBatch
        #expect(try written.map { try $0.batch.bluezoneKeys().count } == [limit, limit, 1])
        #expect(written.map(\.batch.number) == [0, 1, 2] && pen.frontier.size == 3)
        for (place, one) in written.enumerated() { #expect(one.checkpoint.checkpoint.size == UInt64(place) + 1) }
    }
}
