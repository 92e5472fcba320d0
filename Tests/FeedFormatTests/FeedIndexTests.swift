import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct FeedIndexTests {
    /// `count` feeds of different regions, VN-01 first; the numbers of batches are as large as they can be.
    private func entries(_ numbers: Range<Int>) throws -> [IndexEntry] {
        try numbers.map { number in
            let code = number < 10 ? "VN-0\(number)" : "VN-\(number)"
            return try #require(
                IndexEntry(
                    feed: try Samples.feed(code),
                    first: 131_000,
                    count: 131_072,
                    root: Hash256(hashing: [UInt8(number)])
                )
            )
        }
    }

    private func index(fresh: [IndexEntry], settled: [IndexEntry]) throws -> FeedIndex {
        try FeedIndex(
            node: try Samples.region(),
            time: Samples.time,
            fresh: IndexPart(fresh),
            settled: IndexPart(settled),
            signer: try Samples.signer()
        )
    }

    private func read(_ bytes: [UInt8], keys: ((Region) -> [RosterRegion.Key]?)? = nil) throws -> FeedIndex {
        let own = Samples.rosterKeys(try Samples.signer())
        return try FeedIndex(bytes[...], keys: keys ?? { $0.code == "VN-01" ? own : nil })
    }

    @Test(arguments: [(0, 0), (1, 0), (0, 1), (3, 5), (40, 23)])
    func roundTrip(fresh: Int, settled: Int) throws {
        let all = try entries(1..<1 + fresh + settled)
        let made = try index(fresh: Array(all.prefix(fresh)), settled: Array(all.dropFirst(fresh)))
        let read = try read(made.bytes)
        #expect(read.node == (try Samples.region()))
        #expect(read.time == Samples.time)
        #expect(read.bytes == made.bytes)
        let part = try IndexPart(bytes: IndexPart(Array(all.dropFirst(fresh))).bytes[...])
        #expect(part.hash == read.settledHash)
        #expect(read.settledCount == settled)
        #expect(try read.entries(with: part) == all)
    }

    @Test func sizeWith63Regions() throws {
        let made = try index(fresh: try entries(1..<64), settled: [])
        #expect(made.bytes.count <= 38 * 63 + 400)
        let split = try index(fresh: try entries(1..<30), settled: try entries(30..<64))
        #expect(split.bytes.count <= 38 * 29 + 400)
        #expect(try read(made.bytes).fresh.entries.count == 63)
    }

    @Test func entriesMayComeInAnyOrder() throws {
        let all = try entries(1..<20)
        var generator = SplitMix64(seed: 17)
        #expect(IndexPart(all.shuffled(using: &generator)).bytes == IndexPart(all).bytes)
    }

    @Test func everyAlteredOrMissingByteIsRefused() throws {
        let bytes = try index(fresh: try entries(1..<4), settled: try entries(4..<6)).bytes
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1 << UInt8(position % 8)
            #expect(throws: FormatError.self) { try read(altered) }
            #expect(throws: FormatError.self) { try read(Array(bytes[..<position])) }
        }
        #expect(throws: FormatError.self) { try read(bytes + [0]) }
    }

    @Test func aSignatureMustBeThere() throws {
        let bytes = try index(fresh: try entries(1..<4), settled: []).bytes
        let other = Samples.rosterKeys(try Samples.signer("VN-02"))
        #expect(throws: FormatError.with(.missingSignature)) { try read(bytes) { _ in nil } }
        #expect(throws: FormatError.with(.missingSignature)) { try read(bytes) { _ in [] } }
        #expect(throws: FormatError.with(.missingSignature)) { try read(bytes) { _ in other } }
    }

    /// An index with a note and a list of one's own.
    private func forged(text: String? = nil, list: [UInt8], magic: String = "KTI1") throws -> [UInt8] {
        let hash = Base64.encode(Hash256(hashing: list[...]).bytes)
        let text = text ?? "keytide/VN-01/index\n2\n\(hash)\n"
        let note = SignedNote.bytes(text: text, signatures: [try Samples.signer().sign(text, time: Samples.time)])
        var bytes = Array(magic.utf8)
        bytes.append(varint: UInt64(note.count))
        return bytes + note + list
    }

    private func list(settled: UInt32 = 0, _ fresh: [UInt8]) -> [UInt8] {
        var bytes = IndexPart([]).hash.bytes
        bytes.append(bigEndian: settled)
        return bytes + fresh
    }

    @Test func forgedLists() throws {
        let part = IndexPart(try entries(1..<3)).bytes
        #expect(try read(try forged(list: list(part))).fresh.entries.count == 2)
        let size = part.count / 2
        let swapped = Array(part[size...] + part[..<size])
        #expect(throws: FormatError.with(.notAscending)) { try read(try forged(list: list(swapped))) }
        #expect(throws: FormatError.with(.notAscending)) {
            try read(try forged(list: list(Array(part[..<size] + part[..<size]))))
        }
        #expect(throws: FormatError.with(.truncated)) { try read(try forged(list: list(part.dropLast()))) }
        #expect(throws: FormatError.with(.truncated)) { try read(try forged(list: [1, 2, 3])) }
        #expect(throws: FormatError.with(.unknownFormat)) { try read(try forged(list: list(part), magic: "KTI2")) }
        #expect(throws: FormatError.with(.rootMismatch)) { try read(try forged(list: list(settled: 1, part))) }
        #expect(throws: FormatError.with(.rootMismatch)) { try read(try forged(list: list(settled: .max, part))) }
        let hash = Base64.encode(Hash256(hashing: list(part)[...]).bytes)
        for (origin, code) in [
            ("keytide/VN-02/index", FormatError.Code.missingSignature),
            ("keytide/VN-01/5f8a0b1c01020304", .missingSignature),
            ("keytide//index", .missingSignature), ("keytide/index", .missingSignature), ("VN-01", .missingSignature),
        ] {
            #expect(throws: FormatError.with(code)) {
                try read(try forged(text: "\(origin)\n2\n\(hash)\n", list: list(part)))
            }
        }
        #expect(throws: FormatError.with(.rootMismatch)) {
            try read(try forged(text: "keytide/VN-01/index\n3\n\(hash)\n", list: list(part)))
        }
        #expect(throws: FormatError.with(.limitExceeded)) {
            try read(Array("KTI1".utf8) + [0x81, 0x08] + [UInt8](repeating: 0x20, count: 2000))
        }
        #expect(throws: FormatError.with(.limitExceeded)) {
            try read([UInt8](repeating: 0, count: FormatLimits.indexBytes + 1))
        }
    }

    @Test func anotherSettledPart() throws {
        let made = try index(fresh: try entries(1..<4), settled: try entries(4..<6))
        for numbers in [4..<7, 4..<5, 5..<7, 4..<4] {
            #expect(throws: FormatError.with(.rootMismatch)) { try made.entries(with: IndexPart(try entries(numbers))) }
        }
        let overlapping = try index(fresh: try entries(1..<5), settled: try entries(4..<6))
        #expect(throws: FormatError.with(.notAscending)) {
            try overlapping.entries(with: IndexPart(try entries(4..<6)))
        }
    }

    private func entry(_ region: String, first: UInt64, count: UInt64) -> [UInt8] {
        var bytes = [UInt8(region.utf8.count)] + Array(region.utf8)
        bytes.append(bigEndian: Samples.epoch.value)
        bytes.append(varint: first)
        bytes.append(varint: count)
        return bytes + [UInt8](repeating: 9, count: 16)
    }

    @Test func parts() throws {
        #expect(try IndexPart(bytes: []).entries.isEmpty)
        #expect(try IndexPart(bytes: entry("VN-01", first: 3, count: 3)[...]).entries.first?.first == 3)
        for (region, first, count) in [
            ("VN-01", 4, 3), ("VN-01", 0, 0), ("VN-01", 0, 131_073), ("VN-01", 0, .max), ("VN-01", .max, .max),
            ("vn-01", 0, 1),
            ("", 0, 1), ("V", 0, 1), ("ABCDEFGHIJKLMNOPQ", 0, 1),
        ] as [(String, UInt64, UInt64)] {
            #expect(throws: FormatError.with(.outOfRange)) {
                try IndexPart(bytes: entry(region, first: first, count: count)[...])
            }
        }
        let bytes = entry("VN-01", first: 300, count: 400)
        for length in 1..<bytes.count {
            let error = #expect(throws: FormatError.self) { try IndexPart(bytes: bytes[..<length]) }
            #expect(error?.code == .truncated)
        }
        #expect(throws: FormatError.with(.limitExceeded)) {
            try IndexPart(bytes: [UInt8](repeating: 0, count: FormatLimits.indexBytes + 1)[...])
        }
    }

    @Test func atMost65536Feeds() throws {
        var bytes: [UInt8] = []
        for epoch in 0..<UInt64(FormatLimits.feedsPerIndex) {
            bytes += [2] + Array("VN".utf8)
            bytes.append(bigEndian: epoch)
            bytes += [0, 1] + [UInt8](repeating: 0, count: 16)
        }
        #expect(try IndexPart(bytes: bytes[...]).entries.count == FormatLimits.feedsPerIndex)
        bytes += entry("VN", first: 0, count: 1)
        #expect(throws: FormatError.with(.limitExceeded)) { try IndexPart(bytes: bytes[...]) }
    }

    /// As early as it can be, with at most 16 lacking behind it.
    @Test(arguments: 1...200 as ClosedRange<UInt64>) func theFirstOneShown(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let (held, count) = (UInt64.random(in: 0...9, using: &random), UInt64.random(in: 10...80, using: &random))
        let share = UInt64.random(in: 1...6, using: &random)
        let gaps = (held..<count - 1).filter { _ in UInt64.random(in: 0...6, using: &random) >= share }
        let shown = (held..<count).first { start in
            !gaps.contains(start) && gaps.filter { $0 >= start }.count <= 16
        }
        #expect(IndexEntry.first(from: held, lacking: gaps) == shown)
    }

    @Test func rangesOfAnEntry() throws {
        let feed = try Samples.feed()
        let root = Hash256(hashing: [])
        #expect(IndexEntry(feed: feed, first: 0, count: 1, root: root)?.rootPrefix == Array(root.bytes.prefix(16)))
        #expect(IndexEntry(feed: feed, first: 131_072, count: 131_072, root: root) != nil)
        #expect(IndexEntry(feed: feed, first: 2, count: 1, root: root) == nil)
        #expect(IndexEntry(feed: feed, first: 0, count: 0, root: root) == nil)
        #expect(IndexEntry(feed: feed, first: 0, count: 131_073, root: root) == nil)
    }
}
