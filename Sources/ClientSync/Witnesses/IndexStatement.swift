public import ExposureKeys
public import FeedFormat

/// A node's signed word on all feeds that it holds, as bytes that anybody can check: its index, and the settled part
/// that the index names by hash.
public struct IndexStatement: Sendable, Equatable {
    /// docs/FEED-FORMAT.md, "Index".
    public let index: [UInt8]
    /// Empty if the index names none.
    public let settled: [UInt8]

    public init(index: [UInt8], settled: [UInt8]) {
        self.index = index
        self.settled = settled
    }

    /// How it is kept and stands in evidence: u32 with the size of the index, the index, the settled part.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + index.count + settled.count)
        bytes.append(bigEndian: UInt32(clamping: index.count))
        return bytes + index + settled
    }

    /// Reads what `bytes` gives.
    /// - Returns: nil if the index does not end within the bytes.
    public init?(bytes: [UInt8]) {
        var reader = ByteReader(bytes[...], reading: "index and settled part")
        guard let size = try? reader.uint32(), let index = try? reader.take(Int(size)) else { return nil }
        self.init(index: Array(index), settled: Array(bytes[reader.position...]))
    }

    /// Verifies the index and reads both parts.
    /// - Throws: `FormatError` as `FeedIndex` does.
    public func read(roster: Roster) throws(FormatError) -> IndexView {
        let index = try FeedIndex(index[...], keys: { roster.keys(of: $0) })
        let entries = try index.entries(with: IndexPart(bytes: settled[...]))
        return IndexView(node: index.node, time: index.time, entries: entries)
    }
}

/// What a node's index says, verified.
public struct IndexView: Sendable, Equatable {
    public let node: Region
    /// Unix seconds at which the node signed.
    public let time: Int64
    /// Strictly ascending by feed.
    public let entries: [IndexEntry]

    public init(node: Region, time: Int64, entries: [IndexEntry]) {
        self.node = node
        self.time = time
        self.entries = entries
    }
}
