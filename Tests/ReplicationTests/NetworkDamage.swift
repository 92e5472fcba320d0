import FeedFormat
import Replication

/// Disks that rot, and their repair.
extension InMemoryNetwork {
    /// Batches of a feed rot on a node's disk, and the node notices.
    func damage(_ feed: FeedID, _ numbers: some Sequence<UInt64>, at index: Int) {
        var found: [DamagedBatch] = []
        for number in numbers {
            guard let batch = nodes[index].disk[feed]?.batches[number],
                let root = truth[feed]?.frontiers[number + 1]?.root
            else { continue }
            found.append(DamagedBatch(number: number, leaf: batch.leaf, root: root))
        }
        nodes[index].disk.update(feed) { stored in
            for batch in found { stored.damaged[batch.number] = batch }
        }
        dispatch(.damaged(feed, found), to: index)
    }

    func damaged(_ feed: FeedID, at index: Int) -> [UInt64] { nodes[index].disk[feed]?.damaged.keys ?? [] }

    func replace(_ request: RequestID, _ batches: [ProvenBatch], at index: Int) {
        let generation = nodes[index].generation
        after(Int64.random(in: options.storeDelay, using: &random)) { [self] in
            guard nodes[index].generation == generation else { return }
            if nodes[index].isDiskFull {
                return dispatch(.storeFailed(request, reason: "the disk is full"), to: index)
            }
            for batch in batches {
                guard let stored = nodes[index].disk[batch.feed], batch.number >= stored.first else { continue }
                if !stored.lacks(batch.number) { violate("node \(index) replaces what is whole") }
                if truth[batch.feed]?.batches[batch.number] != batch {
                    violate("node \(index) replaced batch \(batch.number) by another than was signed")
                }
                nodes[index].disk.update(batch.feed) { stored in
                    stored.damaged[batch.number] = nil
                    stored.batches[batch.number] = batch
                }
            }
            dispatch(.stored(request), to: index)
        }
    }
}
