import ExposureKeys
import FeedFormat
import Replication

/// A thief of a region's key: a process like the region's own, over a copy of its disk, that signs what it likes.
extension Simulation {
    func startThief(of node: Int, place: Int, opensEpochs: Bool, for duration: Int64) {
        let index = startCopy(of: node, place: place, for: duration)
        nodes[index].isHostile = true
        nodes[index].isThief = true
        nodes[index].disk.record = DiskRecord()
        note(index, "has the key of node \(node)")
        if !opensEpochs { contradict(index) }
        var moment = now
        while moment < now + duration {
            moment += chances[index].draw(Plan.second...10 * Plan.minute)
            agenda.add(at: moment, .forge(node: index, opensEpochs: opensEpochs))
        }
    }

    /// What the region signed last is replaced by something else, before anybody can ask the thief.
    private func contradict(_ index: Int) {
        guard let stored = newestEpoch(of: index), stored.count - stored.first > 1 else { return }
        nodes[index].disk.feeds.update(stored.feed) { $0.cut(to: $0.count - 1) }
        guard let batch = forgedBatch(by: index) else { return }
        commit(PendingWrite(feed: batch.feed, batches: [batch], base: nil, request: nil), at: index)
    }

    func forge(_ index: Int, opensEpochs: Bool) {
        guard nodes[index].process != nil else { return }
        // In an epoch of his own he is a region like others.
        if opensEpochs || newestEpoch(of: index) == nil { return publish(index, forgedKeys(by: index)) }
        guard let batch = forgedBatch(by: index) else { return }
        write(PendingWrite(feed: batch.feed, batches: [batch], base: nil, request: nil), at: index)
    }

    func forgedKeys(by index: Int) -> [DiagnosisKey] {
        let end = nodes[index].clock(at: now).interval.advanced(by: -Expiry.publicationDelay)
        let start = end.advanced(by: -Interval.perDay)
        let metadata = KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed)
        let data = KeyData(high: chances[index].next(), low: chances[index].next())
        return metadata.map { [DiagnosisKey(data: data, metadata: $0)] } ?? []
    }

    /// Another end of the region's newest epoch.
    private func forgedBatch(by index: Int) -> ProvenBatch? {
        guard let stored = newestEpoch(of: index) else { return nil }
        let time = nodes[index].clock(at: now)
        let pen = Pen(stored, nodes[index].signer)
        let keys = forgedKeys(by: index)
        guard let batch = try? pen.batch(keys, publication: time.interval, time: time.milliseconds / 1000) else {
            violate(.orderly, index, "could not forge")
            return nil
        }
        truth.forge(batch, after: stored.frontier)
        reach(.forgedHistory)
        note(index, "forges batch \(batch.number) of \(batch.feed)")
        return batch
    }

    /// Whether a transaction does not go on where its feed ends, because somebody else has signed there.
    func isContested(_ write: PendingWrite, at index: Int) -> Bool {
        guard let first = write.batches.first else {
            // Batches may have been dropped meanwhile.
            var stored = nodes[index].disk.feeds[write.feed]
            return stored?.extend(from: write.base ?? Frontier(), write.skipped) != nil
        }
        guard write.base == nil else { return false }
        return first.number != nodes[index].disk.count(of: write.feed) + UInt64(write.skipped.count)
            && (nodes[index].isHostile || truth.isForked(write.feed))
    }
}
