import ExposureKeys
import FeedFormat
import Testing

struct FeedTailTests {
    private let batches: [Batch]
    private let keys: [RosterRegion.Key]
    private let feed: FeedID

    init() throws {
        batches = try Samples.batches(9)
        keys = Samples.rosterKeys(try Samples.signer())
        feed = try Samples.feed()
    }

    private func slices(_ range: Range<Int>) -> [ArraySlice<UInt8>] { batches[range].map { $0.bytes[...] } }

    private func checkpoint(_ count: Int) throws -> ArraySlice<UInt8> {
        try Samples.checkpoint(Array(batches.prefix(count))).bytes[...]
    }

    /// Expects `append` to fail with a code and to change nothing.
    private func refuse(
        _ tail: FeedTail,
        _ code: FormatError.Code,
        _ batches: [ArraySlice<UInt8>],
        _ checkpoint: ArraySlice<UInt8>,
        keys: [RosterRegion.Key]? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var changed = tail
        #expect(throws: FormatError.with(code), sourceLocation: sourceLocation) {
            try changed.append(batches, checkpoint: checkpoint, keys: keys ?? self.keys)
        }
        #expect(changed == tail, sourceLocation: sourceLocation)
    }

    /// The tail after the first `count` batches.
    private func tail(_ count: Int) -> FeedTail {
        FeedTail(feed: feed, frontier: Frontier(leaves: batches.prefix(count).map(\.leafHash)))
    }

    @Test func takesBatchesInAnyPortions() throws {
        for first in 1...8 {
            var tail = FeedTail(feed: feed)
            let verified = try tail.append(slices(0..<first), checkpoint: try checkpoint(first), keys: keys)
            #expect(verified.batches.map(\.number) == (0..<UInt64(first)).map { $0 })
            #expect(verified.leaves == batches[..<first].map(\.leafHash))
            #expect(verified.checkpoint.checkpoint.size == UInt64(first))
            #expect(tail == self.tail(first))
            _ = try tail.append(slices(first..<9), checkpoint: try checkpoint(9), keys: keys)
            #expect(tail.next == 9)
            #expect(tail.frontier.root == Frontier(leaves: batches.map(\.leafHash)).root)
        }
    }

    @Test func refusesSkipsAndRepeats() throws {
        let tail = tail(3)
        refuse(tail, .wrongPosition, slices(4..<6), try checkpoint(6))
        refuse(tail, .wrongPosition, slices(2..<6), try checkpoint(6))
        refuse(tail, .wrongPosition, slices(3..<6), try checkpoint(5))
        refuse(tail, .wrongPosition, slices(3..<6), try checkpoint(7))
        refuse(tail, .rootMismatch, slices(3..<5) + slices(4..<5), try checkpoint(6))
        refuse(tail, .rootMismatch, [slices(4..<5)[0], slices(3..<4)[0]], try checkpoint(5))
        refuse(tail, .wrongPosition, [], try checkpoint(5))
        refuse(FeedTail(feed: feed), .wrongPosition, [], try checkpoint(1))
    }

    @Test func refusesEveryAlteredByte() throws {
        let bytes = batches[4].bytes
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1 << UInt8(position % 8)
            refuse(tail(4), .rootMismatch, [altered[...]], try checkpoint(5))
        }
    }

    @Test func refusesAWrongFrontier() throws {
        var hashes = tail(3).frontier.hashes
        hashes[0] = Hash256(hashing: [])
        let frontier = try #require(Frontier(size: 3, hashes: hashes))
        refuse(FeedTail(feed: feed, frontier: frontier), .rootMismatch, slices(3..<5), try checkpoint(5))
    }

    @Test func refusesCheckpointsOfOtherFeeds() throws {
        let first = Array(batches.prefix(2))
        let otherEpoch = try Samples.checkpoint(first, epoch: Epoch(Samples.epoch.value + 1))
        refuse(FeedTail(feed: feed), .wrongPosition, slices(0..<2), otherEpoch.bytes[...])
        let other = try Samples.checkpoint(first, code: "VN-02")
        refuse(FeedTail(feed: feed), .wrongPosition, slices(0..<2), other.bytes[...])
        // Even with that region's keys at hand; and another region cannot speak for this one.
        let otherKeys = Samples.rosterKeys(try Samples.signer("VN-02"))
        refuse(FeedTail(feed: feed), .wrongPosition, slices(0..<2), other.bytes[...], keys: otherKeys)
        refuse(FeedTail(feed: feed), .missingSignature, slices(0..<2), try checkpoint(2), keys: otherKeys)
        refuse(FeedTail(feed: feed), .missingSignature, slices(0..<2), try checkpoint(2), keys: [])
    }

    @Test func refusesSignedNonsense() throws {
        let strange: [ArraySlice<UInt8>] = [[1, 2, 3]]
        let root = Frontier(leaves: [Hash256(leaf: strange[0])]).root
        let signer = try Samples.signer()
        let note = try Checkpoint(region: feed.region, epoch: feed.epoch, size: 1, root: root)
            .signed(by: signer, time: Samples.time)
        refuse(FeedTail(feed: feed), .truncated, strange, note.bytes[...])

        let misnumbered = try Batch(number: 1, publication: Samples.publication, keys: [])
        let signed = try Samples.checkpoint([misnumbered])
        refuse(FeedTail(feed: feed), .wrongPosition, [misnumbered.bytes[...]], signed.bytes[...])
    }
}
