import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

struct BluezoneIdentifierTests {
    @Test func itTakesTwelveBytesOfTheSubKey() throws {
        let subKey = try #require(BluezoneSubKey(bytes: Array(0..<32)))
        #expect(BluezoneIdentifier(subKey).bytes == [0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30])
        var random = SplitMix64(seed: 1)
        for _ in 0..<200 {
            let bytes = random.bytes(32)
            let subKey = try #require(BluezoneSubKey(bytes: bytes))
            let expected = [0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30].map { bytes[$0] }
            #expect(BluezoneIdentifier(subKey).bytes == expected)
        }
    }

    @Test func identifiersCompareAsTheirBytes() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<500 {
            let low = { (random: inout SplitMix64) in UInt32(truncatingIfNeeded: random.next()) }
            let one = BluezoneIdentifier(high: UInt64.random(in: 0...2, using: &random), low: low(&random))
            let other = BluezoneIdentifier(high: UInt64.random(in: 0...2, using: &random), low: low(&random))
            #expect((one < other) == one.bytes.lexicographicallyPrecedes(other.bytes))
            #expect(BluezoneIdentifier(bytes: one.bytes) == one)
        }
        for count in [0, 11, 13, 16] { #expect(BluezoneIdentifier(bytes: [UInt8](repeating: 0, count: count)) == nil) }
        #expect(BluezoneIdentifier(bytes: Array(0..<24)[6..<18])?.bytes == Array(6..<18), "a slice")
    }
}
