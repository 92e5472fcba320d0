import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct GroupTableTests {
    private func read(_ raw: RawKeys) throws -> [KeyGroup] {
        var bits = BitReader(raw.bytes.dropFirst(), reading: "test")
        return try GroupTable.read(Int(raw.groupCount), from: &bits)
    }

    @Test(arguments: [1, 2, 3, 10, 100, 900, 5000])
    func roundTrip(count: Int) throws {
        var generator = SplitMix64(seed: UInt64(count))
        var metadata: [KeyMetadata] = []
        for _ in 0..<count { metadata.append(try Samples.metadata(using: &generator)) }
        metadata.sort()
        var groups: [KeyGroup] = []
        for value in metadata where groups.last?.metadata != value {
            groups.append(
                KeyGroup(
                    metadata: value,
                    count: 1 + Int(generator.next() >> UInt64.random(in: 54...63, using: &generator))
                )
            )
        }
        var writer = BitWriter()
        GroupTable.write(groups, to: &writer)
        let bytes = writer.finish()
        var reader = BitReader(bytes[...], reading: "test")
        #expect(try GroupTable.read(groups.count, from: &reader) == groups)
        #expect(try reader.align() == bytes.count)
    }

    @Test func extremesOfEveryField() throws {
        let values = [
            KeyMetadata(rollingStart: Interval(0), rollingPeriod: 1, reportType: .unknown),
            KeyMetadata(
                rollingStart: Interval(.max - 144),
                rollingPeriod: 144,
                reportType: .revoked,
                transmissionRisk: 8,
                daysSinceOnset: 8190
            ),
            KeyMetadata(
                rollingStart: Interval(1),
                rollingPeriod: 2,
                reportType: .clinical,
                transmissionRisk: 1,
                daysSinceOnset: -8190
            ),
        ]
        let groups = values.compactMap { $0 }.sorted().map { KeyGroup(metadata: $0, count: 1 << 18) }
        #expect(groups.count == 3)
        var writer = BitWriter()
        GroupTable.write(groups, to: &writer)
        var reader = BitReader(writer.finish()[...], reading: "test")
        #expect(try GroupTable.read(3, from: &reader) == groups)
    }

    @Test func readsWhatTheRawEncoderWrites() throws {
        #expect(try read(RawKeys()) == [KeyGroup(metadata: try Samples.metadata(), count: 1)])
    }

    @Test(
        arguments: [
            KeysSectionTests.Lie("report type 6", .outOfRange) { $0.reportType.first = 6 },
            KeysSectionTests.Lie("rolling period 0", .outOfRange) { $0.rollingPeriod.first = 0 },
            KeysSectionTests.Lie("rolling period 145", .outOfRange) { $0.rollingPeriod.first = 145 },
            KeysSectionTests.Lie("transmission risk 9", .outOfRange) { $0.transmissionRisk.first = 9 },
            KeysSectionTests.Lie("days since onset 8191", .outOfRange) { $0.daysSinceOnset.first = 16_382 },
            KeysSectionTests.Lie("end beyond 32 bits", .outOfRange) { $0.rollingStart.first = 0xffff_ff80 },
            KeysSectionTests.Lie("more values than groups", .lyingLength) { $0.rollingPeriod.claimed = 1 },
            KeysSectionTests.Lie("more values than memory", .lyingLength) { $0.rollingStart.claimed = 0xffff_ffff },
        ]
    )
    func oneGroup(_ lie: KeysSectionTests.Lie) {
        var raw = RawKeys()
        lie.change(&raw)
        #expect(throws: FormatError.with(lie.code)) { try read(raw) }
    }

    @Test(
        arguments: [
            KeysSectionTests.Lie("groups fall", .notAscending) { $0.reportType.steps = [1, 1] },
            KeysSectionTests.Lie("two groups alike", .notAscending) { $0.reportType.steps = [1, 0] },
            KeysSectionTests.Lie("step as large as the dictionary", .outOfRange) { $0.reportType.steps = [0, 2] },
            KeysSectionTests.Lie("step beyond memory", .outOfRange) { $0.reportType.steps = [0, 0xffff_fffe] },
            KeysSectionTests.Lie("value wider than its field", .outOfRange) { $0.reportType.gaps = [7] },
            KeysSectionTests.Lie("value wider than 32 bits", .outOfRange) { raw in
                raw.rollingStart.gaps = [0xffff_fffe]
                raw.rollingStart.steps = [0, 0]
            },
            KeysSectionTests.Lie("more values than groups", .lyingLength) { raw in
                raw.reportType.gaps = [0, 0]
            },
        ]
    )
    func twoGroups(_ lie: KeysSectionTests.Lie) {
        var raw = RawKeys.twoGroups
        lie.change(&raw)
        #expect(throws: FormatError.with(lie.code)) { try read(raw) }
    }

    @Test func endingEarlyIsTruncated() throws {
        let bytes = RawKeys.twoGroups.bytes
        // 96 bits: five columns, the first with a dictionary and steps, and the counts.
        for length in 1..<12 {
            var bits = BitReader(bytes[1..<length], reading: "test")
            #expect(throws: FormatError.with(.truncated)) { try GroupTable.read(2, from: &bits) }
        }
    }
}
