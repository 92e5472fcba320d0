import FeedFormat
import Replication

/// Bytes that change on a disk. The store finds them when it reads, serves them no more and says so.
extension Simulation {
    func rot(_ index: Int, batches count: Int) {
        for _ in 0..<count {
            let living = nodes[index].disk.feeds.values.filter(\.isLiving)
            guard !living.isEmpty else { return }
            let stored = living[chances[index].below(living.count)]
            let number = stored.first + UInt64(chances[index].below(Int(stored.count - stored.first)))
            if stored.batch(number) == nil { continue }
            note(index, "can no more read batch \(number) of \(stored.feed)")
            nodes[index].disk.feeds.update(stored.feed) { $0.damaged[number] = true }
            reportDamage(of: stored.feed, at: index)
        }
    }

    /// What a node learns of one feed's damage, when it is found and at every start.
    func reportDamage(of feed: FeedID, at index: Int) {
        guard let stored = nodes[index].disk.feeds[feed] else { return }
        let damaged = stored.damaged.keys.compactMap { number in
            stored.leaf(number).flatMap { leaf in
                stored.frontier(at: number + 1).map { DamagedBatch(number: number, leaf: leaf, root: $0.root) }
            }
        }
        if !damaged.isEmpty { dispatch(.damaged(feed, damaged), to: index) }
    }

    /// Damaged batches have come again.
    func replace(_ request: RequestID, _ batches: [ProvenBatch], at index: Int) {
        for batch in batches {
            guard truth.genuine(batch)?.bytes == batch.bytes,
                nodes[index].disk.feeds[batch.feed]?.leaf(batch.number) == batch.leaf
            else {
                return violate(.signed, index, "replaces batch \(batch.number) of \(batch.feed) by another one")
            }
            nodes[index].disk.feeds.update(batch.feed) { stored in
                if stored.damaged[batch.number] == nil { reach(.filledGap) }
                stored.damaged[batch.number] = nil
                stored.fill(batch)
            }
        }
        dispatch(.stored(request), to: index)
    }
}
