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
        ReplicaLoad(
            feeds: feeds.count,
            links: links.count,
            adverts: links.values.reduce(0) { $0 + $1.holds.count },
            fetches: fetches.count,
            stores: stores.count,
            repairs: repairs.count,
            waits: waits.count,
            indexes: indexes.count,
            mostWaiting: feeds.values.map(\.waiting.count).max() ?? 0,
            heldBack: feeds.values.reduce(0) { $0 + ($1.isHeldBack ? 1 : 0) },
            blocked: feeds.values.reduce(0) { $0 + ($1.isBlocked ? 1 : 0) }
        )
    }
}
