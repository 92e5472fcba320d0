import ExposureKeys
import FeedFormat
import Testing

extension VectorWriter {
    /// Proofs of forks, and what proves none.
    mutating func writeForks() throws {
        let samples = ForkSamples(shared: 2, one: 3, other: 9)
        let (older, newer) = (try ForkSamples.signed(samples.one), try ForkSamples.signed(samples.other))
        let equal = try samples.proof(5, 5).bytes
        let unequal = try samples.proof(5, 11)
        try add("fork/equal.bin", "two roots over 5 batches", equal)
        try add("fork/unequal.bin", "5 and 11 batches", unequal.bytes)
        try add("fork/power.bin", "4 and 8 batches: the other root begins the path", try samples.proof(4, 8).bytes)
        try add("fork/next.bin", "3 and 4 batches", try samples.proof(3, 4).bytes)
        let beginning = try #require(unequal.beginning)
        let hashes = [beginning.root] + beginning.path.hashes
        let continued = Frontier(leaves: samples.other.prefix(5)).root
        let honest = try ForkSamples.signed(samples.other.prefix(5))
        var altered = unequal.bytes
        altered[altered.count - 1] ^= 1
        let stranger = try ForkSamples.signed(samples.other, by: try Samples.signer(seed: 9))
        let elsewhere = try ForkSamples.signed(samples.other, epoch: .init(1))
        var unlisted = unequal.bytes
        unlisted[9] = UInt8(ascii: "9")
        let filler = [Hash256](repeating: continued, count: 15)
        func bytes(_ one: SignedCheckpoint, _ two: SignedCheckpoint, _ hashes: [Hash256]) throws -> [UInt8] {
            try ForkSamples.bytes(one.bytes, two.bytes, hashes)
        }
        let cases: [(String, String, [UInt8], FormatError.Code)] = [
            ("mark", "another mark", Array("KTF2".utf8) + unequal.bytes.dropFirst(4), .unknownFormat),
            ("cut", "half a hash at the end", Array(unequal.bytes.dropLast(16)), .truncated),
            ("trailing", "a byte after equal sizes", equal + [0], .trailingBytes),
            ("large", "4097 bytes", equal + [UInt8](repeating: 0, count: 4097 - equal.count), .limitExceeded),
            ("unlisted", "of a region that the roster lacks", unlisted, .missingSignature),
            ("signer", "one signed by a stranger", try bytes(older, stranger, hashes), .missingSignature),
            ("epoch", "two epochs", try bytes(older, elsewhere, hashes), .wrongPosition),
            ("same", "the same checkpoint twice", try bytes(older, older, []), .noContradiction),
            ("order", "the larger one first", try bytes(newer, older, []), .noContradiction),
            ("honest", "one history", try bytes(honest, newer, [continued] + hashes.dropFirst()), .noContradiction),
            ("altered", "the last hash altered", altered, .rootMismatch),
            ("short", "a hash missing", try bytes(older, newer, Array(hashes.dropLast())), .rootMismatch),
            ("long", "a hash too many", try bytes(older, newer, hashes + [continued]), .rootMismatch),
            ("hashes", "more hashes than any path has", try bytes(older, newer, hashes + filler), .limitExceeded),
        ]
        for (name, about, bytes, code) in cases { try add("fork/bad-\(name).bin", about, bytes, error: code) }
        // Of equal sizes the greater root first.
        let small = try samples.proof(5, 5)
        try add(
            "fork/bad-swapped.bin",
            "equal sizes in the wrong order",
            try bytes(small.newer, small.older, []),
            error: .noContradiction
        )
    }
}

extension JSON {
    init(fork: ForkProof) {
        self = [
            "feed": .string(fork.feed.description),
            "older": JSON(checkpoint: fork.older),
            "newer": JSON(checkpoint: fork.newer),
            "other": fork.beginning.map { .string($0.root.hexadecimal) } ?? .null,
            "path": .list((fork.beginning?.path.hashes ?? []).map { .string($0.hexadecimal) }),
        ]
    }
}
