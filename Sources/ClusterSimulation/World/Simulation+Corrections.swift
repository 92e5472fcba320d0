import ExposureKeys
import FeedFormat
import Replication

/// Operators who correct what their region has said of a key, and what must come of it.
extension Simulation {
    /// Says of some keys that the region has reported that symptoms began on another day. What lies in batches from a
    /// clock that was ahead is corrected as well: its operator knows nothing of that.
    func correct(_ index: Int, keys count: Int) {
        guard let ledger = nodes[index].process?.record.ledger, !nodes[index].isThief else { return }
        let interval = nodes[index].clock(at: now).interval
        let known = (ledger.standing.keys + ledger.ahead.map(\.key)).filter {
            $0.metadata.reportType != .revoked
                && interval.distance(from: $0.metadata.end) < Expiry.batchLifetime
        }
        guard !known.isEmpty else { return }
        let corrected: [DiagnosisKey] = (0..<count).compactMap { _ in
            let key = known[ways.below(known.count)]
            corrections += 1
            let metadata = key.metadata
            // One that no report of it has had.
            return KeyMetadata(
                rollingStart: metadata.rollingStart,
                rollingPeriod: metadata.rollingPeriod,
                reportType: metadata.reportType,
                daysSinceOnset: corrections % 8000
            ).map { DiagnosisKey(data: key.data, metadata: $0) }
        }
        note(index, "corrects \(corrected.count.counted("report"))")
        publish(index, corrected)
    }

    /// Notes what an honest region has said last of each key: it is durable, whether or not its operator has heard so.
    func noteSaid(_ batches: [ProvenBatch], at index: Int) {
        guard isCorrecting, !nodes[index].isThief, nodes[index].home == index else { return }
        for batch in batches where batch.feed.region == nodes[index].region { truth.say(batch) }
    }

    /// What some node shows of a key although its region has said something else later; nil if there is nothing. Of a
    /// region with batches from a clock that was ahead, only once their time has come and they are answered.
    func correctionDifference() -> String? {
        guard isCorrecting else { return nil }
        for (home, owner) in nodes.enumerated() where owner.home == home {
            guard owner.process?.record.ahead.isEmpty == true, !owner.mayForget, !owner.isHostile,
                let said = truth.said[owner.region]
            else { continue }
            for (index, node) in nodes.enumerated() where node.process != nil {
                let view = merged(owner.region, at: index)
                for key in said.keys {
                    guard let shown = view.report(of: key.identity)?.key, shown != key else { continue }
                    return "\(node.region) (node \(index)) shows another report than the last of \(owner.region)"
                }
            }
        }
        return nil
    }

    private func merged(_ region: Region, at index: Int) -> RegionKeys {
        var view = RegionKeys()
        for feed in nodes[index].disk.feeds.values where feed.feed.region == region {
            for batch in feed.batches { if let keys = truth.keys(of: batch) { view.join(keys) } }
        }
        return view
    }
}
