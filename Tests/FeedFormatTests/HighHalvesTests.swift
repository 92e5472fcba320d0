import FeedFormat
import Testing
import TestSupport

struct HighHalvesTests {
    @Test func riceParameters() {
        let expected = [1: 63, 2: 62, 3: 62, 4: 61, 7: 61, 8: 60, 1023: 54, 1024: 53, 1 << 18: 45]
        for count in expected.keys.sorted() { #expect(HighHalves.riceParameter(count: count) == expected[count]) }
    }

    @Test(arguments: [1, 2, 3, 17, 1000])
    func roundTrip(count: Int) throws {
        var random = SplitMix64(seed: UInt64(count))
        var numbers = (0..<count).map { _ in random.next() >> UInt64.random(in: 0...63, using: &random) }.sorted()
        numbers[count - 1] = .max
        var bits = BitWriter()
        var highs = HighHalves(count: count)
        for number in numbers { highs.write(number, to: &bits) }
        let bytes = bits.finish()
        var reader = BitReader(bytes[...], reading: "test")
        var again = HighHalves(count: count)
        for number in numbers { #expect(try again.read(from: &reader) == number) }
        #expect(try reader.align() == bytes.endIndex)
    }

    @Test func sumsBeyond64BitsAreRefused() throws {
        var bits = BitWriter()
        var first = HighHalves(count: 2)
        first.write(.max, to: &bits)
        var second = HighHalves(count: 2)
        second.write(1, to: &bits)
        let bytes = bits.finish()
        var reader = BitReader(bytes[...], reading: "test")
        var highs = HighHalves(count: 2)
        #expect(try highs.read(from: &reader) == .max)
        #expect(throws: FormatError.with(.outOfRange)) { try highs.read(from: &reader) }
    }
}
