import FeedFormat
import Testing
import TestSupport

struct LZ4BlockTests {
    @Test func roundTrip() throws {
        var generator = SplitMix64(seed: 15)
        for count in [200, 1000, 100_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0..<3, using: &generator) }
            let block = try #require(LZ4Block.compress(bytes))
            #expect(block.count < bytes.count)
            let batch = try Batch(
                Samples.batch(sections: [Samples.compressedSection(9, block, size: bytes.count)])
            )
            #expect(try batch.sections.first?.payload(.liblz4) == bytes[...])
        }
    }

    @Test func nilWhereItWouldNotPay() {
        var generator = SplitMix64(seed: 16)
        #expect(LZ4Block.compress(generator.bytes(5000)) == nil)
        #expect(LZ4Block.compress([]) == nil)
        #expect(LZ4Block.compress([1]) == nil)
        let zeros = [UInt8](repeating: 0, count: 100)
        let size = LZ4Block.compress(zeros)?.count ?? 100
        #expect(LZ4Block.compress(zeros, margin: 100 - size)?.count == size)
        #expect(LZ4Block.compress(zeros, margin: 101 - size) == nil)
        #expect(LZ4Block.compress([UInt8](repeating: 0, count: 8 << 20 + 1)) == nil)
    }
}
