import FeedFormat
import Testing
import TestSupport

struct BitStreamTests {
    /// The codes as strings of binary digits, straight from docs/FEED-FORMAT.md.
    private enum Reference {
        static func bits(_ value: UInt64, _ count: Int) -> String {
            (0..<count).reversed().map { value >> UInt64($0) & 1 == 1 ? "1" : "0" }.joined()
        }

        static func expGolomb(_ value: UInt64, order: Int) -> String {
            let digits = String((value >> UInt64(order)) + 1, radix: 2)
            return String(repeating: "0", count: digits.count - 1) + "1" + digits.dropFirst() + bits(value, order)
        }

        static func bytes(_ digits: String) -> [UInt8] {
            let padded = Array(digits + String(repeating: "0", count: (8 - digits.count % 8) % 8))
            return stride(from: 0, to: padded.count, by: 8).map { UInt8(String(padded[$0..<$0 + 8]), radix: 2) ?? 0 }
        }
    }

    @Test func writesWhatThePageSays() {
        var generator = SplitMix64(seed: 1)
        for round in 0..<200 {
            // Bits may follow whole bytes.
            let before = [UInt8](repeating: 0xa5, count: round % 3)
            var writer = BitWriter(after: before)
            var digits = ""
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                switch Int.random(in: 0..<3, using: &generator) {
                case 0:
                    let count = Int.random(in: 0...64, using: &generator)
                    let value = generator.next()
                    writer.write(value, bits: count)
                    digits += Reference.bits(value, count)
                case 1:
                    let zeros = Int.random(in: 0...100, using: &generator)
                    writer.writeUnary(zeros)
                    digits += String(repeating: "0", count: zeros) + "1"
                default:
                    let order = Int.random(in: 0...15, using: &generator)
                    let value = generator.next() >> UInt64.random(in: 32...63, using: &generator)
                    writer.writeExpGolomb(value, order: order)
                    digits += Reference.expGolomb(value, order: order)
                }
            }
            #expect(writer.finish() == before + Reference.bytes(digits))
        }
    }

    @Test func exampleOfThePage() {
        var writer = BitWriter()
        writer.writeExpGolomb(5, order: 1)
        #expect(writer.finish() == [0b0111_0000])
    }

    @Test func readsWhatWasWritten() throws {
        var generator = SplitMix64(seed: 2)
        for _ in 0..<200 {
            let widths = (0..<30).map { _ in Int.random(in: 0...64, using: &generator) }
            let values = widths.map { $0 == 0 ? 0 : generator.next() >> UInt64(64 - $0) }
            let runs = (0..<30).map { _ in Int.random(in: 0...200, using: &generator) }
            let orders = (0..<30).map { _ in Int.random(in: 0...15, using: &generator) }
            let numbers = (0..<30).map { _ in generator.next() >> UInt64.random(in: 32...63, using: &generator) }
            var writer = BitWriter()
            for step in 0..<30 {
                writer.write(values[step], bits: widths[step])
                writer.writeUnary(runs[step])
                writer.writeExpGolomb(numbers[step], order: orders[step])
            }
            // A slice that does not start at 0, with a byte after it that must not be read.
            let bytes = [0xff] + writer.finish() + [0xff]
            var reader = BitReader(bytes[1..<bytes.count - 1], reading: "test")
            for step in 0..<30 {
                #expect(try reader.read(bits: widths[step]) == values[step])
                #expect(try reader.readUnary(upTo: 200) == runs[step])
                #expect(try reader.readExpGolomb(order: orders[step]) == numbers[step])
            }
            #expect(try reader.align() == bytes.count - 1)
        }
    }

    @Test(arguments: [UInt64(0), 1, 7, 8, 0xffff_fffe, 0xffff_ffff])
    func expGolombReachesTheWholeRange(_ value: UInt64) throws {
        for order in 0...15 {
            var writer = BitWriter()
            writer.writeExpGolomb(value, order: order)
            var reader = BitReader(writer.finish()[...], reading: "test")
            #expect(try reader.readExpGolomb(order: order) == value)
        }
    }

    @Test func limitsOfUnaryNumbers() throws {
        for zeros in [0, 1, 31, 32, 63, 64, 65, 300] {
            var writer = BitWriter()
            writer.writeUnary(zeros)
            let bytes = writer.finish()
            var exact = BitReader(bytes[...], reading: "test")
            #expect(try exact.readUnary(upTo: zeros) == zeros)
            var short = BitReader(bytes[...], reading: "test")
            #expect(throws: FormatError.with(.outOfRange)) { try short.readUnary(upTo: zeros - 1) }
        }
        var zeros = BitReader([0, 0, 0, 0, 0x80][...], reading: "test")
        #expect(try zeros.readUnary(upTo: 32) == 32)
        var code = BitReader([0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0][...], reading: "test")
        #expect(throws: FormatError.with(.outOfRange)) { try code.readExpGolomb(order: 0) }
    }

    @Test func endingEarlyIsTruncated() {
        var bits = BitReader([0xab, 0xcd][...], reading: "test")
        #expect(throws: FormatError.with(.truncated)) { try bits.read(bits: 17) }
        var wide = BitReader([UInt8](repeating: 1, count: 7)[...], reading: "test")
        #expect(throws: FormatError.with(.truncated)) { try wide.read(bits: 64) }
        var unary = BitReader([0, 0][...], reading: "test")
        #expect(throws: FormatError.with(.truncated)) { try unary.readUnary(upTo: 100) }
        var code = BitReader([0b0001_1000][...], reading: "test")
        #expect(throws: FormatError.with(.truncated)) { try code.readExpGolomb(order: 3) }
        var nothing = BitReader([], reading: "test")
        #expect(throws: FormatError.with(.truncated)) { try nothing.read(bits: 1) }
        #expect((try? nothing.read(bits: 0)) == 0)
    }

    @Test func alignmentTakesOnlyZeros() throws {
        for used in 0...8 {
            var clean = BitReader([0b1111_1111 << UInt8(8 - used), 0xff][...], reading: "test")
            _ = try clean.read(bits: used)
            #expect(try clean.align() == (used == 0 ? 0 : 1))
        }
        for used in 1...7 {
            var dirty = BitReader([1, 0xff][...], reading: "test")
            _ = try dirty.read(bits: used)
            #expect(throws: FormatError.with(.notCanonical)) { try dirty.align() }
        }
    }
}
