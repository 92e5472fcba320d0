import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

/// Makes the files of docs/vectors anew: KEYTIDE_WRITE_VECTORS=1 swift test --filter VectorTests
struct VectorWriter {
    private var list: VectorList
    private let signer: NoteSigner
    private let feed: FeedID

    init() throws {
        signer = try Samples.signer()
        feed = try Samples.feed()
        list = VectorList(
            about: "Inputs of docs/FEED-FORMAT.md: what a reader finds in each file, or the name of its error.",
            keys: [:],
            authorities: try (1...3).map { try Samples.authority($0).verifier.text },
            threshold: 2,
            now: 1_605_000_000,
            vectors: []
        )
        for code in ["VN-01", "VN-02"] {
            list.keys[code] = ["1600000000 1700000000 \(try Samples.signer(code).verifier.text)"]
        }
    }

    mutating func write() throws {
        try writeBatches()
        try writeMalformedBatches()
        try writeMalformedKeys()
        try writeBluezone()
        try writeFrontiers()
        try writeCheckpoints()
        try writeRanges()
        try writeIndexes()
        try writeRosters()
        try writeRosterRegions()
        try writeForks()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (try encoder.encode(list) + Data("\n".utf8)).write(to: VectorList.folder.appending(path: "vectors.json"))
    }

    /// Writes one file; its content is what this module reads, its error the one given.
    mutating func add(
        _ file: String,
        _ about: String,
        _ bytes: [UInt8],
        error: FormatError.Code? = nil,
        range: FeedRange? = nil,
        frontier: String? = nil,
        settled: String? = nil
    ) throws {
        var vector = Vector(file: file, about: about)
        if ["checkpoint", "range"].contains(vector.form) {
            vector.region = feed.region.code
            vector.epoch = feed.epoch.description
        }
        vector.level = range?.level
        vector.index = range?.index
        vector.frontier = frontier
        vector.settled = settled
        let url = VectorList.folder.appending(path: file)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        if let error {
            vector.error = error.name
            #expect(throws: FormatError.with(error), "\(file)") { try vector.content(of: bytes, in: list) }
        } else {
            vector.content = try vector.content(of: bytes, in: list)
        }
        list.vectors.append(vector)
    }

    // MARK: Batches

    /// Fixed bytes that look random.
    private func data(_ number: UInt64) -> KeyData {
        var generator = SplitMix64(seed: number)
        return KeyData(high: generator.next(), low: generator.next())
    }

    private func batch(
        _ number: UInt64,
        _ keys: [DiagnosisKey],
        predecessors: [Epoch] = []
    ) throws -> [UInt8] {
        try Batch(number: number, publication: Samples.publication, keys: keys, predecessors: predecessors).bytes
    }

    private func manyGroups() throws -> [DiagnosisKey] {
        try (0..<60).map { number in
            DiagnosisKey(
                data: data(UInt64(number)),
                metadata: try Samples.metadata(
                    end: Samples.publication.advanced(by: -144 * Int64(number % 14)),
                    period: number % 5 == 0 ? 1 + number : 144,
                    type: number % 3 == 0 ? .clinical : .confirmed,
                    risk: number % 9,
                    onset: number % 4 == 0 ? nil : number % 29 - 14
                )
            )
        }
    }

    private func compressible() throws -> [DiagnosisKey] {
        try (0..<40).map { number in
            DiagnosisKey(
                data: KeyData(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718),
                metadata: try Samples.metadata(end: Samples.publication.advanced(by: -number))
            )
        }
    }

    private mutating func writeBatches() throws {
        let one = DiagnosisKey(data: data(1), metadata: try Samples.metadata(risk: 3, onset: -2))
        try add("batch/empty.bin", "no sections", try batch(300, []))
        try add("batch/one-key.bin", "one key", try batch(1, [one]))
        try add("batch/many-groups.bin", "60 keys in many groups", try batch(2, try manyGroups()))
        let equal = try [UInt64.max, 5, 4, 0].map {
            DiagnosisKey(data: KeyData(high: .max, low: $0), metadata: try Samples.metadata())
        }
        let extreme = try [UInt64(0), .max - 1].map {
            DiagnosisKey(data: KeyData(high: $0, low: 0), metadata: try Samples.metadata())
        }
        try add("batch/equal-high-halves.bin", "gaps of 0, smallest and largest", try batch(3, equal + extreme))
        try add("batch/compressed.bin", "keys in an LZ4 block", try batch(4, try compressible()))
        let epochs = [Epoch(Samples.epoch.value - 1), Epoch(7), Epoch(Samples.epoch.value - (5 << 40))]
        try add("batch/predecessors.bin", "three predecessors and a key", try batch(0, [one], predecessors: epochs))
        let unknown = [
            Samples.section(2, RawKeys().bytes), Samples.section(899, [1, 2, 3]),
            Samples.section(900, [4], encoding: 200),
        ]
        try add("batch/unknown-kinds.bin", "sections 899 and 900, not known yet", Samples.batch(sections: unknown))
        let edges = try [0, -2159].map {
            DiagnosisKey(data: data(2), metadata: try Samples.metadata(end: Samples.publication.advanced(by: $0)))
        }
        try add("batch/window.bin", "keys at both ends of the window", try batch(131_071, edges))
        try add(
            "batch/another-order.bin",
            "lists under another k than the shortest",
            Samples.batch(sections: [
                Samples.section(2, RawKeys.twoGroups.bytes)
            ])
        )
    }

    private mutating func writeMalformedBatches() throws {
        let good = try batch(0, [])
        let keys = Samples.section(2, RawKeys().bytes)
        let zeros = try #require(LZ4Block.compress([UInt8](repeating: 0, count: 1000)))
        let bodies: [(String, String, [UInt8], FormatError.Code)] = [
            ("mark", "KTB2", Array("KTB2".utf8) + good[4...], .unknownFormat),
            ("preamble", "six bytes", Array(good[..<6]), .truncated),
            ("length", "longer than the file", Array(good.dropLast()), .lyingLength),
            ("huge", "length of 2^23", Array("KTB1".utf8) + [0, 0x80, 0, 0], .limitExceeded),
            ("trailing", "a byte after the batch", good + [0], .trailingBytes),
            ("body-trailing", "a byte after the sections", Samples.batch(body: good[8...] + [0]), .trailingBytes),
            ("number", "number 131072", Samples.batch(number: 131_072, sections: []), .limitExceeded),
            ("varint", "number 0 in two bytes", Samples.batch(body: good[8..<12] + [0x80, 0, 0]), .notCanonical),
            (
                "varint-64", "number of 65 bits",
                Samples.batch(
                    body: good[8..<12] + [UInt8](repeating: 0xff, count: 9) + [2, 0]
                ), .outOfRange
            ),
            ("sections", "65 sections", Samples.batch(body: good[8..<13] + [65]), .limitExceeded),
            ("kind", "kind 0", Samples.batch(sections: [Samples.section(0, [])]), .outOfRange),
            (
                "kinds", "kind 3 twice", Samples.batch(sections: [Samples.section(3, []), Samples.section(3, [])]),
                .notAscending
            ),
            ("section-length", "a byte more than there is", Samples.batch(sections: [keys.dropLast()]), .lyingLength),
            (
                "not-smaller", "3 bytes compressed to 3",
                Samples.batch(
                    sections: [Samples.compressedSection(3, [1, 2, 3], size: 3)]), .notCanonical
            ),
            (
                "bomb", "a byte more than 8 MiB",
                Samples.batch(
                    sections: [Samples.compressedSection(2, zeros, size: 8 << 20 + 1)]), .limitExceeded
            ),
            (
                "too-small", "1000 bytes that claim to be 999",
                Samples.batch(
                    sections: [Samples.compressedSection(2, zeros, size: 999)]), .decompression
            ),
            (
                "too-large", "1000 bytes that claim to be 8 MiB",
                Samples.batch(
                    sections: [Samples.compressedSection(2, zeros, size: 8 << 20)]), .decompression
            ),
            (
                "offset", "a match before the first byte",
                Samples.batch(
                    sections: [Samples.compressedSection(2, [0x10, 7, 2, 0, 0], size: 40)]), .decompression
            ),
            (
                "encoding", "keys under encoding 2",
                Samples.batch(
                    sections: [Samples.section(2, RawKeys().bytes, encoding: 2)]), .unknownFormat
            ),
            (
                "predecessors-length", "9 bytes of them",
                Samples.batch(
                    sections: [Samples.section(1, [UInt8](repeating: 0, count: 9))]), .lyingLength
            ),
            (
                "predecessors-order", "one twice",
                Samples.batch(
                    sections: [Samples.section(1, [UInt8](repeating: 0, count: 16))]), .notAscending
            ),
            (
                "predecessors-place", "in batch 1",
                Samples.batch(
                    number: 1,
                    sections: [Samples.section(1, [UInt8](repeating: 0, count: 8))]
                ), .wrongPosition
            ),
        ]
        for (name, about, bytes, code) in bodies {
            try add("batch/bad-\(name).bin", about, bytes, error: code)
        }
    }

    private mutating func writeMalformedKeys() throws {
        let one: [(String, String, FormatError.Code, (inout RawKeys) -> Void)] = [
            ("no-groups", "a section without groups", .lyingLength, { $0.groupCount = 0 }),
            ("groups", "65537 groups", .limitExceeded, { $0.groupCount = 65_537 }),
            ("groups-lie", "60 groups in the bytes of one", .lyingLength, { $0.groupCount = 60 }),
            ("keys-lie", "100 keys in the bytes of one", .lyingLength, { $0.counts = [99] }),
            ("keys", "262145 keys", .limitExceeded, { $0.counts = [262_144] }),
            ("report-type", "report type 6", .outOfRange, { $0.reportType.first = 6 }),
            ("rolling-period", "rolling period 145", .outOfRange, { $0.rollingPeriod.first = 145 }),
            ("risk", "transmission risk 9", .outOfRange, { $0.transmissionRisk.first = 9 }),
            ("onset", "days since onset 8191", .outOfRange, { $0.daysSinceOnset.first = 16_382 }),
            ("end", "an end of more than 32 bits", .outOfRange, { $0.rollingStart.first = 0xffff_ff80 }),
            ("early", "a key 15 days old", .keyOutsideWindow, { $0.rollingStart.first -= 2160 }),
            ("late", "a key that ends after publication", .keyOutsideWindow, { $0.rollingStart.first += 1 }),
            ("dictionary", "two values for one group", .lyingLength, { $0.rollingPeriod.claimed = 1 }),
            ("table-padding", "padding of the table set", .notCanonical, { $0.tablePadding = 1 }),
            ("key-padding", "padding of the high halves set", .notCanonical, { $0.highPadding = 1 }),
            ("key-trailing", "a byte after the keys", .trailingBytes, { $0.trailing = [0] }),
            ("high-halves", "no high halves", .truncated, { $0.highs = [] }),
            ("unary", "a quotient of 2 where 1 is the most", .outOfRange, { $0.highs = [(1 << 63, 62)] }),
        ]
        let two: [(String, String, FormatError.Code, (inout RawKeys) -> Void)] = [
            ("group-order", "groups that fall", .notAscending, { $0.reportType.steps = [1, 1] }),
            ("group-twice", "two groups alike", .notAscending, { $0.reportType.steps = [1, 0] }),
            ("step", "a step as large as the dictionary", .outOfRange, { $0.reportType.steps = [0, 2] }),
            ("value", "a report type of more than 3 bits", .outOfRange, { $0.reportType.gaps = [7] }),
            ("key-order", "keys that fall", .notAscending, { $0.makeOneGroup(lows: [7, 6], highs: [5, 0]) }),
            ("key-twice", "a key twice", .notAscending, { $0.makeOneGroup(lows: [7, 7], highs: [5, 0]) }),
            ("overflow", "a high half of 65 bits", .outOfRange, { $0.makeOneGroup(lows: [7, 8], highs: [.max, 1]) }),
        ]
        for (name, about, code, change) in one + two {
            var raw = two.contains { $0.0 == name } ? RawKeys.twoGroups : RawKeys()
            change(&raw)
            let bytes = Samples.batch(sections: [Samples.section(2, raw.bytes)])
            try add("batch/bad-\(name).bin", about, bytes, error: code)
        }
    }

    // MARK: Trees and what is signed about them

    private mutating func writeFrontiers() throws {
        let leaves = (0..<7).map { Hash256(leaf: [UInt8($0)]) }
        try add("frontier/0.bin", "of no batches", Frontier().bytes)
        try add("frontier/7.bin", "over the leaves 00 to 06", Frontier(leaves: leaves).bytes)
        let four = try Samples.batches(4).map(\.leafHash)
        try add("frontier/4.bin", "where range/1-of-4.bin begins", Frontier(leaves: four).bytes)
        let bytes = Frontier(leaves: leaves).bytes
        try add("frontier/bad-short.bin", "half a hash", Array(bytes.dropLast(16)), error: .truncated)
        try add("frontier/bad-long.bin", "four hashes for three", bytes + bytes.suffix(32), error: .trailingBytes)
        let size = [UInt8]([0, 0, 0, 0, 0, 4, 0, 0]) + bytes.suffix(32)
        try add("frontier/bad-size.bin", "of 2^18 batches", size, error: .limitExceeded)
    }

    /// Any text as a note of VN-01, or of another signer.
    private func note(_ text: String, by other: NoteSigner? = nil, time: Int64 = Samples.time) throws -> [UInt8] {
        SignedNote.bytes(text: text, signatures: [try (other ?? signer).sign(text, time: time)])
    }

    private mutating func writeCheckpoints() throws {
        let root = Hash256(hashing: [1, 2, 3])
        let text = Checkpoint(region: feed.region, epoch: feed.epoch, size: 42, root: root).text
        let good = try note(text)
        let witness = try Samples.signer("VN-02")
        let two = [try witness.sign(text, time: 1), try signer.sign(text, time: Samples.time)]
        try add("checkpoint/42.bin", "of size 42", good)
        try add("checkpoint/witnessed.bin", "signed by another too", SignedNote.bytes(text: text, signatures: two))
        let altered = String(decoding: good, as: UTF8.self).replacing("\n42\n", with: "\n43\n")
        let cases: [(String, String, [UInt8], FormatError.Code)] = [
            ("altered", "another size", Array(altered.utf8), .wrongSignature),
            ("signer", "signed by VN-02", try note(text, by: witness), .missingSignature),
            ("early", "signed before the key was valid", try note(text, time: 1_599_999_999), .missingSignature),
            ("late", "signed when the key was closed", try note(text, time: 1_700_000_000), .missingSignature),
            ("epoch", "of another epoch", try note(text.replacing("020304\n", with: "020305\n")), .wrongPosition),
            ("size", "a leading zero", try note(text.replacing("\n42\n", with: "\n042\n")), .malformedNote),
            ("size-0", "of no batches", try note(text.replacing("\n42\n", with: "\n0\n")), .malformedNote),
            ("root", "unused bits of base64 set", try note(text.replacing("4E=\n", with: "4F=\n")), .malformedNote),
            ("line", "a fourth line", try note(text + "more\n"), .malformedNote),
            ("unsigned", "no signature line", Array(text.utf8) + [0x0a], .malformedNote),
            ("newline", "the last newline missing", good.dropLast(), .malformedNote),
            ("return", "a carriage return", try note(text.replacing("\n42\n", with: "\r\n42\n")), .malformedNote),
            ("utf8", "not UTF-8", [0xff] + good, .malformedNote),
            ("large", "1025 bytes", good + [UInt8](repeating: 0x20, count: 1025 - good.count), .limitExceeded),
        ]
        for (name, about, bytes, code) in cases {
            try add("checkpoint/bad-\(name).bin", about, bytes, error: code)
        }
    }

    private mutating func writeRanges() throws {
        let batches = try Samples.batches(8)
        let first = try #require(FeedRange(level: 2, index: 0))
        let second = try #require(FeedRange(level: 2, index: 1))
        let note = try Samples.checkpoint(Array(batches[..<4])).bytes
        let body = batches[..<4].flatMap(\.bytes)
        try add("range/0-of-4.bin", "batches 0 to 3", body + note, range: first)
        let rest = batches[4...].flatMap(\.bytes) + (try Samples.checkpoint(batches).bytes)
        try add("range/1-of-4.bin", "batches 4 to 7", rest, range: second, frontier: "frontier/4.bin")
        var altered = body + note
        altered[body.count - 1] ^= 1
        let otherEpoch = try Samples.checkpoint(Array(batches[..<4]), epoch: Epoch(1)).bytes
        let misnumbered = Array(batches[..<3]) + [batches[4]]
        let cases: [(String, String, [UInt8], FormatError.Code)] = [
            ("altered", "the last byte of a batch altered", altered, .rootMismatch),
            ("swapped", "batches 2 and 1", [0, 2, 1, 3].flatMap { batches[$0].bytes } + note, .rootMismatch),
            ("epoch", "the checkpoint of another epoch", body + otherEpoch, .wrongPosition),
            ("size", "the checkpoint of 8", body + (try Samples.checkpoint(batches).bytes), .wrongPosition),
            (
                "number", "signed, but batch 4 stands at 3",
                misnumbered.flatMap(\.bytes)
                    + (try Samples.checkpoint(misnumbered).bytes), .wrongPosition
            ),
            ("short", "three batches", batches[..<3].flatMap(\.bytes), .truncated),
            ("cut", "the fourth cut", Array(body.dropLast(3)), .lyingLength),
            ("long", "1025 bytes after the batches", body + [UInt8](repeating: 0x20, count: 1025), .trailingBytes),
            ("unsigned", "no checkpoint", body, .malformedNote),
        ]
        for (name, about, bytes, code) in cases {
            try add("range/bad-\(name).bin", about, bytes, error: code, range: first)
        }
    }

    private func entry(_ code: String, first: UInt64 = 0, count: UInt64) throws -> IndexEntry {
        let root = Hash256(hashing: Array(code.utf8)[...])
        return try #require(IndexEntry(feed: try Samples.feed(code), first: first, count: count, root: root))
    }

    private mutating func writeIndexes() throws {
        let settled = IndexPart([try entry("DE", count: 1), try entry("VN-03", first: 200, count: 300)])
        let fresh = IndexPart([try entry("VN-01", count: 131_072), try entry("VN-02-001", first: 5, count: 5)])
        let node = feed.region
        let good = try FeedIndex(node: node, time: Samples.time, fresh: fresh, settled: settled, signer: signer)
        let empty = try FeedIndex(node: node, time: 1_600_000_000, fresh: fresh, settled: IndexPart([]), signer: signer)
        try add("settled/two.bin", "two feeds", settled.bytes)
        try add("settled/none.bin", "no feeds", [])
        try add("index/settled.bin", "two feeds and two settled ones", good.bytes, settled: "settled/two.bin")
        try add("index/fresh.bin", "two feeds, none settled", empty.bytes, settled: "settled/none.bin")
        var altered = good.bytes
        altered[altered.count - 1] ^= 1
        let text = "keytide/VN-01/index\n4\n"
        let list = Array(good.bytes.suffix(fresh.bytes.count + 36))
        let swapped = Array(list[..<36] + fresh.bytes.suffix(36) + fresh.bytes.dropLast(36))
        let stranger = try Samples.signer("VN-09")
        let cases: [(String, String, [UInt8], FormatError.Code)] = [
            ("altered", "the last byte altered", altered, .rootMismatch),
            ("mark", "KTI2", Array("KTI2".utf8) + good.bytes[4...], .unknownFormat),
            ("cut", "an entry cut", Array(good.bytes.dropLast()), .truncated),
            ("order", "entries that fall", try index(text, swapped), .notAscending),
            (
                "signer", "signed by a region without keys", try index("keytide/VN-09/index\n4\n", list, by: stranger),
                .missingSignature
            ),
            (
                "origin", "the note of a checkpoint", try index("keytide/VN-01/5f8a0b1c01020304\n4\n", list),
                .missingSignature
            ),
            ("count", "the number of entries", try index("keytide/VN-01/index\n5\n", list), .rootMismatch),
        ]
        for (name, about, bytes, code) in cases {
            try add("index/bad-\(name).bin", about, bytes, error: code, settled: "settled/two.bin")
        }
        let other = "the settled part of another"
        try add("index/bad-settled.bin", other, good.bytes, error: .rootMismatch, settled: "settled/none.bin")
        let bytes = settled.bytes
        try add("settled/bad-cut.bin", "an entry cut", bytes.dropLast(), error: .truncated)
        try add("settled/bad-twice.bin", "a feed twice", bytes + bytes.suffix(34), error: .notAscending)
        try add(
            "settled/bad-first.bin",
            "first after count",
            bytes.dropLast(20) + [0xad, 0x02] + bytes.suffix(18),
            error: .outOfRange
        )
        try add("settled/bad-region.bin", "region de", [2, 0x64, 0x65] + bytes[3...], error: .outOfRange)
    }

    /// An index around a list, whose note begins with `head`.
    private func index(_ head: String, _ list: [UInt8], by other: NoteSigner? = nil) throws -> [UInt8] {
        let note = try note(head + Base64.encode(Hash256(hashing: list[...]).bytes) + "\n", by: other)
        var bytes = Array("KTI1".utf8)
        bytes.append(varint: UInt64(note.count))
        return bytes + note + list
    }

    private mutating func writeRosters() throws {
        let roster = try RosterTests.roster()
        let authorities = try (1...3).map { try Samples.authority($0) }
        let text = roster.text
        try add(
            "roster/2-of-3.bin",
            "signed by authorities 1 and 3",
            try roster.signed(by: [authorities[0], authorities[2]])
        )
        let second = try RosterTests.roster(version: 2)
        try add("roster/version-2.bin", "names version 1", try second.signed(by: authorities))
        let signed = { (text: String) in
            SignedNote.bytes(text: text, signatures: try authorities.map { try $0.sign(text, time: 0) })
        }
        let wrong =
            [try authorities[0].sign(second.text, time: 0)]
            + (try authorities.dropFirst().map { try $0.sign(text, time: 0) })
        let key = try Samples.signer("VN-01").verifier.text
        let cases: [(String, String, [UInt8], FormatError.Code)] = [
            (
                "one", "signed by one authority twice", try roster.signed(by: [authorities[0], authorities[0]]),
                .missingSignature
            ),
            (
                "wrong", "one signature of another text", SignedNote.bytes(text: text, signatures: wrong),
                .wrongSignature
            ),
            ("expired", "expired", try RosterTests.roster(expires: 1_605_000_000).signed(by: authorities), .expired),
            ("first-line", "another first line", try signed("keytide/list\n" + text), .unknownFormat),
            ("version", "version 01", try signed(text.replacing("version 1", with: "version 01")), .malformedNote),
            (
                "previous", "version 2 without one", try signed(text.replacing("version 1", with: "version 2")),
                .malformedNote
            ),
            (
                "order", "regions that fall", try signed(text.replacing("region VN-01", with: "region VN-03")),
                .malformedNote
            ),
            (
                "no-key", "a region without keys",
                try signed(text.replacing("key 1600000000 1700000000 \(key)\n", with: "")),
                .malformedNote
            ),
            (
                "key-id", "a key under another id",
                try signed(text.replacing(key, with: key.replacing("+", with: "+0"))),
                .malformedNote
            ),
            (
                "validity", "a key that ends before it begins",
                try signed(
                    text.replacing("key 1600000000 1700000000", with: "key 1700000000 1600000000")
                ), .malformedNote
            ),
            ("unknown", "an unknown line", try signed(text + "colour blue\n"), .malformedNote),
            ("blank", "an empty line", try signed(text.replacing("issued", with: "\nissued")), .notCanonical),
            (
                "plus", "a plus sign", try signed(text.replacing("key 1600000000", with: "key +1600000000")),
                .notCanonical
            ),
        ]
        for (name, about, bytes, code) in cases {
            try add("roster/bad-\(name).bin", about, bytes, error: code)
        }
    }
}
