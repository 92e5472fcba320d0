package import ExposureKeys
package import Replication

/// Which links with one region may stay: a region has two at most, for a node and a second copy of it, and one once
/// three quarters of all places are taken, so that the others are left for regions that have none. The newest stay: an
/// old one may be dead without this node's knowing it.
package struct LinkPlaces {
    private let limit: Int
    private var regions: [LinkID: Region?] = [:]

    package init(limit: Int) {
        self.limit = limit
    }

    package var isFull: Bool { regions.count >= limit }

    /// Takes in a new link.
    /// - Parameter region: the one that the peer's certificate names, or that was dialled; nil if nothing proves it, and
    ///   then nothing follows from what the peer calls itself.
    /// - Returns: links that must be closed for it; they count no more.
    package mutating func open(_ link: LinkID, with region: Region?) -> [LinkID] {
        regions[link] = .some(region)
        guard let region else { return [] }
        let held = regions.filter { $0.value == region }.keys.sorted()
        let surplus = Array(held.dropLast(regions.count * 4 > limit * 3 ? 1 : 2))
        for link in surplus { regions[link] = nil }
        return surplus
    }

    package mutating func close(_ link: LinkID) {
        regions[link] = nil
    }

    /// Whether a new link with this region takes no further place.
    package func replaces(with region: Region?) -> Bool {
        guard let region else { return false }
        return regions.values.contains(region)
    }
}
