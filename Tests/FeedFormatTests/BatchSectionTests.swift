import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct BatchSectionTests {
    private func section(_ bytes: [UInt8]) throws -> BatchSection {
        try #require(try Batch(Samples.batch(sections: [bytes])).sections.first)
    }

    /// A payload that compresses well: one set of low halves under many groups.
    private func repetitiveKeys() throws -> [DiagnosisKey] {
        try (0..<40).map { day in
            DiagnosisKey(
                data: KeyData(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718),
                metadata: try Samples.metadata(end: Samples.publication.advanced(by: -day))
            )
        }
    }

    @Test func compressesWhereThatIsSmaller() throws {
        let keys = try repetitiveKeys()
        let batch = try Batch(number: 0, publication: Samples.publication, keys: keys)
        let section = try #require(batch.sections.first)
        #expect(section.encoding == 1)
        #expect(section.decodedSize > section.stored.count + 5)
        #expect(try batch.keys() == keys.sorted(by: DiagnosisKey.precedesInBatch))

        var generator = SplitMix64(seed: 8)
        let random = try Samples.keys(50, groups: 1, using: &generator)
        #expect(try Batch(number: 0, publication: Samples.publication, keys: random).sections.first?.encoding == 0)
    }

    @Test func unknownKindsSurviveUnharmed() throws {
        let strange = Samples.section(77, [1, 2, 3], encoding: 9)
        let known = Samples.section(2, RawKeys().bytes)
        let last = Samples.compressedSection(UInt64(UInt32.max), [0xff], size: 8 << 20)
        let bytes = Samples.batch(sections: [known, strange, last])
        let batch = try Batch(bytes)
        #expect(batch.bytes == bytes)
        #expect(batch.sections.map(\.kind.number) == [2, 77, .max])
        #expect(batch.sections.map { Array($0.stored) } == [RawKeys().bytes, [1, 2, 3], [0xff]])
        #expect(try batch.keys().count == 1)
        #expect(batch.leafHash == Hash256(leaf: bytes[...]))
    }

    @Test func unknownEncodingOfAKnownKind() throws {
        for encoding: UInt8 in [2, 3, 255] {
            let batch = try Batch(Samples.batch(sections: [Samples.section(2, RawKeys().bytes, encoding: encoding)]))
            #expect(throws: FormatError.with(.unknownFormat)) { try batch.keys() }
        }
    }

    @Test func kindsAscend() {
        for kinds in [[2, 1], [2, 2], [5, 9, 7]] as [[UInt64]] {
            #expect(throws: FormatError.with(.notAscending)) {
                try Batch(Samples.batch(sections: kinds.map { Samples.section($0, []) }))
            }
        }
    }

    @Test(
        arguments: [
            (Samples.section(0, []), FormatError.Code.outOfRange),
            (Samples.section(1 << 32, []), .outOfRange),
            (Samples.section(.max, []), .outOfRange),
            ([3, 0, 5, 1, 2], .lyingLength),
            ([3, 0, 0xff, 0xff, 0x03], .lyingLength),
            ([3, 0, 0x81, 0x80, 0x80, 0x04], .limitExceeded),
            ([3], .truncated),
            ([3, 0], .truncated),
            ([3, 1, 1], .truncated),
            ([3, 1, 2, 9, 0], .lyingLength),
            (Samples.compressedSection(3, [1, 2], size: 8 << 20 + 1), .limitExceeded),
            (Samples.compressedSection(3, [1, 2], size: 2), .notCanonical),
            (Samples.compressedSection(3, [], size: 0), .notCanonical),
        ] as [([UInt8], FormatError.Code)]
    )
    func malformed(_ bytes: [UInt8], _ code: FormatError.Code) {
        #expect(throws: FormatError.with(code)) { try section(bytes) }
    }

    @Test func bombsAndLiesAboutTheSize() throws {
        // 8 MiB of zeros in some 33 KB: allowed, and not one byte more.
        let bomb = try #require(LZ4Block.compress([UInt8](repeating: 0, count: 8 << 20)))
        #expect(bomb.count < 40_000)
        #expect(try section(Samples.compressedSection(3, bomb, size: 8 << 20)).payload(.liblz4).count == 8 << 20)
        for size in [bomb.count + 1, 8 << 20 - 1, 1 << 20] {
            let lying = try section(Samples.compressedSection(3, bomb, size: size))
            #expect(throws: FormatError.with(.decompression)) { try lying.payload(.liblz4) }
        }
        let short = try #require(LZ4Block.compress([UInt8](repeating: 7, count: 1000)))
        for size in [999, 1001, 8 << 20] {
            let lying = try section(Samples.compressedSection(3, short, size: size))
            #expect(throws: FormatError.with(.decompression)) { try lying.payload(.liblz4) }
        }
        let empty = try section(Samples.compressedSection(3, [], size: 1))
        #expect(throws: FormatError.with(.decompression)) { try empty.payload(.liblz4) }
    }

    @Test func anotherDecoderIsHeldToTheDeclaredSize() throws {
        let lying = try section(Samples.compressedSection(3, [1, 2, 3], size: 10))
        let decoder = { (size: Int?) in BlockDecoder { _, _ in size.map { [UInt8](repeating: 1, count: $0) } } }
        #expect(try lying.payload(decoder(10)) == [UInt8](repeating: 1, count: 10)[...])
        for size in [nil, 9, 11] as [Int?] {
            #expect(throws: FormatError.with(.decompression)) { try lying.payload(decoder(size)) }
        }
    }
}
