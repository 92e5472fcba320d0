import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

@Suite struct LinkFrameTests {
    private let region: Region
    private let feed: FeedID

    init() throws {
        region = try #require(Region("VN-01"))
        feed = FeedID(region: region, epoch: Epoch(0x0102_0304_0506_0708))
    }

    private func read(_ bytes: [UInt8]) throws(FormatError) -> LinkFrame? {
        var decoder = LinkFrameDecoder()
        decoder.append(bytes)
        return try decoder.next()
    }

    /// A frame with its length in front.
    private func frame(_ type: UInt8, _ payload: [UInt8], flags: UInt8 = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(payload.count + 2))
        return bytes + [type, flags] + payload
    }

    private func code(_ bytes: [UInt8]) -> FormatError.Code? {
        do throws(FormatError) {
            _ = try read(bytes)
            return nil
        } catch {
            return error.code
        }
    }

    private var regionBytes: [UInt8] { [5] + Array("VN-01".utf8) }
    private var feedBytes: [UInt8] { regionBytes + [1, 2, 3, 4, 5, 6, 7, 8] }

    private func samples() throws -> [LinkFrame] {
        var random = SplitMix64(seed: 5)
        let noise = (0..<3000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let adverts = try (0..<200).map { number in
            let feed = FeedID(region: region, epoch: Epoch(UInt64(number)))
            return try #require(Advert(feed: feed, first: UInt64(number), count: UInt64(number * 600)))
        }
        let entries = adverts.compactMap {
            IndexEntry(feed: $0.feed, first: $0.first, count: $0.count, root: Hash256(hashing: noise[...]))
        }
        return [
            .hello(LinkFrame.Hello(region: region)),
            .hello(LinkFrame.Hello(version: 255, region: region, features: .max)),
            .adverts([]), .adverts(Array(adverts.prefix(1))), .adverts(adverts),
            .subscribe(region), .unsubscribe(region),
            .batch(LinkFrame.PushedBatch(feed: feed, bytes: [], checkpoint: [])),
            .batch(LinkFrame.PushedBatch(feed: feed, bytes: noise, checkpoint: Array(noise.prefix(1024)))),
            .batch(LinkFrame.PushedBatch(feed: feed, bytes: [UInt8](repeating: 7, count: 90_000), checkpoint: [9])),
            .relayedIndex(LinkFrame.RelayedIndex(isDifference: true, bytes: noise, settled: nil)),
            .relayedIndex(LinkFrame.RelayedIndex(isDifference: false, bytes: [], settled: [])),
            .relayedIndex(LinkFrame.RelayedIndex(isDifference: false, bytes: [1], settled: noise)),
            .index(index: [], settled: []), .index(index: noise, settled: Array(noise.prefix(300))),
            .index(index: [1], settled: [UInt8](repeating: 7, count: 9000)),
            .roster(version: .max, hash: Hash256(hashing: noise[...])),
            .pull(feed, from: 0), .pull(feed, from: UInt64(FormatLimits.batchesPerFeed - 1)),
            .fork([]), .fork(Array(noise.prefix(FormatLimits.forkProofBytes))),
            .checkpoint(feed, []), .checkpoint(feed, Array(noise.prefix(FormatLimits.checkpointBytes))),
            .digest(LinkFrame.Digest(hash: Hash256(hashing: noise[...]), clock: 1_800_000_000_123)),
            .digest(LinkFrame.Digest(hash: Hash256(hashing: []), clock: .min, isAnswer: true)),
            .holdings(IndexPart([]), wantsAnswer: false), .holdings(IndexPart(entries), wantsAnswer: true),
            .unknown(0), .unknown(100), .unknown(255),
        ]
    }

    @Test func roundTrips() throws {
        for sample in try samples() { #expect(try read(sample.encoded()) == sample) }
    }

    @Test func compressesWhereThatIsSmaller() throws {
        let flat = LinkFrame.PushedBatch(feed: feed, bytes: [UInt8](repeating: 7, count: 90_000), checkpoint: [9])
        #expect(LinkFrame.batch(flat).encoded().count < 500)
        var random = SplitMix64(seed: 6)
        let noise = (0..<5000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let rough = LinkFrame.PushedBatch(feed: feed, bytes: noise, checkpoint: [9])
        #expect(LinkFrame.batch(rough).encoded().count == noise.count + 22)
    }

    /// Every byte of the small frames, so that the layout does not change by accident.
    @Test func layout() throws {
        let hello = LinkFrame.hello(LinkFrame.Hello(region: region, features: 0x1122))
        #expect(hello.encoded() == [0, 0, 0, 17, 1, 0, 1] + regionBytes + [0, 0, 0, 0, 0, 0, 0x11, 0x22])
        let advert = try #require(Advert(feed: feed, first: 3, count: 300))
        #expect(LinkFrame.adverts([advert]).encoded() == [0, 0, 0, 20, 2, 0, 1] + feedBytes + [3, 0xac, 2])
        #expect(LinkFrame.subscribe(region).encoded() == [0, 0, 0, 8, 3, 0] + regionBytes)
        #expect(LinkFrame.unsubscribe(region).encoded() == [0, 0, 0, 8, 4, 0] + regionBytes)
        let batch = LinkFrame.batch(LinkFrame.PushedBatch(feed: feed, bytes: [8, 9], checkpoint: [7]))
        #expect(batch.encoded() == [0, 0, 0, 20, 5, 0] + feedBytes + [1, 7, 8, 9])
        #expect(LinkFrame.index(index: [1, 2, 3], settled: [9]).encoded() == [0, 0, 0, 7, 6, 0, 3, 1, 2, 3, 9])
        let hash = Hash256(hashing: [])
        let version: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 44]
        #expect(LinkFrame.roster(version: 300, hash: hash).encoded() == [0, 0, 0, 42, 7, 0] + version + hash.bytes)
        #expect(LinkFrame.pull(feed, from: 300).encoded() == [0, 0, 0, 18, 8, 0] + feedBytes + [0xac, 2])
        #expect(LinkFrame.fork([1, 2]).encoded() == [0, 0, 0, 4, 9, 0, 1, 2])
        #expect(LinkFrame.checkpoint(feed, [7]).encoded() == [0, 0, 0, 17, 10, 0] + feedBytes + [7])
        let clock: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 44]
        for (isAnswer, flag) in [(false, 0), (true, 1)] as [(Bool, UInt8)] {
            let digest = LinkFrame.digest(LinkFrame.Digest(hash: hash, clock: 300, isAnswer: isAnswer))
            #expect(digest.encoded() == [0, 0, 0, 43, 11, 0, flag] + hash.bytes + clock)
            let entry = try #require(IndexEntry(feed: feed, first: 3, count: 300, root: hash))
            let holdings = LinkFrame.holdings(IndexPart([entry]), wantsAnswer: isAnswer)
            let prefix = Array(hash.bytes.prefix(16))
            #expect(holdings.encoded() == [0, 0, 0, 36, 12, 0, flag] + feedBytes + [3, 0xac, 2] + prefix)
        }
    }

    @Test func laterReleasesPass() throws {
        let hello = frame(1, [2] + regionBytes + [0, 0, 0, 0, 0, 0, 0, 1] + [42, 43])
        #expect(try read(hello) == .hello(LinkFrame.Hello(version: 2, region: region, features: 1)))
        let roster = frame(7, [0, 0, 0, 0, 0, 0, 0, 9] + Hash256(hashing: []).bytes + [42])
        #expect(try read(roster) == .roster(version: 9, hash: Hash256(hashing: [])))
        #expect(throws: FormatError.self) { try read(frame(7, [0, 0, 0, 0, 0, 0, 0, 9, 1, 2])) }
        let digest = frame(11, [0xfe] + Hash256(hashing: []).bytes + [0, 0, 0, 0, 0, 0, 0, 9] + [42])
        #expect(try read(digest) == .digest(LinkFrame.Digest(hash: Hash256(hashing: []), clock: 9)))
        #expect(try read(frame(12, [0xff])) == .holdings(IndexPart([]), wantsAnswer: true))
        #expect(try read(frame(100, [1, 2, 3])) == .unknown(100))
        #expect(try read(frame(0, [])) == .unknown(0))
        // Flags and compression of an unknown type are its own affair.
        #expect(try read(frame(200, [1, 2, 3], flags: 0xff)) == .unknown(200))
    }

    private func compressed(_ type: UInt8, size: UInt32, _ block: [UInt8]) -> [UInt8] {
        var payload: [UInt8] = []
        payload.append(bigEndian: size)
        return frame(type, payload + block, flags: 1)
    }

    @Test func malformedFramesAreNamed() throws {
        let limit = UInt64(FormatLimits.batchesPerFeed)
        var tooMany: [UInt8] = [1] + feedBytes + [0]
        tooMany.append(varint: limit + 1)
        var longCheckpoint = feedBytes
        longCheckpoint.append(varint: UInt64(FormatLimits.checkpointBytes + 1))
        let largest = FormatLimits.indexBytes
        var longIndex: [UInt8] = []
        longIndex.append(varint: UInt64(largest + 1))
        let longSettled = [0] + [UInt8](repeating: 0, count: largest + 1)
        var longPull = feedBytes
        longPull.append(varint: limit)
        var countless: [UInt8] = []
        countless.append(varint: UInt64(FormatLimits.feedsPerIndex + 1))
        let holding = feedBytes + [0, 1] + [UInt8](repeating: 7, count: 16)
        let block = try #require(LZ4Block.compress([UInt8](repeating: 0, count: 1000)))
        let cases: [(String, [UInt8], FormatError.Code)] = [
            ("a long proof", frame(9, [UInt8](repeating: 0, count: FormatLimits.forkProofBytes + 1)), .limitExceeded),
            ("a checkpoint of no feed", frame(10, regionBytes), .truncated),
            ("a long checkpoint", frame(10, feedBytes + [UInt8](repeating: 0, count: 1025)), .limitExceeded),
            ("an empty digest", frame(11, []), .truncated),
            ("a digest without a clock", frame(11, [0] + Hash256(hashing: []).bytes), .truncated),
            ("empty holdings", frame(12, []), .truncated),
            ("holdings cut off", frame(12, [0] + feedBytes), .truncated),
            ("holdings twice", frame(12, [0] + holding + holding), .notAscending),
            (
                "holdings of nothing", frame(12, [0] + feedBytes + [0, 0] + [UInt8](repeating: 7, count: 16)),
                .outOfRange
            ),
            ("long holdings", frame(12, [0] + [UInt8](repeating: 0, count: largest + 1)), .limitExceeded),
            ("length 0", [0, 0, 0, 0], .limitExceeded),
            ("length 1", [0, 0, 0, 1, 1], .limitExceeded),
            ("length beyond the limit", [0x7f, 0xff, 0xff, 0xff], .limitExceeded),
            ("flags", frame(1, [1], flags: 2), .outOfRange),
            ("empty hello", frame(1, []), .truncated),
            ("hello without features", frame(1, [1] + regionBytes), .truncated),
            ("hello of no region", frame(1, [1, 2, 0x31, 0x32] + [UInt8](repeating: 0, count: 8)), .outOfRange),
            ("hello of a region too long", frame(1, [1, 200] + regionBytes), .truncated),
            ("empty adverts", frame(2, []), .truncated),
            ("more adverts than bytes", frame(2, [2] + feedBytes + [0, 1]), .lyingLength),
            ("too many adverts", frame(2, countless), .limitExceeded),
            ("advert cut off", frame(2, [1] + feedBytes), .truncated),
            ("first beyond count", frame(2, [1] + feedBytes + [2, 1]), .outOfRange),
            ("count beyond a feed", frame(2, tooMany), .outOfRange),
            ("number in a long form", frame(2, [1] + feedBytes + [0x80, 0, 1]), .notCanonical),
            ("bytes after adverts", frame(2, [1] + feedBytes + [0, 1, 0]), .trailingBytes),
            ("subscription to nothing", frame(3, []), .truncated),
            ("subscription to no region", frame(3, [2, 0x2d, 0x2d]), .outOfRange),
            ("bytes after a subscription", frame(4, regionBytes + [0]), .trailingBytes),
            ("empty batch frame", frame(5, []), .truncated),
            ("checkpoint too long", frame(5, longCheckpoint), .limitExceeded),
            ("checkpoint cut off", frame(5, feedBytes + [9, 1]), .truncated),
            ("empty index frame", frame(6, []), .truncated),
            ("index too long", frame(6, longIndex), .limitExceeded),
            ("index cut off", frame(6, [3, 1, 2]), .truncated),
            ("settled part too long", frame(6, longSettled), .limitExceeded),
            ("pull cut off", frame(8, feedBytes), .truncated),
            ("pull beyond a feed", frame(8, longPull), .limitExceeded),
            ("bytes after a pull", frame(8, feedBytes + [1, 1]), .trailingBytes),
            ("compressed without a size", frame(1, [0, 0, 1], flags: 1), .truncated),
            ("compressed without being smaller", compressed(1, size: UInt32(block.count), block), .decompression),
            ("another size than declared", compressed(1, size: 999, block), .decompression),
            ("more than declared", compressed(1, size: 1001, block), .decompression),
            ("nothing compressed", compressed(1, size: 5, []), .decompression),
            ("bomb", compressed(5, size: .max, block), .decompression),
            (
                "bomb just beyond the limit", compressed(5, size: UInt32(LinkFrame.maximumSize + 1), block),
                .decompression
            ),
        ]
        for (name, bytes, expected) in cases { #expect(code(bytes) == expected, "\(name)") }
    }

    /// A block that would decompress to more than a frame may hold is refused by its declaration; one that lies about
    /// it never writes beyond what it declared.
    @Test func bombsAreCapped() throws {
        let zeros = [UInt8](repeating: 0, count: FormatLimits.sectionBytes)
        let bomb = try #require(LZ4Block.compress(zeros))
        #expect(bomb.count < 40_000)
        #expect(code(compressed(5, size: UInt32(LinkFrame.maximumSize + 1), bomb)) == .decompression)
        #expect(code(compressed(5, size: 100_000, bomb)) == .decompression)
        // Honestly declared it is a frame of zeros, which is no feed.
        #expect(code(compressed(5, size: UInt32(zeros.count), bomb)) == .outOfRange)
    }

    @Test func theLargestBatchPasses() throws {
        var random = SplitMix64(seed: 9)
        var noise: [UInt8] = []
        noise.reserveCapacity(FormatLimits.batchBytes)
        while noise.count < FormatLimits.batchBytes { noise.append(bigEndian: random.next()) }
        let checkpoint = [UInt8](repeating: 1, count: FormatLimits.checkpointBytes)
        let largest = LinkFrame.batch(LinkFrame.PushedBatch(feed: feed, bytes: noise, checkpoint: checkpoint))
        #expect(try read(largest.encoded()) == largest)
        let flat = [UInt8](repeating: 1, count: FormatLimits.batchBytes)
        let compressible = LinkFrame.batch(LinkFrame.PushedBatch(feed: feed, bytes: flat, checkpoint: checkpoint))
        #expect(try read(compressible.encoded()) == compressible)
        let half = Array(noise.prefix(FormatLimits.indexBytes))
        let index = LinkFrame.index(index: half, settled: half)
        #expect(try read(index.encoded()) == index)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func piecesOfAnySize(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let frames = try samples()
        var rest = frames.flatMap { $0.encoded() }[...]
        var decoder = LinkFrameDecoder()
        var read: [LinkFrame] = []
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...2000, using: &random))
            rest = rest.dropFirst(piece.count)
            decoder.append(piece)
            while let frame = try decoder.next() { read.append(frame) }
        }
        #expect(read == frames)
        #expect(try decoder.next() == nil)
    }

    @Test func oneByteAtATime() throws {
        var decoder = LinkFrameDecoder()
        let bytes = LinkFrame.subscribe(region).encoded()
        for byte in bytes.dropLast() {
            decoder.append([byte])
            #expect(try decoder.next() == nil)
        }
        decoder.append(bytes.suffix(1))
        #expect(try decoder.next() == .subscribe(region))
    }

    /// Damaged frames give an error, nothing or a frame that can be encoded again; they never trap.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func mutationsNeverTrap(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let originals = try samples().map { $0.encoded() }.filter { $0.count < 8000 }
        var refused = 0
        for _ in 0..<4000 {
            guard var bytes = originals.randomElement(using: &random) else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
                case 2: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
                }
            }
            do throws(FormatError) {
                if let frame = try read(bytes) { #expect(try read(frame.encoded()) == frame) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 400)
    }
}
