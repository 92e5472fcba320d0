import FeedFormat
import Testing
import TestSupport

struct ByteReaderTests {
    private func varint(_ bytes: [UInt8]) throws -> UInt64 {
        var reader = ByteReader(bytes[...], reading: "test")
        let value = try reader.varint()
        try reader.expectEnd()
        return value
    }

    @Test func varintsRoundTrip() throws {
        var generator = SplitMix64(seed: 3)
        var values: [UInt64] = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, .max, .max - 1, 1 << 63]
        for shift in 0..<64 { values.append(generator.next() >> UInt64(shift)) }
        for value in values {
            var bytes: [UInt8] = []
            bytes.append(varint: value)
            let digits = UInt64.bitWidth - value.leadingZeroBitCount
            #expect(bytes.count == max(1, (digits + 6) / 7))
            #expect(try varint(bytes) == value)
        }
    }

    @Test(
        arguments: [
            ([0x80, 0x00], FormatError.Code.notCanonical),
            ([0xff, 0xff, 0x00], .notCanonical),
            ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .notCanonical),
            ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], .outOfRange),
            ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81], .outOfRange),
            ([], .truncated),
            ([0x80], .truncated),
            ([0xff, 0xff, 0xff], .truncated),
            ([0x05, 0x05], .trailingBytes),
        ] as [([UInt8], FormatError.Code)]
    )
    func malformedVarints(_ bytes: [UInt8], _ code: FormatError.Code) {
        #expect(throws: FormatError.with(code)) { try varint(bytes) }
    }

    @Test func limitsAreInclusive() throws {
        var within = ByteReader([0x80, 0x01][...], reading: "test")
        #expect(try within.varint(upTo: 128, "it") == 128)
        var beyond = ByteReader([0x81, 0x01][...], reading: "test")
        #expect(throws: FormatError.with(.limitExceeded)) { try beyond.varint(upTo: 128, "it") }
        var huge = ByteReader([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01][...], reading: "test")
        #expect(throws: FormatError.with(.limitExceeded)) { try huge.varint(upTo: .max, "it") }
    }

    @Test func fixedSizesAreBigEndian() throws {
        var bytes: [UInt8] = [0xee]
        bytes.append(bigEndian: UInt32(0x0102_0304))
        bytes.append(bigEndian: UInt64(0x1112_1314_1516_1718))
        #expect(bytes == [0xee, 1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18])
        var reader = ByteReader(bytes[1...], reading: "test")
        #expect(try reader.uint32() == 0x0102_0304)
        #expect(reader.offset == 4)
        #expect(reader.position == 5)
        #expect(try reader.uint64() == 0x1112_1314_1516_1718)
        #expect(reader.remaining == 0)
        try reader.expectEnd()
    }

    @Test func readsStayInsideTheSlice() {
        let bytes: [UInt8] = [1, 2, 3, 4, 5]
        var reader = ByteReader(bytes[1..<4], reading: "test")
        #expect(throws: FormatError.with(.truncated)) { try reader.take(4) }
        #expect(throws: FormatError.with(.truncated)) { try reader.take(-1) }
        #expect(throws: FormatError.with(.truncated)) { try reader.take(.max) }
        #expect(throws: FormatError.with(.truncated)) { try reader.uint32() }
        #expect(throws: FormatError.with(.trailingBytes)) { try reader.expectEnd() }
        #expect((try? reader.take(3)) == [2, 3, 4])
        #expect(throws: FormatError.with(.truncated)) { try reader.byte() }
        #expect((try? reader.take(0)) == [])
    }
}
