import ExposureKeys
import Testing
import TestSupport

struct BluezoneSubKeyTests {
    /// Words of few values, so that earlier ones are often equal.
    private func subKey(using random: inout SplitMix64) -> BluezoneSubKey {
        func few() -> UInt64 { UInt64.random(in: 0...1, using: &random) << 56 }
        return BluezoneSubKey(few(), few(), few(), random.next())
    }

    @Test func bytesSurviveAndCompareAsValuesDo() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<2000 {
            let one = subKey(using: &random)
            let other = subKey(using: &random)
            #expect(BluezoneSubKey(bytes: one.bytes) == one)
            #expect((one < other) == one.bytes.lexicographicallyPrecedes(other.bytes))
            #expect((one == other) == (one.bytes == other.bytes))
            #expect(one != other || one.hashValue == other.hashValue)
        }
        let words = BluezoneSubKey(
            0x0102_0304_0506_0708,
            0x090a_0b0c_0d0e_0f10,
            0x1112_1314_1516_1718,
            0x191a_1b1c_1d1e_1f20
        )
        #expect(words.bytes == Array(1...32))
    }

    @Test func everyWordCounts() {
        let one = BluezoneSubKey(1, 1, 1, 1)
        let others = [
            BluezoneSubKey(2, 1, 1, 1), BluezoneSubKey(1, 2, 1, 1), BluezoneSubKey(1, 1, 2, 1),
            BluezoneSubKey(1, 1, 1, 2),
        ]
        for other in others { #expect(one != other && one < other && !(other < one)) }
        #expect(Set(others + [one, one]).count == 5)
    }

    @Test func onlyThirtyTwoBytesAreASubKey() {
        for count in [0, 1, 16, 31, 33, 64] {
            #expect(BluezoneSubKey(bytes: [UInt8](repeating: 1, count: count)) == nil)
        }
        #expect(BluezoneSubKey(bytes: Array(0...63)[16..<48])?.bytes == Array(16...47), "a slice")
    }
}
