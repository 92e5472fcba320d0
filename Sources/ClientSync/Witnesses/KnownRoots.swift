internal import ExposureKeys
internal import FeedFormat

/// A Merkle root that this phone has proven or computed.
struct KnownRoot: Sendable, Equatable {
    let feed: FeedID
    let size: UInt64
    let root: Hash256
}

/// Roots by feed and size.
struct KnownRoots: Sendable {
    /// Ascending by feed and size.
    private let roots: [KnownRoot]

    init(_ roots: [KnownRoot]) {
        self.roots = roots.sorted { ($0.feed, $0.size) < ($1.feed, $1.size) }
    }

    subscript(feed: FeedID, size: UInt64) -> Hash256? {
        var low = 0
        var high = roots.count
        while low < high {
            let middle = (low + high) / 2
            if (roots[middle].feed, roots[middle].size) < (feed, size) { low = middle + 1 } else { high = middle }
        }
        guard low < roots.count, roots[low].feed == feed, roots[low].size == size else { return nil }
        return roots[low].root
    }
}

/// Sizes of feeds of which witnesses have given a root: where a sync passes one, it notes its own.
struct SizesOfInterest: Sendable {
    /// Ascending by feed and size.
    private let sizes: [(feed: FeedID, size: UInt64)]

    init(_ views: [IndexView] = []) {
        sizes = views.flatMap { $0.entries.map { ($0.feed, $0.count) } }.sorted { $0 < $1 }
    }

    func contains(_ feed: FeedID, _ size: UInt64) -> Bool {
        var low = 0
        var high = sizes.count
        while low < high {
            let middle = (low + high) / 2
            if sizes[middle] < (feed, size) { low = middle + 1 } else { high = middle }
        }
        return low < sizes.count && sizes[low] == (feed, size)
    }
}
