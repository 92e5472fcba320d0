import FeedFormat
import Replication

/// What must hold of queues and memory. Looked at once a minute, so that what grows without an end is found.
extension Simulation {
    func checkLoad(of index: Int) {
        guard let load = nodes[index].process?.replica.currentLoad else { return }
        if load.heldBack > 0 { reach(.heldBackEpoch) }
        let regions = rosters.newest.roster.regions.count
        let links = 2 * nodes[index].pipes.count + 4
        // What peers may speak of, and what is held.
        let feeds = nodes[index].disk.feeds.count + links * regions * 64
        bound(load.links, links, "links", index)
        bound(load.feeds, feeds, "feeds", index)
        bound(load.adverts, links * regions * 64, "adverts", index)
        bound(load.fetches, 2 * load.feeds, "fetches", index)
        bound(load.stores, load.feeds, "stores", index)
        bound(load.mostWaiting, 64, "batches of one feed that wait for the store", index)
        bound(load.waits, load.feeds, "waits", index)
        bound(load.indexes, regions, "indexes", index)
        bound(nodes[index].process?.writes.count ?? 0, load.feeds + 64, "transactions", index)
        for pipe in nodes[index].pipes {
            bound(pipes[pipe].link?.heldBytes ?? 0, options.outboxBytes, "bytes that wait for one link", index)
        }
    }

    /// More waits for a peer than may: its link is given up.
    func giveUp(_ pipe: Int, by index: Int) {
        if options.planted != .unboundedOutbox {
            reach(.linkLostToOutbox)
            drop(pipe, at: pipes[pipe].dialler, pipes[pipe].other)
        }
        checkLoad(of: index)
    }

    private func bound(_ count: Int, _ limit: Int, _ what: String, _ index: Int) {
        if count > limit { violate(.bounded, index, "\(count) \(what), more than \(limit)") }
    }
}
