public import ExposureKeys
public import FeedFormat

/// What one node says of a feed to another.
public struct Advert: Hashable, Sendable {
    public let feed: FeedID
    /// First batch still held.
    public let first: UInt64
    /// Batches of the feed.
    public let count: UInt64

    /// - Returns: nil if `first` exceeds `count` or `count` exceeds what a feed may hold.
    public init?(feed: FeedID, first: UInt64, count: UInt64) {
        guard first <= count, count <= UInt64(FormatLimits.batchesPerFeed) else { return nil }
        self.feed = feed
        self.first = first
        self.count = count
    }
}

/// A message on a link. Layout: docs/ARCHITECTURE.md, "Link frames".
public enum LinkFrame: Equatable, Sendable {
    /// First on every link, from both sides.
    case hello(Hello)
    /// State of some feeds.
    case adverts([Advert])
    /// The sender wants this region's batches as they come.
    case subscribe(Region)
    /// The sender gets them from elsewhere now.
    case unsubscribe(Region)
    /// A batch with the checkpoint of its size.
    case batch(PushedBatch)
    /// The sender's signed index and its settled part, as encoded.
    case index(index: [UInt8], settled: [UInt8])
    /// Version and hash of the sender's roster.
    case roster(version: UInt64, hash: Hash256)
    /// The sender wants this feed's batches from a number on pushed to it.
    case pull(FeedID, from: UInt64)
    /// Encoded: a region's key has signed two histories (`ForkProof`).
    case fork([UInt8])
    /// What the sender holds of a feed, though the receiver's does not continue it: does it?
    case checkpoint(FeedID, [UInt8])
    /// A word for all that the sender holds, and its clock.
    case digest(Digest)
    /// All that the sender holds, of the regions in its roster; `wantsAnswer` if the receiver is to say the same.
    case holdings(IndexPart, wantsAnswer: Bool)
    /// Another node's signed index, or the sender's own by difference.
    case relayedIndex(RelayedIndex)
    /// A frame of a later release; passed over.
    case unknown(UInt8)

    public struct Hello: Equatable, Sendable {
        /// The release of this protocol: 1.
        public var version: UInt8
        public var region: Region
        /// Optional abilities of the sender; unknown bits are ignored.
        public var features: UInt64
        /// It takes a pushed batch for an advert of it, so that none need go before.
        public static let batchesAreAdverts: UInt64 = 1
        /// It takes a digest in place of adverts of all feeds.
        public static let digests: UInt64 = 2
        /// It takes and passes on other nodes' indexes.
        public static let relaysIndexes: UInt64 = 4

        public init(version: UInt8 = 1, region: Region, features: UInt64 = 0) {
            self.version = version
            self.region = region
            self.features = features
        }
    }

    public struct Digest: Equatable, Sendable {
        /// SHA-256 of the holdings as a frame of them has them.
        public var hash: Hash256
        /// The sender's clock: unix time in milliseconds.
        public var clock: Int64
        /// It says the same as the receiver's digest did, and wants no answer but to something else.
        public var isAnswer: Bool

        public init(hash: Hash256, clock: Int64, isAnswer: Bool = false) {
            self.hash = hash
            self.clock = clock
            self.isAnswer = isAnswer
        }
    }

    public struct RelayedIndex: Equatable, Sendable {
        /// An `IndexDifference` from the sender's own index that went out on this link last, not a whole index.
        public var isDifference: Bool
        public var bytes: [UInt8]
        /// The settled part; nil if it is that of the sender's own index.
        public var settled: [UInt8]?

        public init(isDifference: Bool, bytes: [UInt8], settled: [UInt8]?) {
            self.isDifference = isDifference
            self.bytes = bytes
            self.settled = settled
        }
    }

    public struct PushedBatch: Equatable, Sendable {
        public var feed: FeedID
        public var bytes: [UInt8]
        public var checkpoint: [UInt8]

        public init(feed: FeedID, bytes: [UInt8], checkpoint: [UInt8]) {
            self.feed = feed
            self.bytes = bytes
            self.checkpoint = checkpoint
        }
    }

    /// The frame with its length in front, compressed where that makes it smaller.
    public func encoded() -> [UInt8] {
        let (type, payload) = body
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 6)
        if payload.count >= 64, let block = LZ4Block.compress(payload, margin: 5) {
            bytes.append(bigEndian: UInt32(block.count + 6))
            bytes.append(type)
            bytes.append(LinkFrame.compressed)
            bytes.append(bigEndian: UInt32(payload.count))
            bytes.append(contentsOf: block)
        } else {
            bytes.append(bigEndian: UInt32(payload.count + 2))
            bytes.append(type)
            bytes.append(0)
            bytes.append(contentsOf: payload)
        }
        return bytes
    }

    private var body: (type: UInt8, payload: [UInt8]) {
        var payload: [UInt8] = []
        switch self {
        case .hello(let hello):
            payload.append(hello.version)
            payload.append(region: hello.region)
            payload.append(bigEndian: hello.features)
            return (1, payload)
        case .adverts(let adverts):
            payload.append(varint: UInt64(adverts.count))
            for advert in adverts {
                payload.append(feed: advert.feed)
                payload.append(varint: advert.first)
                payload.append(varint: advert.count)
            }
            return (2, payload)
        case .subscribe(let region):
            payload.append(region: region)
            return (3, payload)
        case .unsubscribe(let region):
            payload.append(region: region)
            return (4, payload)
        case .batch(let pushed):
            payload.append(feed: pushed.feed)
            payload.append(varint: UInt64(pushed.checkpoint.count))
            payload.append(contentsOf: pushed.checkpoint)
            payload.append(contentsOf: pushed.bytes)
            return (5, payload)
        case .index(let index, let settled):
            payload.append(varint: UInt64(index.count))
            payload.append(contentsOf: index)
            payload.append(contentsOf: settled)
            return (6, payload)
        case .roster(let version, let hash):
            payload.append(bigEndian: version)
            payload.append(contentsOf: hash.bytes)
            return (7, payload)
        case .pull(let feed, let number):
            payload.append(feed: feed)
            payload.append(varint: number)
            return (8, payload)
        case .fork(let proof):
            return (9, proof)
        case .checkpoint(let feed, let checkpoint):
            payload.append(feed: feed)
            payload.append(contentsOf: checkpoint)
            return (10, payload)
        case .digest(let digest):
            payload.append(digest.isAnswer ? 1 : 0)
            payload.append(contentsOf: digest.hash.bytes)
            payload.append(bigEndian: UInt64(bitPattern: digest.clock))
            return (11, payload)
        case .holdings(let part, let wantsAnswer):
            payload.append(wantsAnswer ? 1 : 0)
            payload.append(contentsOf: part.bytes)
            return (12, payload)
        case .relayedIndex(let relayed):
            payload.append((relayed.isDifference ? 1 : 0) | (relayed.settled == nil ? 0 : 2))
            payload.append(varint: UInt64(relayed.bytes.count))
            payload.append(contentsOf: relayed.bytes)
            payload.append(contentsOf: relayed.settled ?? [])
            return (13, payload)
        case .unknown(let type):
            return (type, payload)
        }
    }

    /// - Parameter bytes: a frame after its length field: type, flags, payload.
    init(_ bytes: ArraySlice<UInt8>) throws(FormatError) {
        var reader = ByteReader(bytes, reading: "link frame")
        let type = try reader.byte()
        let flags = try reader.byte()
        // Nothing is known of a later release's frames, so nothing of them is judged or decompressed.
        guard LinkFrame.types.contains(type) else {
            self = .unknown(type)
            return
        }
        guard flags & ~LinkFrame.compressed == 0 else { throw reader.error(.outOfRange, "unknown flags \(flags)") }
        var payload = bytes[reader.position...]
        if flags == LinkFrame.compressed {
            let size = Int(try reader.uint32())
            guard size <= LinkFrame.largest(type), size > reader.remaining,
                let plain = BlockDecoder.liblz4.decode(bytes[reader.position...], size: size)
            else {
                throw reader.error(
                    .decompression,
                    "a frame does not decompress to the \(size.counted("byte")) it declares"
                )
            }
            payload = plain[...]
        }
        self = try LinkFrame.parse(type, payload)
    }

    /// What the payload of a frame takes after decompression; 0 if it is not compressed.
    /// - Parameter bytes: a frame after its length field.
    static func inflatedSize(of bytes: ArraySlice<UInt8>) throws(FormatError) -> Int {
        var reader = ByteReader(bytes, reading: "link frame")
        guard types.contains(try reader.byte()), try reader.byte() == compressed else { return 0 }
        return Int(try reader.uint32())
    }

    /// The largest payload of a type, in bytes: what a few bytes may inflate to.
    private static func largest(_ type: UInt8) -> Int {
        switch type {
        case 1, 3, 4, 7, 8, 11: 1024
        case 2: FormatLimits.indexBytes
        case 6: 2 * FormatLimits.indexBytes + 16
        case 9, 10: FormatLimits.forkProofBytes + FormatLimits.checkpointBytes
        case 12: FormatLimits.indexBytes + 1
        default: maximumSize
        }
    }

    private static func parse(_ type: UInt8, _ payload: ArraySlice<UInt8>) throws(FormatError) -> LinkFrame {
        var reader = ByteReader(payload, reading: "link frame")
        switch type {
        case 1:
            // Bytes after the features are those of a later release.
            return .hello(
                Hello(version: try reader.byte(), region: try reader.region(), features: try reader.uint64())
            )
        case 2:
            let count = try reader.varint(upTo: FormatLimits.feedsPerIndex, "the number of adverts")
            guard count <= reader.remaining / 13 else {
                throw reader.error(
                    .lyingLength,
                    "\(count.counted("advert")) cannot stand in \(reader.remaining.counted("byte"))"
                )
            }
            var adverts: [Advert] = []
            for _ in 0..<count { adverts.append(try reader.advert()) }
            try reader.expectEnd()
            return .adverts(adverts)
        case 3, 4:
            let region = try reader.region()
            try reader.expectEnd()
            return type == 3 ? .subscribe(region) : .unsubscribe(region)
        case 5:
            let feed = try reader.feed()
            let size = try reader.varint(upTo: FormatLimits.checkpointBytes, "the size of a checkpoint")
            let checkpoint = Array(try reader.take(size))
            return .batch(PushedBatch(feed: feed, bytes: Array(payload[reader.position...]), checkpoint: checkpoint))
        case 6:
            let size = try reader.varint(upTo: FormatLimits.indexBytes, "the size of an index")
            let index = Array(try reader.take(size))
            guard reader.remaining <= FormatLimits.indexBytes else {
                throw reader.error(.limitExceeded, "a settled part of \(reader.remaining.counted("byte"))")
            }
            return .index(index: index, settled: Array(payload[reader.position...]))
        case 7:
            // Bytes after the hash are those of a later release.
            let version = try reader.uint64()
            guard let hash = Hash256(bytes: try reader.take(32)) else { throw reader.error(.truncated, "no hash") }
            return .roster(version: version, hash: hash)
        case 8:
            let feed = try reader.feed()
            let number = try reader.varint(upTo: FormatLimits.batchesPerFeed - 1, "the number of a batch")
            try reader.expectEnd()
            return .pull(feed, from: UInt64(number))
        case 9:
            guard payload.count <= FormatLimits.forkProofBytes else {
                throw reader.error(.limitExceeded, "a proof of a fork of \(payload.count.counted("byte"))")
            }
            return .fork(Array(payload))
        case 10:
            let feed = try reader.feed()
            guard reader.remaining <= FormatLimits.checkpointBytes else {
                throw reader.error(.limitExceeded, "a checkpoint of \(reader.remaining.counted("byte"))")
            }
            return .checkpoint(feed, Array(payload[reader.position...]))
        case 11:
            // Other bits, and bytes after the clock, are those of a later release.
            let isAnswer = try reader.byte() & 1 != 0
            guard let hash = Hash256(bytes: try reader.take(32)) else { throw reader.error(.truncated, "no hash") }
            let clock = Int64(bitPattern: try reader.uint64())
            return .digest(Digest(hash: hash, clock: clock, isAnswer: isAnswer))
        case 12:
            let wantsAnswer = try reader.byte() & 1 != 0
            return .holdings(try IndexPart(bytes: payload[reader.position...]), wantsAnswer: wantsAnswer)
        case 13:
            return .relayedIndex(try reader.relayedIndex(payload))
        default:
            return .unknown(type)
        }
    }

    /// Largest frame after its length field: a batch of the largest size and what comes with it.
    package static let maximumSize = FormatLimits.batchBytes + 2048
    private static let types: ClosedRange<UInt8> = 1...13
    private static let compressed: UInt8 = 1
}

extension [UInt8] {
    fileprivate mutating func append(region: Region) {
        append(UInt8(region.code.utf8.count))
        append(contentsOf: region.code.utf8)
    }

    fileprivate mutating func append(feed: FeedID) {
        append(region: feed.region)
        append(bigEndian: feed.epoch.value)
    }
}

extension ByteReader {
    fileprivate mutating func region() throws(FormatError) -> Region {
        guard let region = Region(ascii: try take(Int(try byte()))) else {
            throw error(.outOfRange, "these bytes are no region")
        }
        return region
    }

    fileprivate mutating func feed() throws(FormatError) -> FeedID {
        FeedID(region: try region(), epoch: Epoch(try uint64()))
    }

    /// Other bits of the first byte, and bytes after the index where no settled part follows, are those of a later
    /// release.
    fileprivate mutating func relayedIndex(_ payload: ArraySlice<UInt8>) throws(FormatError) -> LinkFrame.RelayedIndex {
        let bits = try byte()
        let isDifference = bits & 1 != 0
        let limit = isDifference ? FormatLimits.differenceBytes : FormatLimits.indexBytes
        let bytes = Array(try take(try varint(upTo: limit, "the size of an index")))
        guard bits & 2 != 0 else {
            return LinkFrame.RelayedIndex(isDifference: isDifference, bytes: bytes, settled: nil)
        }
        guard remaining <= FormatLimits.indexBytes else {
            throw error(.limitExceeded, "a settled part of \(remaining.counted("byte"))")
        }
        return LinkFrame.RelayedIndex(isDifference: isDifference, bytes: bytes, settled: Array(payload[position...]))
    }

    fileprivate mutating func advert() throws(FormatError) -> Advert {
        let feed = try feed()
        let first = try varint()
        let count = try varint()
        guard let advert = Advert(feed: feed, first: first, count: count) else {
            throw error(.outOfRange, "\(feed) cannot hold batches \(first) to \(count)")
        }
        return advert
    }
}
