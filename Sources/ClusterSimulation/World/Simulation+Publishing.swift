import ExposureKeys
import FeedFormat
import Replication

/// Publishing as a node does it: what is new, in the open epoch or a new one, durable before anybody hears of it.
extension Simulation {
    /// As in a node: a jump of the clock by more means that this may be a second life of the same memory.
    static let clockJump: Int64 = 60_000

    func publish(_ index: Int, keys count: Int, revocations: Int) {
        guard nodes[index].process != nil, nodes[index].pausedUntil <= now else { return }
        let time = nodes[index].clock(at: now)
        let keys = newKeys(count, endingBy: time.interval) + self.revocations(revocations, at: index, time.interval)
        let reports = RegionKeys(joining: keys)
        guard let news = nodes[index].process?.published.news(in: reports), !news.isEmpty else { return }
        openEpoch(index, time)
        guard var writer = nodes[index].process?.writer else { return }
        do throws(FormatError) {
            let seconds = time.milliseconds / 1000
            let written = try writer.publish(news, publication: time.interval, time: seconds)
            let batches = written.map { ProvenBatch($0, feed: writer.feed) }
            for batch in batches where !truth.sign(batch) {
                violate(.oneNumberOneBatch, index, "signs a second batch \(batch.number) of \(batch.feed)")
            }
            nodes[index].process?.writer = writer
            note(index, "publishes \(news.count) keys as batch \(batches[0].number) of \(writer.feed)")
            write(PendingWrite(feed: writer.feed, batches: batches, base: nil, request: nil), at: index)
        } catch {
            violate(.orderly, index, "could not publish: \(error)")
        }
    }

    /// Begins an epoch unless the open one may be signed in.
    private func openEpoch(_ index: Int, _ time: Timestamp) {
        let lead = nodes[index].lead
        if let writer = nodes[index].process?.writer, let process = nodes[index].process,
            abs(lead - process.epochLead) <= Simulation.clockJump,
            nodes[index].disk.count(of: writer.feed) <= writer.frontier.size
        {
            return
        }
        let region = nodes[index].region
        let random = UInt32(truncatingIfNeeded: chances[index].next())
        let epoch = Epoch(startUnixSeconds: time.milliseconds / 1000, random: random)
        let living = nodes[index].disk.feeds.values.filter { $0.feed.region == region && $0.isLiving }
        nodes[index].process?.epochLead = lead
        let writer = FeedWriter(
            beginning: FeedID(region: region, epoch: epoch),
            predecessors: living.map(\.feed.epoch),
            signer: nodes[index].signer
        )
        nodes[index].process?.writer = writer
    }

    private func newKeys(_ count: Int, endingBy end: Interval) -> [DiagnosisKey] {
        (0..<count).compactMap { _ in
            let start = end.advanced(by: -Interval.perDay - ways.draw(0...3))
            guard let metadata = KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed) else {
                return nil
            }
            return DiagnosisKey(data: KeyData(high: ways.next(), low: ways.next()), metadata: metadata)
        }
    }

    /// Withdraws some keys that this region published.
    private func revocations(_ count: Int, at index: Int, _ now: Interval) -> [DiagnosisKey] {
        guard let published = nodes[index].process?.published.keys, !published.isEmpty else { return [] }
        return (0..<count).compactMap { _ in
            let key = published[ways.below(published.count)]
            guard Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: now),
                let metadata = KeyMetadata(
                    rollingStart: key.metadata.rollingStart,
                    rollingPeriod: key.metadata.rollingPeriod,
                    reportType: .revoked
                )
            else { return nil }
            return DiagnosisKey(data: key.data, metadata: metadata)
        }
    }

    func rebuildPublished(_ index: Int) {
        let region = nodes[index].region
        for feed in nodes[index].disk.feeds.values where feed.feed.region == region {
            joinPublished(feed.batches, at: index)
        }
    }

    /// Own batches, also those that came back from others.
    func joinPublished(_ batches: [ProvenBatch], at index: Int) {
        guard batches.first?.feed.region == nodes[index].region else { return }
        for batch in batches {
            guard let keys = try? Batch(batch.bytes).keys() else { continue }
            nodes[index].process?.published.join(RegionKeys(joining: keys))
        }
    }
}
