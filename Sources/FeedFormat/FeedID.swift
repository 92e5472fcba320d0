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
