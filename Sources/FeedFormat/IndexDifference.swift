public import ExposureKeys

/// Another node's index, as a node serves it: what it lacks of this node's own and what it has instead. Nodes that hold
/// the same feeds differ by little more than the note, so whoever compares many of them fetches one index and small
/// differences. docs/FEED-FORMAT.md, "Index difference".
public struct IndexDifference: Sendable {
    public let bytes: [UInt8]
    /// First 8 bytes of SHA-256 of the index that this is relative to.
    private let base: [UInt8]
    private let note: [UInt8]
    private let settledHash: Hash256
    private let settledCount: Int
    /// Feeds in our fresh part that are not in theirs; strictly ascending.
    private let removed: [FeedID]
    /// Entries of their fresh part that ours lacks or has otherwise.
    private let changed: IndexPart

    /// What turns `ours` into `theirs`.
    public init(of theirs: FeedIndex, from ours: FeedIndex) {
        var removed: [FeedID] = []
        var changed: [IndexEntry] = []
        var rest = ours.fresh.entries[...]
        for entry in theirs.fresh.entries {
            while let next = rest.first, next.feed < entry.feed {
                removed.append(next.feed)
                rest.removeFirst()
            }
            if rest.first?.feed == entry.feed, rest.removeFirst() == entry { continue }
            changed.append(entry)
        }
        removed.append(contentsOf: rest.map(\.feed))
        base = IndexDifference.name(of: ours)
        note = theirs.note
        settledHash = theirs.settledHash
        settledCount = theirs.settledCount
        self.removed = removed
        self.changed = IndexPart(changed)

        var bytes = IndexDifference.magic
        bytes.append(contentsOf: base)
        bytes.append(varint: UInt64(note.count))
        bytes.append(contentsOf: note)
        settledHash.append(to: &bytes)
        bytes.append(bigEndian: UInt32(settledCount))
        bytes.append(varint: UInt64(removed.count))
        for feed in removed { feed.append(to: &bytes) }
        bytes.append(contentsOf: self.changed.bytes)
        self.bytes = bytes
    }

    /// Reads a difference. Nothing in it is proven before it is applied.
    public init(bytes: ArraySlice<UInt8>) throws(FormatError) {
        guard bytes.count <= FormatLimits.differenceBytes else {
            throw FormatError(
                .limitExceeded,
                "an index difference of \(bytes.count.counted("byte")), more than \(FormatLimits.differenceBytes)"
            )
        }
        var reader = ByteReader(bytes, reading: "index difference")
        guard try reader.take(4).elementsEqual(IndexDifference.magic) else {
            throw reader.error(.unknownFormat, "these bytes do not begin with the mark of a difference, KTD1")
        }
        base = Array(try reader.take(IndexDifference.nameSize))
        let noteSize = try reader.varint(upTo: FormatLimits.checkpointBytes, "the size of the note")
        note = Array(try reader.take(noteSize))
        guard let settledHash = Hash256(bytes: try reader.take(32)) else { throw reader.error(.truncated, "no hash") }
        self.settledHash = settledHash
        let settledCount = Int(try reader.uint32())
        guard settledCount <= FormatLimits.feedsPerIndex else {
            throw reader.error(.limitExceeded, "\(settledCount) settled feeds, more than \(FormatLimits.feedsPerIndex)")
        }
        self.settledCount = settledCount
        removed = try IndexDifference.feeds(from: &reader)
        changed = try IndexPart(bytes: bytes[reader.position...])
        self.bytes = Array(bytes)
    }

    private static func feeds(from reader: inout ByteReader) throws(FormatError) -> [FeedID] {
        let count = try reader.varint(upTo: FormatLimits.feedsPerIndex, "the number of feeds removed")
        guard count <= reader.remaining / smallestFeed else {
            throw reader.error(
                .lyingLength,
                "\(count.counted("feed")) cannot stand in \(reader.remaining.counted("byte"))"
            )
        }
        var feeds: [FeedID] = []
        for _ in 0..<count {
            let feed = try FeedID(from: &reader)
            if let last = feeds.last, feed <= last { throw reader.error(.notAscending, "\(feed) follows \(last)") }
            feeds.append(feed)
        }
        return feeds
    }

    /// Rebuilds their index and verifies it.
    /// - Parameters:
    ///   - ours: the index that the same node served as its own.
    ///   - keys: the keys of a region named in their note, from the roster; nil if it is unknown.
    /// - Throws: `.wrongPosition` if the difference is relative to another index, `.notCanonical` if it says something
    ///   that `ours` says already, and what `FeedIndex` throws.
    public func applied(
        to ours: FeedIndex,
        keys: (Region) -> [RosterRegion.Key]?
    ) throws(FormatError) -> FeedIndex {
        guard base == IndexDifference.name(of: ours) else {
            throw FormatError(
                .wrongPosition,
                "the difference is relative to another index than this one of \(ours.node)"
            )
        }
        var entries: [IndexEntry] = []
        var leaving = removed[...]
        var coming = changed.entries[...]
        for entry in ours.fresh.entries {
            while let next = coming.first, next.feed < entry.feed { entries.append(coming.removeFirst()) }
            let isRemoved = leaving.first == entry.feed
            if isRemoved { leaving.removeFirst() }
            if coming.first?.feed == entry.feed {
                let next = coming.removeFirst()
                guard !isRemoved, next != entry else { throw IndexDifference.idle(entry.feed) }
                entries.append(next)
            } else if !isRemoved {
                entries.append(entry)
            }
        }
        if let feed = leaving.first { throw IndexDifference.idle(feed) }
        entries.append(contentsOf: coming)
        let list = FeedIndex.list(settledHash, count: settledCount, fresh: IndexPart(entries))
        return try FeedIndex(FeedIndex.bytes(note: note, list: list)[...], keys: keys)
    }

    private static func idle(_ feed: FeedID) -> FormatError {
        FormatError(.notCanonical, "the difference changes nothing by what it says of \(feed)")
    }

    /// By this a difference names the index that it is relative to.
    private static func name(of index: FeedIndex) -> [UInt8] {
        Array(Hash256(hashing: index.bytes[...]).bytes.prefix(nameSize))
    }

    private static let nameSize = 8
    /// Bytes of the shortest feed: a region of two letters.
    private static let smallestFeed = 11
    private static let magic: [UInt8] = Array("KTD1".utf8)
}
