import FeedFormat
import Replication

/// A transaction under way to a disk of `InMemoryNetwork`.
struct NetworkStore {
    let batches: [ProvenBatch]
    let base: Frontier?
    let skipped: [Hash256]
}

/// Feeds whose newest batches came first, and those completed downwards.
extension StoredFeed {
    var bytes: UInt64 { batches.values.reduce(0) { $0 + UInt64($1.bytes.count) } }

    /// Batches that have never been here, though their hashes are.
    var gaps: [DamagedBatch] {
        (first..<frontier.size).compactMap { number in
            guard batches[number] == nil, let root = frontiers[number + 1]?.root else { return nil }
            return DamagedBatch(number: number, leaf: leaves[Int(number - base.size)], root: root)
        }
    }

    /// Puts hashes before the place where the feed begins.
    /// - Returns: what is wrong with it, nil if it was done.
    mutating func extend(from start: Frontier, _ skipped: [Hash256]) -> String? {
        guard first == base.size else { return "\(feed): is extended though batches were dropped" }
        guard start.size >= floor else { return "\(feed): is extended to what was dropped" }
        var frontier = start
        frontiers[frontier.size] = frontier
        for leaf in skipped {
            frontier.append(leaf)
            frontiers[frontier.size] = frontier
        }
        guard frontier == base else { return "\(feed): is extended by another history" }
        base = start
        first = start.size
        leaves = skipped + leaves
        return nil
    }
}

extension InMemoryNetwork {
    func extend(_ request: RequestID, _ feed: FeedID, base: Frontier, _ skipped: [Hash256], at index: Int) {
        let generation = nodes[index].generation
        after(Int64.random(in: options.storeDelay, using: &random)) { [self] in
            guard nodes[index].generation == generation else { return }
            if nodes[index].isDiskFull {
                return dispatch(.storeFailed(request, reason: "the disk is full"), to: index)
            }
            let reason = nodes[index].disk.update(feed) { $0.extend(from: base, skipped) }
            if let reason = reason ?? "no such feed" { violate("node \(index): \(reason)") }
            dispatch(.stored(request), to: index)
        }
    }

    /// Batches that a node should have and lacks, over all feeds.
    func lacking(at index: Int) -> Int { nodes[index].disk.values.reduce(0) { $0 + $1.gaps.count } }
}
