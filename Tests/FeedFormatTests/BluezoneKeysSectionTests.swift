import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

struct BluezoneKeysSectionTests {
    private func ordered(_ keys: [BluezoneDayKey]) -> [BluezoneDayKey] {
        keys.sorted(by: BluezoneDayKey.precedesInBatch)
    }

    @Test(arguments: [1, 2, 3, 17, 64, 500, 4000])
    func roundTrip(count: Int) throws {
        for seed in 0..<UInt64(count < 1000 ? 20 : 2) {
            var generator = SplitMix64(seed: seed)
            let keys = ordered(try Samples.dayKeys(count, using: &generator))
            let bytes = try BluezoneKeysSection.encode(keys)
            #expect(try BluezoneKeysSection.decode(bytes[...]) == keys)
            let shifted = [0xff] + bytes + [0xff]
            #expect(try BluezoneKeysSection.decode(shifted[1..<shifted.count - 1]) == keys)
        }
    }

    @Test func extremeKeys() throws {
        let ends: [UInt64] = [0, 1, 1 << 63, .max]
        let keys = try ends.flatMap { first in
            try ends.flatMap { second in
                try ends.map { try Samples.dayKey(BluezoneSubKey(first, 7, second, $0)) }
            }
        }
        #expect(try BluezoneKeysSection.decode(BluezoneKeysSection.encode(keys)[...]) == keys)
        for key in keys { #expect(try BluezoneKeysSection.decode(BluezoneKeysSection.encode([key])[...]) == [key]) }
    }

    /// Sum over groups of (256 n - log2 n!) bits is what no code can beat; Golomb-Rice stays within 0.3 bits a key.
    @Test(arguments: [1000, 20_000])
    func sizeIsNearTheBound(count: Int) throws {
        var generator = SplitMix64(seed: 9)
        let keys = try (0..<count).map { _ in try Samples.dayKey(Samples.subKey(using: &generator)) }
        let bound = 256 * Double(count) - lgamma(Double(count) + 1) / log(2)
        let bits = Double(try BluezoneKeysSection.encode(ordered(keys)).count * 8)
        #expect(bits >= bound)
        #expect(bits <= bound + 0.3 * Double(count) + 150)
    }

    @Test func truncatedAtEveryByte() throws {
        var generator = SplitMix64(seed: 4)
        let bytes = try BluezoneKeysSection.encode(ordered(try Samples.dayKeys(40, using: &generator)))
        for length in 0..<bytes.count {
            let error = #expect(throws: FormatError.self) { try BluezoneKeysSection.decode(bytes[..<length]) }
            #expect(error?.code == .truncated || error?.code == .lyingLength, "\(length) bytes: \(error?.reason ?? "")")
        }
        #expect(throws: FormatError.with(.trailingBytes)) { try BluezoneKeysSection.decode((bytes + [0])[...]) }
    }

    /// A bit that is changed is refused, or it is one of a key or its metadata: then it is read as it stands.
    @Test func everyChangedBit() throws {
        var generator = SplitMix64(seed: 5)
        let keys = ordered(try Samples.dayKeys(12, using: &generator))
        let bytes = try BluezoneKeysSection.encode(keys)
        var refused = 0
        for bit in 0..<8 * bytes.count {
            var altered = bytes
            altered[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            do throws(FormatError) {
                let read = try BluezoneKeysSection.decode(altered[...])
                #expect(read != keys, "bit \(bit)")
                #expect(zip(read, read.dropFirst()).allSatisfy(BluezoneDayKey.precedesInBatch))
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
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
        let key = try #require(try BluezoneKeysSection.decode(RawKeys.bluezone.bytes[...]).first)
        #expect(key == (try Samples.dayKey(BluezoneSubKey(1 << 63 | 5, 7, 8, 9))))
        #expect(
            try BluezoneKeysSection.decode(RawKeys.twoBluezone([7, 8, 9, 7, 8, 10], [5, 0]).bytes[...]).count == 2
        )
    }

    @Test(
        arguments: [
            Lie("no groups", .lyingLength) { $0.groupCount = 0 },
            Lie("more groups than bytes", .lyingLength) { $0.groupCount = 1000 },
            Lie("more groups than allowed", .limitExceeded) { $0.groupCount = 65_537 },
            Lie("number of groups beyond 64 bits of memory", .limitExceeded) { $0.groupCount = .max },
            Lie("one key more than bytes", .lyingLength) { $0.counts = [1] },
            Lie("largest group, no bytes", .lyingLength) { $0.counts = [131_071] },
            Lie("one key more than a batch may have", .limitExceeded) { $0.counts = [131_072] },
            Lie("group beyond memory", .limitExceeded) { $0.counts = [UInt64(UInt32.max)] },
            Lie("table padding set", .notCanonical) { $0.tablePadding = 1 },
            Lie("not midnight", .outOfRange) { $0.rollingStart.first -= 1 },
            Lie("midnight in Vietnam", .outOfRange) { $0.rollingStart.first -= 42 },
            Lie("not a whole day", .outOfRange) { $0.rollingPeriod.first = 143 },
            Lie("unary run too long", .outOfRange) { $0.highs = [(gap: 1 << 63, parameter: 62)] },
            Lie("a byte after the last key", .trailingBytes) { $0.trailing = [0] },
            Lie("padding of the high halves set", .notCanonical) { $0.highPadding = 1 },
            Lie("high halves missing", .truncated) { $0.highs = [] },
            Lie("eight bytes missing", .lyingLength) { raw in
                raw.lows = [7, 8]
                raw.highs = []
            },
            Lie("two keys alike", .notAscending) { $0 = .twoBluezone([7, 8, 9, 7, 8, 9], [5, 0]) },
            Lie("second words fall", .notAscending) { $0 = .twoBluezone([7, 8, 9, 6, 8, 9], [5, 0]) },
            Lie("last words fall", .notAscending) { $0 = .twoBluezone([7, 8, 9, 7, 8, 8], [5, 0]) },
            Lie("high half beyond 64 bits", .outOfRange) { $0 = .twoBluezone([7, 8, 9, 7, 8, 9], [.max, 1]) },
        ]
    )
    func lies(_ lie: Lie) {
        var raw = RawKeys.bluezone
        lie.change(&raw)
        #expect(throws: FormatError.with(lie.code)) { try BluezoneKeysSection.decode(raw.bytes[...]) }
    }
}
