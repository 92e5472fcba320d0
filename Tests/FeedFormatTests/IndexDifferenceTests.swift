import ExposureKeys
import FeedFormat
import TestSupport
import Testing

struct IndexDifferenceTests {
    private let signers: [String: NoteSigner]
    private let ours: FeedIndex
    private let theirs: FeedIndex
    private let difference: IndexDifference

    init() throws {
        let signers = ["VN-01": try Samples.signer("VN-01"), "VN-02": try Samples.signer("VN-02", seed: 2)]
        self.signers = signers
        ours = try IndexDifferenceTests.index("VN-01", try (1..<6).map { try IndexDifferenceTests.entry($0) }, signers)
        // One feed is missing, one has grown, two are new; one is as here.
        let entries = [0, 1, 2, 4, 5, 9].map { ($0, $0 == 4 ? 8 : 7) }
        theirs = try IndexDifferenceTests.index(
            "VN-02",
            try entries.map { try IndexDifferenceTests.entry($0.0, count: UInt64($0.1)) },
            signers,
            settled: [try IndexDifferenceTests.entry(20)]
        )
        difference = IndexDifference(of: theirs, from: ours)
    }

    private static func entry(_ number: Int, count: UInt64 = 7, root: UInt8 = 1) throws -> IndexEntry {
        let code = number < 10 ? "VN-0\(number)" : "VN-\(number)"
        let feed = try Samples.feed(code)
        return try #require(IndexEntry(feed: feed, first: 3, count: count, root: Hash256(hashing: [root])))
    }

    private static func index(
        _ node: String,
        _ fresh: [IndexEntry],
        _ signers: [String: NoteSigner],
        settled: [IndexEntry] = []
    ) throws -> FeedIndex {
        try FeedIndex(
            node: try Samples.region(node),
            time: Samples.time,
            fresh: IndexPart(fresh),
            settled: IndexPart(settled),
            signer: try #require(signers[node])
        )
    }

    private func apply(_ bytes: [UInt8], to index: FeedIndex? = nil) throws -> FeedIndex {
        try IndexDifference(bytes: bytes[...]).applied(to: index ?? ours) { region in
            signers[region.code].map { Samples.rosterKeys($0) }
        }
    }

    @Test func roundTrip() throws {
        let read = try apply(difference.bytes)
        #expect(read.bytes == theirs.bytes)
        #expect(read.node.code == "VN-02")
        #expect(try IndexDifference(bytes: difference.bytes[...]).bytes == difference.bytes)
        // One feed of 14 bytes leaves, three entries of 32 come.
        let same = IndexDifference(of: theirs, from: theirs)
        #expect(difference.bytes.count == same.bytes.count + 14 + 3 * 32)
        #expect(try apply(same.bytes, to: theirs).bytes == theirs.bytes)
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func anyTwoIndexes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        func entries() throws -> [IndexEntry] {
            try (0..<Int.random(in: 0...70, using: &random)).compactMap { number in
                if Bool.random(using: &random) { return nil }
                return try Self.entry(
                    number,
                    count: UInt64.random(in: 3...4, using: &random),
                    root: UInt8.random(in: 0...1, using: &random)
                )
            }
        }
        let left = try Self.index("VN-01", try entries(), signers, settled: [try Self.entry(80)])
        let right = try Self.index("VN-02", try entries(), signers)
        for (from, to) in [(left, right), (right, left), (left, left)] {
            let difference = IndexDifference(of: to, from: from)
            #expect(try apply(difference.bytes, to: from).bytes == to.bytes)
        }
    }

    @Test func sizeWhereBothHoldTheSame63Regions() throws {
        let entries = try (1..<64).map { try Self.entry($0, count: 131_072) }
        let left = try Self.index("VN-01", entries, signers)
        let right = try Self.index("VN-02", entries, signers)
        let bytes = IndexDifference(of: right, from: left).bytes
        #expect(bytes.count < 400, "\(bytes.count)")
        #expect(try apply(bytes, to: left).bytes == right.bytes)
    }

    @Test func anotherIndexThanTheOneNamed() throws {
        #expect(throws: FormatError.with(.wrongPosition)) { try apply(difference.bytes, to: theirs) }
        let later = try Self.index("VN-01", ours.fresh.entries + [try Self.entry(50)], signers)
        #expect(throws: FormatError.with(.wrongPosition)) { try apply(difference.bytes, to: later) }
    }

    @Test func everyAlteredOrMissingByteIsRefused() throws {
        let bytes = difference.bytes
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1 << UInt8(position % 8)
            #expect(throws: FormatError.self) { try apply(altered) }
            #expect(throws: FormatError.self) { try apply(Array(bytes[..<position])) }
        }
        #expect(throws: FormatError.self) { try apply(bytes + [0]) }
    }

    @Test func aSignatureMustBeThere() throws {
        let read = try IndexDifference(bytes: difference.bytes[...])
        #expect(throws: FormatError.with(.missingSignature)) { try read.applied(to: ours) { _ in nil } }
        let other = Samples.rosterKeys(try Samples.signer("VN-01"))
        #expect(throws: FormatError.with(.missingSignature)) { try read.applied(to: ours) { _ in other } }
    }

    /// A difference from `ours` with lists of one's own. The note is short, for it is read last.
    private func forged(
        magic: String = "KTD1",
        note: [UInt8] = [],
        settled: UInt32 = 0,
        count: UInt64? = nil,
        removed: [Int] = [],
        changed: [IndexEntry] = []
    ) throws -> [UInt8] {
        var bytes = Array(magic.utf8) + Hash256(hashing: ours.bytes[...]).bytes.prefix(8)
        bytes.append(varint: UInt64(note.count))
        bytes += note + IndexPart([]).hash.bytes
        bytes.append(bigEndian: settled)
        bytes.append(varint: count ?? UInt64(removed.count))
        for number in removed {
            let feed = try Self.entry(number).feed
            bytes += [UInt8(feed.region.code.utf8.count)] + Array(feed.region.code.utf8)
            bytes.append(bigEndian: feed.epoch.value)
        }
        for entry in changed { bytes += IndexPart([entry]).bytes }
        return bytes
    }

    private func code(_ bytes: [UInt8]) -> FormatError.Code? {
        #expect(throws: FormatError.self) { try apply(bytes) }?.code
    }

    @Test func malformedDifferencesAreNamed() throws {
        // All that is right about these is refused for the missing note alone.
        #expect(try code(forged(removed: [1, 2], changed: [try Self.entry(3, count: 9)])) == .malformedNote)
        #expect(code([]) == .truncated)
        #expect(try code(forged(magic: "KTI1")) == .unknownFormat)
        #expect(try code(forged(note: [UInt8](repeating: 0x20, count: 1025))) == .limitExceeded)
        #expect(try code(forged(settled: UInt32(FormatLimits.feedsPerIndex + 1))) == .limitExceeded)
        #expect(try code(forged(count: UInt64(FormatLimits.feedsPerIndex + 1))) == .limitExceeded)
        #expect(try code(forged(count: 1)) == .lyingLength)
        #expect(try code(forged(removed: [2, 1])) == .notAscending)
        #expect(try code(forged(removed: [2, 2])) == .notAscending)
        #expect(try code(forged(changed: [try Self.entry(9), try Self.entry(8)])) == .notAscending)
        #expect(try code(forged(removed: [0])) == .notCanonical)
        #expect(try code(forged(removed: [6])) == .notCanonical)
        #expect(try code(forged(changed: [try Self.entry(2)])) == .notCanonical)
        #expect(try code(forged(removed: [2], changed: [try Self.entry(2, count: 9)])) == .notCanonical)
        #expect(code([UInt8](repeating: 0, count: FormatLimits.differenceBytes + 1)) == .limitExceeded)
    }

    /// Altered ones are refused with a `FormatError`, by whatever part; what is read says what its bytes say.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func mutations(seed: UInt64) throws {
        var mutator = Mutator(seed: 200 + seed)
        let other = IndexDifference(of: ours, from: theirs).bytes
        var readable = 0
        for _ in 0..<3000 {
            let bytes = mutator.mutate(difference.bytes, with: other)
            do {
                let read = try IndexDifference(bytes: bytes[...])
                #expect(read.bytes == bytes)
                readable += 1
                let index = try apply(bytes)
                #expect(index.bytes == theirs.bytes)
            } catch is FormatError {}
        }
        #expect(readable > 0)
    }
}
