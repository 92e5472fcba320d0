import ExposureKeys
import FeedFormat
import Replication

/// What must hold of a node's disk, and of what the node says of it.
extension Simulation {
    /// A transaction is about to become durable at a node.
    /// - Returns: the same batches, sharing their bytes with all other nodes.
    func checked(_ write: PendingWrite, at index: Int) -> PendingWrite {
        var shared: [ProvenBatch] = []
        for batch in write.batches {
            guard let genuine = truth.genuine(batch), genuine.bytes == batch.bytes,
                isSigned(batch, as: genuine, write.rosterVersion, at: index),
                truth.keys(of: batch) != nil || nodes[index].isHostile
            else {
                violate(.signed, index, "stored batch \(batch.number) of \(write.feed), which its region did not sign")
                return write
            }
            if batch.number < nodes[index].disk.record.dropped[write.feed] ?? 0 {
                violate(.dropped, index, "stored batch \(batch.number) of \(write.feed) again, which it had dropped")
            }
            if (try? Batch(batch.bytes))?.sections.last?.kind.number ?? 0 > 2 { reach(.unknownSection) }
            shared.append(batch.checkpoint == genuine.checkpoint ? genuine : batch)
        }
        return PendingWrite(
            feed: write.feed,
            batches: shared,
            base: write.base,
            skipped: write.skipped,
            request: write.request,
            rosterVersion: write.rosterVersion
        )
    }

    /// Whether a batch stands with a signature over it that counts under a roster, or stands by the roster's own word. As
    /// long as there is one roster, the signature with which it was made was checked then.
    private func isSigned(_ batch: ProvenBatch, as genuine: ProvenBatch, _ version: UInt64?, at index: Int) -> Bool {
        if nodes[index].isThief || !rosters.hasChanged && batch.checkpoint == genuine.checkpoint { return true }
        let roster = version.flatMap { rosters[$0] } ?? roster(of: index)
        if let standing = roster.region(batch.feed.region)?.standing(of: batch.feed.epoch) {
            return truth.contains(batch, in: standing)
        }
        return verifies(batch, under: roster)
    }

    func verifies(_ batch: ProvenBatch, at index: Int) -> Bool { verifies(batch, under: roster(of: index)) }

    func verifies(_ batch: ProvenBatch, under roster: Roster) -> Bool {
        let keys = roster.region(batch.feed.region)?.keys ?? []
        let note = try? memory.checkpoint(batch.checkpoint[...], batch.feed, keys)
        return note?.checkpoint.size == batch.number + 1
    }

    /// A feed at a node goes on from what it was, in a history that the region has signed.
    func checkRoot(_ feed: FeedID, at index: Int, isStored: Bool = true) {
        let stored = nodes[index].disk.feeds[feed]
        let former = nodes[index].disk.record.reached[feed] ?? stored?.base ?? Frontier()
        if !isStored, former.size == 0 { return }
        guard let frontier = stored?.frontier, former.size <= frontier.size else {
            return violate(.appendOnly, index, "holds \(stored?.count ?? 0) of \(feed) and has held \(former.size)")
        }
        guard truth.leads(former, to: frontier, in: feed) else {
            return violate(.appendOnly, index, "holds another history of \(feed) than was signed")
        }
        nodes[index].disk.record.reached[feed] = frontier
    }

    /// Batches below a number are about to be dropped.
    func checkDrop(of stored: StoredFeed, below first: UInt64, at index: Int, now: Interval) {
        for batch in stored.batches where batch.number < first {
            if !Expiry.isDropped(publishedAt: batch.publication, now: now) {
                violate(.kept, index, "drops batch \(batch.number) of \(stored.feed) before its time")
            }
        }
        nodes[index].disk.record.dropped[stored.feed] = first
        nodes[index].disk.record.droppedAt = max(nodes[index].disk.record.droppedAt, now)
    }

    /// A disk holds what it held: when a process starts over it, and in the end.
    func checkDisk(of index: Int) {
        let record = nodes[index].disk.record
        for (feed, frontier) in zip(record.reached.keys, record.reached.values) {
            if frontier.size > record.dropped[feed] ?? 0 { checkRoot(feed, at: index) }
        }
        for (feed, count) in zip(record.acknowledged.keys, record.acknowledged.values) {
            let held = nodes[index].disk.feeds[feed]
            if max(held?.count ?? 0, record.dropped[feed] ?? 0) < count || held?.first ?? 0 > record.dropped[feed] ?? 0
            {
                violate(.acknowledged, index, "has lost uploads of \(feed), of which \(count) were acknowledged")
            }
        }
    }

    /// What a replica is about to send must be durable at its node.
    func check(_ frame: LinkFrame, from index: Int) {
        if nodes[index].isHostile { return }
        switch frame {
        case .adverts(let adverts):
            for advert in adverts { checkClaim(of: advert.first..<advert.count, advert.feed, by: index) }
        case .holdings(let part, _):
            for entry in part.entries { checkClaim(of: entry.first..<entry.count, entry.feed, by: index) }
        case .batch(let pushed):
            let number = (try? Batch(pushed.bytes))?.number
            if number.flatMap({ nodes[index].disk.feeds[pushed.feed]?.batch($0) })?.bytes != pushed.bytes {
                violate(.durableBeforeClaimed, index, "pushes a batch of \(pushed.feed) that it does not hold")
            }
        default:
            break
        }
    }

    private func checkClaim(of numbers: Range<UInt64>, _ feed: FeedID, by index: Int) {
        let held = nodes[index].disk.count(of: feed)
        if numbers.upperBound > held {
            violate(.durableBeforeClaimed, index, "claims \(numbers.upperBound) of \(feed) and holds \(held)")
        }
        if let gap = nodes[index].disk.feeds[feed]?.gaps.last, numbers.contains(gap) {
            violate(.durableBeforeClaimed, index, "claims batch \(gap) of \(feed), which has never come")
        }
    }
}
