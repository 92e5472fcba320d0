import FeedFormat
import Replication

/// Power that fails in the middle of a transaction, and what a start makes of it.
extension Simulation {
    /// The oldest transaction is half on the disk when the process ends.
    func losePower(_ index: Int, down: Int64) {
        // It may as well have got nothing to the disk, or all of it without anybody having been told.
        let durable = chances[index].below(3)
        if durable < 2 || nodes[index].process?.writes.first?.batches.isEmpty == true {
            nodes[index].tearing = nil
            nodes[index].downUntil = now + down
            crash(index, durable: min(durable, 1))
            return agenda.add(at: now + down, .start(node: index))
        }
        guard let write = nodes[index].process?.writes.first, let last = write.batches.last else { return }
        nodes[index].tearing = nil
        note(index, "loses power while it stores \(write.feed)")
        let part = ProvenBatch(
            feed: last.feed,
            number: last.number,
            publication: last.publication,
            bytes: Array(last.bytes.prefix(last.bytes.count / 2)),
            leaf: last.leaf,
            checkpoint: last.checkpoint
        )
        let batches = write.batches.dropLast() + [part]
        nodes[index].process?.writes = []
        nodes[index].downUntil = now + down
        crash(index)
        nodes[index].disk.torn = PendingWrite(
            feed: write.feed,
            batches: Array(batches),
            base: write.base,
            skipped: write.skipped,
            request: nil
        )
        agenda.add(at: now + down, .start(node: index))
    }

    /// What a store does when it is opened: a transaction that is not whole is none.
    func recoverDisk(of index: Int) {
        let torn = nodes[index].disk.torn
        nodes[index].disk.torn = nil
        if torn != nil { reach(.rolledBackTornWrite) }
        if let torn, options.planted == .keepsTornWrites { commit(torn, at: index) }
        if options.planted == .forgetsUpload { forgetUpload(at: index) }
        if options.planted == .readmitsDropped {
            for feed in nodes[index].disk.feeds.values where !feed.isLiving { nodes[index].disk.feeds[feed.feed] = nil }
        }
    }
}
