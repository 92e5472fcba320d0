public import ExposureKeys

/// A feed: one region's batches of one epoch.
public struct FeedID: Hashable, Comparable, Sendable {
    public let region: Region
    public let epoch: Epoch

    public init(region: Region, epoch: Epoch) {
        self.region = region
        self.epoch = epoch
    }

    public static func < (left: FeedID, right: FeedID) -> Bool {
        left.region != right.region ? left.region < right.region : left.epoch < right.epoch
    }
}

extension FeedID: CustomStringConvertible {
    public var description: String { "\(region)/\(epoch)" }
}

extension FeedID {
    /// A byte with the length of the region, the region, 8 bytes of epoch.
    func append(to bytes: inout [UInt8]) {
        let code = Array(region.code.utf8)
        bytes.append(UInt8(code.count))
        bytes.append(contentsOf: code)
        bytes.append(bigEndian: epoch.value)
    }

    init(from reader: inout ByteReader) throws(FormatError) {
        guard let region = Region(ascii: try reader.take(Int(try reader.byte()))) else {
            throw reader.error(.outOfRange, "these bytes are no region")
        }
        self.init(region: region, epoch: Epoch(try reader.uint64()))
    }
}
