import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// Batches that carry Bluezone day keys.
struct BluezoneBatchTests {
    private func batch(
        _ bluezone: [BluezoneDayKey],
        keys: [DiagnosisKey] = [],
        publication: Interval = Samples.publication
    ) throws -> Batch {
        try Batch(number: 0, publication: publication, keys: keys, bluezone: bluezone)
    }

    @Test(arguments: [1, 2, 30, 2000])
    func roundTrip(count: Int) throws {
        var generator = SplitMix64(seed: UInt64(count))
        let dayKeys = try Samples.dayKeys(count, using: &generator)
        let keys = try Samples.keys(count, groups: min(count, 25), using: &generator)
        let batch = try Batch(
            number: 0,
            publication: Samples.publication,
            keys: keys,
            bluezone: dayKeys,
            predecessors: [Samples.epoch]
        )
        let read = try Batch(batch.bytes)
        #expect(read.sections.map(\.kind) == [.predecessors, .diagnosisKeys, .bluezoneDayKeys])
        #expect(try read.bluezoneKeys() == dayKeys.sorted(by: BluezoneDayKey.precedesInBatch))
        #expect(try read.keys() == keys.sorted(by: DiagnosisKey.precedesInBatch))
        #expect(try read.predecessors() == [Samples.epoch])
        let alone = try self.batch(dayKeys)
        #expect(alone.sections.map(\.kind.number) == [3])
        #expect(try alone.bluezoneKeys() == read.bluezoneKeys() && alone.keys().isEmpty)
    }

    @Test func aBatchWithoutThemIsAsBefore() throws {
        var generator = SplitMix64(seed: 1)
        let keys = try Samples.keys(20, groups: 3, using: &generator)
        let batch = try batch([], keys: keys)
        #expect(batch.bytes == (try Batch(number: 0, publication: Samples.publication, keys: keys).bytes))
        #expect(batch.sections.map(\.kind) == [.diagnosisKeys])
        #expect(try batch.bluezoneKeys().isEmpty)
    }

    @Test func orderAndDuplicatesDoNotChangeTheBytes() throws {
        var generator = SplitMix64(seed: 6)
        let keys = try Samples.dayKeys(400, using: &generator)
        let bytes = try batch(keys).bytes
        for _ in 0..<10 {
            #expect(try batch((keys + keys.prefix(100)).shuffled(using: &generator)).bytes == bytes)
        }
    }

    @Test func reportsOfOneKeyAreJoined() throws {
        let reports = try [ReportType.confirmed, .revoked, .selfReport].map { type in
            try Samples.dayKey(BluezoneSubKey(1, 2, 3, 4), type: type)
        }
        #expect(try batch(reports).bluezoneKeys().map(\.metadata.reportType) == [.revoked])
    }

    /// A day is published only when it is over, and for 15 days from then on.
    @Test func theWindowOfPublication() throws {
        let key = try Samples.dayKey(BluezoneSubKey(1, 2, 3, 4))
        let end = key.metadata.end
        for age: Int64 in [0, 1, 2159] {
            #expect(try batch([key], publication: end.advanced(by: age)).bluezoneKeys() == [key])
        }
        let section = Samples.section(3, try BluezoneKeysSection.encode([key]))
        for age: Int64 in [-1, -144, 2160, 5000] {
            let publication = end.advanced(by: age)
            #expect(throws: FormatError.with(.keyOutsideWindow)) { try batch([key], publication: publication) }
            // The same when the bytes come from elsewhere.
            let foreign = try Batch(Samples.batch(publication: publication, sections: [section]))
            #expect(throws: FormatError.with(.keyOutsideWindow)) { try foreign.bluezoneKeys() }
        }
    }

    /// Readers of one kind of keys do not depend on the other.
    @Test func eachKindIsReadByItself() throws {
        let broken = Samples.section(3, [1, 2, 3])
        let other = try Batch(Samples.batch(sections: [Samples.section(2, RawKeys().bytes), broken]))
        #expect(try other.keys().count == 1)
        #expect(throws: FormatError.with(.lyingLength)) { try other.bluezoneKeys() }
        let encoded = try Batch(Samples.batch(sections: [Samples.section(3, RawKeys.bluezone.bytes, encoding: 2)]))
        #expect(throws: FormatError.with(.unknownFormat)) { try encoded.bluezoneKeys() }
    }

    /// A node takes no batch of which it cannot read a section that it knows.
    @Test func contentIsChecked() throws {
        let good = try Batch(Samples.batch(sections: [Samples.section(3, RawKeys.bluezone.bytes)]))
        try FeedChecks.plain.content(good, good.leafHash)
        let bad = try Batch(Samples.batch(sections: [Samples.section(3, [1, 2, 3])]))
        #expect(throws: FormatError.with(.lyingLength)) { try FeedChecks.plain.content(bad, bad.leafHash) }
    }

    @Test func atMostTheKeysThatFit() throws {
        let keys = try (0...UInt64(FormatLimits.bluezoneKeysPerBatch)).map {
            try Samples.dayKey(BluezoneSubKey($0 << 40, $0, 0, 0))
        }
        let full = try batch(Array(keys.dropLast()))
        #expect(try full.bluezoneKeys().count == FormatLimits.bluezoneKeysPerBatch)
        #expect(throws: FormatError.with(.limitExceeded)) { try batch(keys) }
    }

    @Test func theMostOfBothKindsFitOneBatch() throws {
        var generator = SplitMix64(seed: 2)
        let dayKeys = try (0..<FormatLimits.bluezoneKeysPerBatch).map { _ in
            try Samples.dayKey(Samples.subKey(using: &generator))
        }
        let keys = try Samples.keys(FormatLimits.keysPerBatch, groups: 300, using: &generator)
        #expect(try batch(dayKeys, keys: keys).bytes.count <= FormatLimits.batchBytes)
    }
}
