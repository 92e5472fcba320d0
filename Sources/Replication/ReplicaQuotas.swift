import ExposureKeys
import FeedFormat

/// What one region may fill of a node's disk. 32 epochs of 131,072 batches of 8 MiB are no bound that a disk can hold,
/// and whoever has a region's key can sign them.
extension Replica {
    /// Bytes held of a region, and those on their way to the store.
    func bytes(of region: Region) -> UInt64 {
        feeds.positions(of: region).reduce(0) { sum, position in
            let waiting = feeds.values[position].waiting.reduce(0) { $0 + $1.bytes.count }
            return sum + feeds.values[position].bytes + UInt64(waiting)
        }
    }

    /// Whether nothing more of a region is taken. What a node publishes itself is its own affair.
    func isOverQuota(_ region: Region) -> Bool {
        region != self.region && bytes(of: region) >= settings.bytesPerRegion
    }

    /// Keeps a feed out, and says so once.
    mutating func holdBack(_ feed: FeedID) {
        if feeds[feed]?.isOverQuota == false { effects.append(.alarm(.tooManyBytes(feed.region))) }
        feeds.update(feed) { $0.isOverQuota = true }
    }

    /// Batches are durable.
    mutating func count(_ batches: some Sequence<ProvenBatch>, of feed: FeedID) {
        let bytes = batches.reduce(0) { $0 + $1.bytes.count }
        feeds.update(feed) { $0.bytes += UInt64(bytes) }
    }

    /// There is room again.
    mutating func releaseQuota(of region: Region) {
        guard !isOverQuota(region) else { return }
        for position in feeds.positions(of: region) where feeds.values[position].isOverQuota {
            let feed = feeds.keys[position]
            feeds.update(feed) { $0.isOverQuota = false }
            touched.append(feed)
        }
    }
}
