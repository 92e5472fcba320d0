import ExposureKeys
import FeedFormat
import Replication

extension InMemoryNetwork {
    /// What a node's shell does with a roster that closes keys: behind all stores under way, it cuts off what falls.
    func review(_ entry: RosterRegion, at index: Int) {
        let generation = nodes[index].generation
        after(options.storeDelay.upperBound + 1) { [self] in
            guard nodes[index].generation == generation else { return }
            nodes[index].review(entry)
            dispatch(.reviewed(entry.id, nodes[index].heldFeeds.filter { $0.feed.region == entry.id }), to: index)
        }
    }
}

extension NetworkNode {
    mutating func review(_ entry: RosterRegion) {
        for (feed, stored) in zip(disk.keys, disk.values) where feed.region == entry.id {
            let last = stored.frontier.size
            let newest = stored.first < last ? stored.batches[last - 1]?.checkpoint ?? [] : nil
            switch entry.verdict(on: feed.epoch, base: stored.base, leaves: stored.leaves, newest: newest) {
            case .stands: continue
            case .ends(let count): disk.update(feed) { $0.cut(to: count) }
            case .falls: disk[feed] = nil
            }
            visible[feed] = disk[feed]?.frontier.size
        }
    }
}

extension StoredFeed {
    mutating func cut(to count: UInt64) {
        guard count < frontier.size, count > base.size else { return }
        leaves.removeLast(Int(frontier.size - count))
        frontier = base
        for leaf in leaves { frontier.append(leaf) }
        first = min(first, count)
        for number in batches.keys where number >= count { batches[number] = nil }
        for size in frontiers.keys where size > count { frontiers[size] = nil }
    }

    /// Leaf hashes of all these numbers, or none.
    func leaves(_ numbers: Range<UInt64>) -> [Hash256] {
        guard base.size <= numbers.lowerBound, numbers.upperBound <= frontier.size else { return [] }
        return Array(leaves[Int(numbers.lowerBound - base.size)..<Int(numbers.upperBound - base.size)])
    }
}
