internal import ExposureKeys
internal import FeedFormat

/// Which feeds of an index a sync follows.
struct FeedPlan {
    /// Ascending by feed.
    private(set) var entries: [IndexEntry] = []
    private(set) var problems: [SyncError] = []

    /// - Parameters:
    ///   - listed: the index's entries, ascending by feed.
    ///   - cursors: ascending by feed.
    init(listed: [IndexEntry], cursors: [FeedCursor], options: SyncOptions, node: String) {
        var position = listed.startIndex
        while position < listed.endIndex {
            let region = listed[position].feed.region
            var end = position
            while end < listed.endIndex, listed[end].feed.region == region { end += 1 }
            if options.follows(region) {
                add(Array(listed[position..<end]), cursors: cursors, limits: options.limits, node: node)
            }
            position = end
        }
        if entries.count > options.limits.feeds {
            problems.append(
                SyncError(
                    .limitReached,
                    "\(node) lists \(entries.count.counted("feed")), \(options.limits.feeds) are followed; choose fewer regions"
                )
            )
            entries.removeLast(entries.count - options.limits.feeds)
        }
        for region in (options.regions ?? []).sorted() where !listed.contains(where: { $0.feed.region == region }) {
            problems.append(
                SyncError(
                    .absentRegion,
                    "\(node) lists no feed of \(region); check the region's code, or try another node"
                )
            )
        }
    }

    /// The epochs of one region, the ones already followed first and then the oldest, as nodes admit them.
    private mutating func add(
        _ epochs: [IndexEntry],
        cursors: [FeedCursor],
        limits: SyncLimits,
        node: String
    ) {
        var chosen = epochs
        if epochs.count > limits.epochsPerRegion {
            let followed = epochs.filter { FeedPlan.cursor(of: $0.feed, in: cursors) != nil }
            let others = epochs.filter { FeedPlan.cursor(of: $0.feed, in: cursors) == nil }
            chosen = Array((followed + others).prefix(limits.epochsPerRegion)).sorted { $0.feed < $1.feed }
            problems.append(
                SyncError(
                    .tooManyEpochs,
                    """
                    \(node) lists \(epochs.count) living epochs of \(epochs[0].feed.region), \
                    \(limits.epochsPerRegion) are followed; the others wait until older ones end
                    """
                )
            )
        }
        entries += chosen
    }

    /// The cursor of a feed in an ascending list.
    static func cursor(of feed: FeedID, in cursors: [FeedCursor]) -> FeedCursor? {
        var low = 0
        var high = cursors.count
        while low < high {
            let middle = (low + high) / 2
            if cursors[middle].feed < feed { low = middle + 1 } else { high = middle }
        }
        return low < cursors.count && cursors[low].feed == feed ? cursors[low] : nil
    }
}
