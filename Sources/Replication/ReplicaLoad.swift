package import ExposureKeys

/// How much a replica remembers, for those who check that it stays within bounds.
package struct ReplicaLoad: Equatable, Sendable {
    package let feeds: Int
    package let links: Int
    /// What peers say that they hold, over all links.
    package let adverts: Int
    package let fetches: Int
    package let stores: Int
    package let repairs: Int
    /// Feeds that wait for a time.
    package let waits: Int
    package let indexes: Int
    /// Most proven batches of one feed that wait for a store to end.
    package let mostWaiting: Int
    /// Feeds that are kept out because their region has too many, and those of which nothing is taken any more.
    package let heldBack: Int
    package let blocked: Int
}

extension Replica {
    package var currentLoad: ReplicaLoad {
        var (adverts, mostWaiting, heldBack, blocked) = (0, 0, 0, 0)
        for position in links.values.indices { adverts += links.values[position].holds.count }
        for position in feeds.values.indices {
            mostWaiting = max(mostWaiting, feeds.values[position].waiting.count)
            if feeds.values[position].isHeldBack { heldBack += 1 }
            if feeds.values[position].isBlocked { blocked += 1 }
        }
        return ReplicaLoad(
            feeds: feeds.count,
            links: links.count,
            adverts: adverts,
            fetches: fetches.count,
            stores: stores.count,
            repairs: repairs.count,
            waits: waits.count,
            indexes: indexes.count,
            mostWaiting: mostWaiting,
            heldBack: heldBack,
            blocked: blocked
        )
    }

    /// What this node takes a peer to hold, in the order of feeds, over the oldest link with it.
    package func holdings(of peer: Region) -> [Advert] {
        let known = links.values.first { $0.peer == peer }?.holds.values ?? []
        return known.filter { $0.first < $0.count }
    }
}
