import ExposureKeys
import FeedFormat
import Replication

/// Whether all nodes hold the same in the end.
extension Simulation {
    /// What keeps the nodes from holding the same; nil if they do. What was published under a clock too far ahead may
    /// wait: nobody needs to have it yet. Of a region whose histories contradict each other everybody keeps what he has, and of a
    /// region with too many epochs those that came first.
    /// - Parameter time: what could not be admitted then is not looked at.
    func differences(asOf time: Int64) -> String? {
        if let late = rosterDifference() { return late }
        let due = dueBatches(asOf: time)
        for (feed, batches) in zip(due.keys, due.values) {
            guard let last = batches.last else { continue }
            let count = last.number + 1
            for (index, node) in nodes.enumerated() where node.process != nil && node.disk.count(of: feed) < count {
                return "\(node.region) (node \(index)) holds \(node.disk.count(of: feed)) of \(feed), others \(count)"
                    + " of \(truth.histories[feed]?.first?.size ?? 0) signed"
            }
            if let gap = gap(in: feed) { return gap }
        }
        return nil
    }

    /// What everybody must have of each feed in the end: as much as some node has. Of a feed in which its region has signed
    /// what nobody may take, nodes that went on in order have what lies before, those that left it out what lies behind.
    func dueBatches(asOf time: Int64) -> SortedMap<FeedID, [ProvenBatch]> {
        let interval = Timestamp(milliseconds: Simulation.startUnix + time / 1000).interval
        let running = nodes.filter { $0.process != nil }
        var result = SortedMap<FeedID, [ProvenBatch]>()
        for feed in truth.histories.keys where !isOpenlyForked(feed.region) {
            var due: [ProvenBatch] = []
            for stored in running.compactMap({ $0.disk.feeds[feed] }) where stored.isLiving {
                if let last = due.last, stored.count <= last.number + 1 { continue }
                // Also what lies behind one that has rotted.
                let admitted = stored.batches.prefix {
                    Expiry.admission(publishedAt: $0.publication, now: interval) == .admit
                        && truth.keys(of: $0) != nil
                }.filter { stored.damaged[$0.number] == nil }
                if let last = admitted.last, last.number >= due.last?.number ?? 0 { due = admitted }
            }
            // Who has but a part of what a roster lets stand cannot prove it to others.
            let standing = standing(of: feed)?.size ?? 0
            if let last = due.last, last.number + 1 < standing { continue }
            let isParted =
                truth.unreadable[feed] != nil && running.contains { $0.disk.feeds[feed]?.gaps.isEmpty == false }
            if !due.isEmpty, !isCrowded(feed.region), !isParted { result[feed] = due }
        }
        return result
    }

    /// A batch that one node has and another one lacks in the middle of its own, or before them.
    private func gap(in feed: FeedID) -> String? {
        let running = nodes.filter { $0.process != nil }
        for node in running {
            guard let lacking = node.disk.feeds[feed]?.lacking, !lacking.isEmpty else { continue }
            for number in lacking {
                let holder = running.first {
                    $0.disk.feeds[feed]?.batch(number).map { truth.keys(of: $0) != nil } ?? false
                }
                if let holder { return "\(node.region) lacks batch \(number) of \(feed), which \(holder.region) has" }
            }
        }
        return nil
    }

    private func isCrowded(_ region: Region) -> Bool {
        let epochs = truth.histories.keys.filter { $0.region == region }
        guard epochs.count > FormatLimits.epochsPerRegion else { return false }
        let living = epochs.filter { feed in nodes.contains { $0.disk.feeds[feed]?.isLiving ?? false } }
        return living.count > FormatLimits.epochsPerRegion
    }
}
