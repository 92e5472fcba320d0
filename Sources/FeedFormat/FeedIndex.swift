public import ExposureKeys

/// What a node says of one feed it holds.
public struct IndexEntry: Hashable, Sendable {
    public let feed: FeedID
    /// First batch shown: it is still held, and of those that follow `shownGaps` at most are not.
    public let first: UInt64
    /// Batches of the feed, those dropped included; at least 1.
    public let count: UInt64
    /// First 16 bytes of the Merkle root at `count`.
    public let rootPrefix: [UInt8]

    /// - Returns: nil if `first` exceeds `count`, or `count` is 0 or more than a feed may hold.
    public init?(feed: FeedID, first: UInt64, count: UInt64, root: Hash256) {
        self.init(feed: feed, first: first, count: count, rootPrefix: Array(root.bytes.prefix(16)))
    }

    init?(feed: FeedID, first: UInt64, count: UInt64, rootPrefix: [UInt8]) {
        guard (1...UInt64(FormatLimits.batchesPerFeed)).contains(count), first <= count, rootPrefix.count == 16 else {
            return nil
        }
        self.feed = feed
        self.first = first
        self.count = count
        self.rootPrefix = rootPrefix
    }

    /// Batches lacking behind the first one shown. A phone goes on behind each by its hash, at the cost of two requests; so
    /// a few lost for good do not hide those before them, and a node that catches up shows what it has caught up with.
    static let shownGaps = 16

    /// The first batch that a node shows.
    /// - Parameters:
    ///   - held: below this number all are dropped.
    ///   - gaps: numbers of those from there on that have never come, ascending.
    package static func first(from held: UInt64, lacking gaps: [UInt64]) -> UInt64 {
        let hidden = gaps.dropLast(shownGaps).last
        var first = hidden.map { $0 + 1 } ?? held
        for gap in gaps.suffix(shownGaps) where gap == first { first += 1 }
        return first
    }

    package func append(to bytes: inout [UInt8]) {
        feed.append(to: &bytes)
        bytes.append(varint: first)
        bytes.append(varint: count)
        bytes.append(contentsOf: rootPrefix)
    }

    init(from reader: inout ByteReader) throws(FormatError) {
        let feed = try FeedID(from: &reader)
        let first = try reader.varint()
        let count = try reader.varint()
        let prefix = Array(try reader.take(16))
        guard let entry = IndexEntry(feed: feed, first: first, count: count, rootPrefix: prefix) else {
            throw reader.error(.outOfRange, "\(feed) holds batches \(first) to \(count)")
        }
        self = entry
    }
}

/// A strictly ascending list of entries, as one part of an index.
public struct IndexPart: Equatable, Sendable {
    public let entries: [IndexEntry]
    /// The encoded entries.
    public let bytes: [UInt8]

    /// - Parameter entries: at most one per feed, in any order.
    public init(_ entries: [IndexEntry]) {
        self.entries = entries.sorted { $0.feed < $1.feed }
        var bytes: [UInt8] = []
        for entry in self.entries { entry.append(to: &bytes) }
        self.bytes = bytes
    }

    public init(bytes: ArraySlice<UInt8>) throws(FormatError) {
        guard bytes.count <= FormatLimits.indexBytes else {
            throw FormatError(
                .limitExceeded,
                "an index of \(bytes.count.counted("byte")), more than \(FormatLimits.indexBytes)"
            )
        }
        var reader = ByteReader(bytes, reading: "index")
        var entries: [IndexEntry] = []
        while reader.remaining > 0 {
            let entry = try IndexEntry(from: &reader)
            if let last = entries.last, entry.feed <= last.feed {
                throw reader.error(.notAscending, "\(entry.feed) follows \(last.feed)")
            }
            guard entries.count < FormatLimits.feedsPerIndex else {
                throw reader.error(.limitExceeded, "more than \(FormatLimits.feedsPerIndex) feeds")
            }
            entries.append(entry)
        }
        self.entries = entries
        self.bytes = Array(bytes)
    }

    /// Name of the part: SHA-256 of its bytes.
    public var hash: Hash256 { Hash256(hashing: bytes[...]) }
}

/// A node's signed list of the feeds it holds. Feeds unchanged for two days stand in a part of their own, which the
/// index names by hash, so that a phone that polls often fetches them rarely. docs/FEED-FORMAT.md, "Index".
public struct FeedIndex: Sendable {
    /// The node that speaks.
    public let node: Region
    /// Unix seconds at which it signed.
    public let time: Int64
    /// Feeds that changed within two days.
    public let fresh: IndexPart
    /// Hash of the part with all other feeds; fetched by this name.
    public let settledHash: Hash256
    /// Number of feeds in that part.
    public let settledCount: Int
    public let bytes: [UInt8]
    /// The signed note as it stands in `bytes`.
    let note: [UInt8]

    /// Makes and signs an index.
    public init(
        node: Region,
        time: Int64,
        fresh: IndexPart,
        settled: IndexPart,
        signer: NoteSigner
    ) throws(FormatError) {
        let list = FeedIndex.list(settled.hash, count: settled.entries.count, fresh: fresh)
        let count = fresh.entries.count + settled.entries.count
        let text = FeedIndex.text(node: node, count: count, hash: Hash256(hashing: list[...]))
        let note = SignedNote.bytes(text: text, signatures: [try signer.sign(text, time: time)])
        self.node = node
        self.time = time
        self.fresh = fresh
        self.settledHash = settled.hash
        self.settledCount = settled.entries.count
        self.bytes = FeedIndex.bytes(note: note, list: list)
        self.note = note
    }

    /// Reads and verifies an index.
    /// - Parameter keys: the keys of a region named in the index's note, from the roster; nil if it is unknown.
    public init(
        _ bytes: ArraySlice<UInt8>,
        keys: (Region) -> [RosterRegion.Key]?
    ) throws(FormatError) {
        guard bytes.count <= FormatLimits.indexBytes else {
            throw FormatError(
                .limitExceeded,
                "an index of \(bytes.count.counted("byte")), more than \(FormatLimits.indexBytes)"
            )
        }
        var reader = ByteReader(bytes, reading: "index")
        guard try reader.take(4).elementsEqual(FeedIndex.magic) else {
            throw reader.error(.unknownFormat, "these bytes do not begin with the mark of an index, KTI1")
        }
        let noteSize = try reader.varint(upTo: FormatLimits.checkpointBytes, "the size of the note")
        let noteBytes = try reader.take(noteSize)
        let note = try SignedNote(noteBytes, limit: FormatLimits.checkpointBytes)
        let list = bytes[reader.position...]
        guard let settledHash = Hash256(bytes: try reader.take(32)) else { throw reader.error(.truncated, "no hash") }
        let settledCount = Int(try reader.uint32())
        let fresh = try IndexPart(bytes: bytes[reader.position...])
        let origin = note.text.prefix { $0 != "\n" }
        guard let node = FeedIndex.node(origin: origin), let keys = keys(node) else {
            throw FormatError(.missingSignature, "the index is by \(origin.prefix(80)), which the roster does not list")
        }
        let hash = Hash256(hashing: list)
        guard settledCount <= FormatLimits.feedsPerIndex,
            note.text == FeedIndex.text(node: node, count: fresh.entries.count + settledCount, hash: hash)
        else { throw FormatError(.rootMismatch, "the index's note is not about the list that follows it") }
        time = try note.time(verifiedByOneOf: keys)
        self.node = node
        self.fresh = fresh
        self.settledHash = settledHash
        self.settledCount = settledCount
        self.bytes = Array(bytes)
        self.note = Array(noteBytes)
    }

    /// Puts the two parts together.
    /// - Parameter settled: the part that `settledHash` names.
    /// - Throws: `.rootMismatch` if it is another part, `.notAscending` if a feed stands in both.
    public func entries(with settled: IndexPart) throws(FormatError) -> [IndexEntry] {
        guard settled.hash == settledHash, settled.entries.count == settledCount else {
            throw FormatError(.rootMismatch, "the settled part is not the one that the index of \(node) names")
        }
        let all = (fresh.entries + settled.entries).sorted { $0.feed < $1.feed }
        for (left, right) in zip(all, all.dropFirst()) where left.feed == right.feed {
            throw FormatError(.notAscending, "\(left.feed) stands in both parts of the index of \(node)")
        }
        return all
    }

    /// What follows the note, and is signed.
    static func list(_ settledHash: Hash256, count settledCount: Int, fresh: IndexPart) -> [UInt8] {
        var list: [UInt8] = []
        settledHash.append(to: &list)
        list.append(bigEndian: UInt32(settledCount))
        list.append(contentsOf: fresh.bytes)
        return list
    }

    static func bytes(note: [UInt8], list: [UInt8]) -> [UInt8] {
        var bytes = FeedIndex.magic
        bytes.append(varint: UInt64(note.count))
        bytes.append(contentsOf: note)
        bytes.append(contentsOf: list)
        return bytes
    }

    private static func text(node: Region, count: Int, hash: Hash256) -> String {
        "\(KeytideNames.index(node))\n\(count)\n\(Base64.encode(hash.bytes))\n"
    }

    private static func node(origin: Substring) -> Region? {
        guard origin.hasPrefix("keytide/"), origin.hasSuffix("/index") else { return nil }
        return Region(origin.dropFirst("keytide/".count).dropLast("/index".count))
    }

    private static let magic: [UInt8] = Array("KTI1".utf8)
}
