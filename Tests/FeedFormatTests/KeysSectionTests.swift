import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

struct KeysSectionTests {
    private func ordered(_ keys: [DiagnosisKey]) -> [DiagnosisKey] {
        keys.sorted(by: DiagnosisKey.precedesInBatch)
    }

    @Test(arguments: [(1, 1), (2, 1), (2, 2), (3, 2), (17, 4), (64, 1), (500, 37), (4000, 900), (20_000, 3)])
    func roundTrip(count: Int, groups: Int) throws {
        for seed in 0..<UInt64(count < 1000 ? 20 : 2) {
            var generator = SplitMix64(seed: seed)
            let keys = ordered(try Samples.keys(count, groups: groups, using: &generator))
            let bytes = try KeysSection.encode(keys)
            #expect(try KeysSection.decode(bytes[...]) == keys)
            let shifted = [0xff] + bytes + [0xff]
            #expect(try KeysSection.decode(shifted[1..<shifted.count - 1]) == keys)
        }
    }

    @Test(arguments: [(0, 1), (1, 1), (2, 2), (300, 1), (300, 40), (5000, 900)])
    func batchOrder(count: Int, groups: Int) throws {
        var generator = SplitMix64(seed: 21)
        let keys = count == 0 ? [] : try Samples.keys(count, groups: groups, using: &generator)
        let expected = ordered(keys)
        #expect(keys.shuffled(using: &generator).inBatchOrder == expected)
        #expect(keys.sorted { $0.data < $1.data }.inBatchOrder == expected)
    }

    /// Keys with equal bytes, apart in metadata only, as reports about different days are.
    @Test func batchOrderOfEqualBytes() throws {
        let data = KeyData(high: 1, low: 2)
        let keys = try (1...144).map { period in
            let start = Interval(2_660_000)
            let metadata = KeyMetadata(rollingStart: start, rollingPeriod: period, reportType: .confirmed)
            return DiagnosisKey(data: data, metadata: try #require(metadata))
        }
        #expect(Array(keys.reversed()).inBatchOrder == keys)
    }

    @Test func extremeKeys() throws {
        let metadata = try Samples.metadata()
        let halves: [UInt64] = [0, 1, 1 << 63 - 1, 1 << 63, .max - 1, .max]
        let keys = halves.flatMap { high in
            halves.map { DiagnosisKey(data: KeyData(high: high, low: $0), metadata: metadata) }
        }
        #expect(try KeysSection.decode(KeysSection.encode(keys)[...]) == keys)
        for key in keys { #expect(try KeysSection.decode(KeysSection.encode([key])[...]) == [key]) }
    }

    /// Sum over groups of (128 n - log2 n!) bits is what no code can beat; Golomb-Rice stays within 0.3 bits a key.
    @Test(arguments: [1000, 5000, 60_000])
    func sizeIsNearTheBound(count: Int) throws {
        var generator = SplitMix64(seed: 9)
        let keys = ordered(try Samples.keys(count, groups: 1, using: &generator))
        let bound = 128 * Double(count) - lgamma(Double(count) + 1) / log(2)
        let bits = Double(try KeysSection.encode(keys).count * 8)
        #expect(bits >= bound)
        #expect(bits <= bound + 0.3 * Double(count) + 150)
    }

    @Test func truncatedAtEveryByte() throws {
        var generator = SplitMix64(seed: 4)
        let bytes = try KeysSection.encode(ordered(try Samples.keys(40, groups: 7, using: &generator)))
        for length in 0..<bytes.count {
            let error = #expect(throws: FormatError.self) { try KeysSection.decode(bytes[..<length]) }
            #expect(error?.code == .truncated || error?.code == .lyingLength, "\(length) bytes: \(error?.reason ?? "")")
        }
        #expect(throws: FormatError.with(.trailingBytes)) { try KeysSection.decode((bytes + [0])[...]) }
    }

    /// A payload that lies, and the name of the lie.
    struct Lie: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: FormatError.Code
        let change: @Sendable (inout RawKeys) -> Void

        init(_ description: String, _ code: FormatError.Code, _ change: @escaping @Sendable (inout RawKeys) -> Void) {
            testDescription = description
            self.code = code
            self.change = change
        }
    }

    @Test func rawKeysAreWellFormedToBeginWith() throws {
        #expect(try KeysSection.decode(RawKeys().bytes[...]).count == 1)
        #expect(
            try KeysSection.decode(RawKeys.twoGroups.bytes[...]).map(\.metadata.reportType) == [.unknown, .recursive]
        )
    }

    @Test(
        arguments: [
            Lie("no groups", .lyingLength) { $0.groupCount = 0 },
            Lie("more groups than bytes", .lyingLength) { $0.groupCount = 1000 },
            Lie("more groups than allowed", .limitExceeded) { $0.groupCount = 65_537 },
            Lie("number of groups beyond 64 bits of memory", .limitExceeded) { $0.groupCount = .max },
            Lie("more keys than bytes", .lyingLength) { $0.counts = [100] },
            Lie("largest group, no bytes", .lyingLength) { $0.counts = [262_143] },
            Lie("group larger than a batch", .limitExceeded) { $0.counts = [262_144] },
            Lie("group beyond memory", .limitExceeded) { $0.counts = [UInt64(UInt32.max)] },
            Lie("table padding set", .notCanonical) { $0.tablePadding = 1 },
            Lie("unary run too long", .outOfRange) { $0.highs = [(gap: 1 << 63, parameter: 62)] },
            Lie("a byte after the last key", .trailingBytes) { $0.trailing = [0] },
            Lie("padding of the high halves set", .notCanonical) { $0.highPadding = 1 },
            Lie("high halves missing", .truncated) { $0.highs = [] },
        ]
    )
    func oneKey(_ lie: Lie) {
        var raw = RawKeys()
        lie.change(&raw)
        #expect(throws: FormatError.with(lie.code)) { try KeysSection.decode(raw.bytes[...]) }
    }

    @Test(
        arguments: [
            Lie("largest group twice", .limitExceeded) { $0.counts = [262_143, 0] },
            Lie("one low half missing", .lyingLength) { raw in
                raw.lows = []
                raw.highs = []
            },
            Lie("two keys alike", .notAscending) { $0.makeOneGroup(lows: [7, 7], highs: [5, 0]) },
            Lie("low halves fall under equal high halves", .notAscending) {
                $0.makeOneGroup(lows: [7, 6], highs: [5, 0])
            },
            Lie("high half beyond 64 bits", .outOfRange) { $0.makeOneGroup(lows: [7, 8], highs: [.max, 1]) },
        ]
    )
    func twoKeys(_ lie: Lie) {
        var raw = RawKeys.twoGroups
        lie.change(&raw)
        #expect(throws: FormatError.with(lie.code)) { try KeysSection.decode(raw.bytes[...]) }
    }
}
