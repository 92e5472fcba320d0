import ExposureKeys
import FeedFormat
import Replication

/// Checks of invariants while a simulation runs.
extension Simulation {
    /// A transaction is about to become durable at a node.
    /// - Returns: the same batches, sharing their bytes with all other nodes.
    func checked(_ write: PendingWrite, at index: Int) -> PendingWrite {
        let keys = roster.region(write.feed.region)?.keys ?? []
        var shared: [ProvenBatch] = []
        for batch in write.batches {
            guard let genuine = truth.genuine(batch), genuine.bytes == batch.bytes,
                (try? memory.checkpoint(batch.checkpoint[...], write.feed, keys))?.checkpoint.size == batch.number + 1
            else {
                violate(.signed, index, "stored batch \(batch.number) of \(write.feed), which its region did not sign")
                return write
            }
            shared.append(batch.checkpoint == genuine.checkpoint ? genuine : batch)
        }
        return PendingWrite(feed: write.feed, batches: shared, base: write.base, request: write.request)
    }

    /// A feed at a node has grown: its root is that of what the region signed.
    func checkRoot(_ feed: FeedID, at index: Int) {
        guard let stored = nodes[index].disk.feeds[feed], let leaves = truth.signed[feed] else { return }
        guard stored.count <= UInt64(leaves.count) else {
            return violate(
                .appendOnly,
                index,
                "holds \(stored.count) batches of \(feed), of which \(leaves.count) exist"
            )
        }
        // Its own leaves lead to its root; equal leaves at equal places make equal roots.
        let start = Int(stored.base.size)
        if !stored.leaves.elementsEqual(leaves[start..<Int(stored.count)]) {
            violate(.appendOnly, index, "holds another history of \(feed) than was signed")
        }
    }

    /// What a replica is about to send must be durable at its node.
    func check(_ frame: LinkFrame, from index: Int) {
        switch frame {
        case .adverts(let adverts):
            for advert in adverts where advert.count > nodes[index].disk.count(of: advert.feed) {
                violate(
                    .durableBeforeClaimed,
                    index,
                    "claims \(advert.count) of \(advert.feed) and holds \(nodes[index].disk.count(of: advert.feed))"
                )
            }
        case .batch(let pushed):
            let number = (try? Batch(pushed.bytes))?.number
            if number.flatMap({ nodes[index].disk.feeds[pushed.feed]?.batch($0) })?.bytes != pushed.bytes {
                violate(.durableBeforeClaimed, index, "pushes a batch of \(pushed.feed) that it does not hold")
            }
        default:
            break
        }
    }

    /// What keeps the nodes from holding the same; nil if they do. What was published under a clock too far ahead may
    /// wait: nobody needs to have it yet.
    func differences() -> String? {
        let interval = Timestamp(milliseconds: Simulation.startUnix + now / 1000).interval
        let running = nodes.filter { $0.process != nil }
        for (feed, leaves) in zip(truth.signed.keys, truth.signed.values) {
            var due: UInt64 = 0
            for stored in running.compactMap({ $0.disk.feeds[feed] }) where stored.isLiving && stored.count > due {
                let admitted = stored.batches.prefix {
                    Expiry.admission(publishedAt: $0.publication, now: interval) == .admit
                }
                if !admitted.isEmpty { due = max(due, stored.first + UInt64(admitted.count)) }
            }
            guard due > 0 else { continue }
            for (index, node) in nodes.enumerated() where node.process != nil && node.disk.count(of: feed) < due {
                return "\(node.region) (node \(index)) holds \(node.disk.count(of: feed)) of \(feed), others \(due)"
                    + " of \(leaves.count) signed"
            }
        }
        return nil
    }

    /// Every node's batches, merged in any order, give the plain fold of all that is held.
    func checkMerging() {
        for index in nodes.indices where nodes[index].process != nil {
            for home in nodes.indices where nodes[home].home == home {
                checkMerging(of: nodes[home].region, at: index)
            }
        }
    }

    private func checkMerging(of region: Region, at index: Int) {
        var states: [RegionKeys] = []
        var reports: [DiagnosisKey] = []
        for stored in nodes[index].disk.feeds.values where stored.feed.region == region {
            for batch in stored.batches {
                guard let keys = try? Batch(batch.bytes).keys() else {
                    return violate(.merged, index, "holds a batch of \(stored.feed) that cannot be read")
                }
                states.append(RegionKeys(joining: keys))
                reports += keys
            }
        }
        var merged = RegionKeys()
        while !states.isEmpty { merged.join(states.remove(at: ways.below(states.count))) }
        // The plain way: of all reports on one key the highest.
        let sorted = reports.sorted { ($0.identity, $0.metadata.packed) < ($1.identity, $1.metadata.packed) }
        var highest: [DiagnosisKey] = []
        for key in sorted {
            if highest.last?.identity == key.identity { highest.removeLast() }
            highest.append(key)
        }
        if merged.keys != highest { violate(.merged, index, "merges the batches of \(region) to something else") }
    }
}
