import ExposureKeys
import FeedFormat
import Replication

/// Publishing as a node does it: what is new, in the open epoch or a new one, durable before anybody hears of it.
extension Simulation {
    /// As in a node: a jump of the clock by more means that this may be a second life of the same memory.
    static let clockJump: Int64 = 60_000

    func publish(_ index: Int, keys count: Int, revocations: Int) {
        guard nodes[index].process != nil, nodes[index].pausedUntil <= now else { return }
        let interval = nodes[index].clock(at: now).interval
        publish(
            index,
            newKeys(count, endingBy: interval.advanced(by: -Expiry.publicationDelay))
                + self.revocations(revocations, at: index, interval)
        )
    }

    /// Publishes what is new, and holds what must wait.
    func publish(_ index: Int, _ keys: [DiagnosisKey]) {
        guard nodes[index].process != nil, nodes[index].pausedUntil <= now, maySign(index) else { return }
        let time = moment(index)
        guard let selection = nodes[index].process?.record.ledger.selection(of: keys, at: time.interval) else { return }
        nodes[index].disk.held += selection.held
        write(selection.news, due: nil, time, at: index)
    }

    /// Publishes what has come due: as a node does every minute.
    func publishDue(_ index: Int) {
        guard nodes[index].process != nil, maySign(index) else { return }
        let time = moment(index)
        guard !nodes[index].disk.held.isEmpty || nodes[index].process?.record.ahead.isEmpty == false else { return }
        let waiting = nodes[index].disk.held.filter { $0.due <= time.interval }
        guard var due = nodes[index].process?.record.due(waiting, at: time.interval) else { return }
        if options.planted == .leavesReportsAhead { due.answers = [] }
        let hasTimeCome = nodes[index].process?.record.hasTimeCome(at: time.interval) ?? false
        if waiting.isEmpty, due.answers.isEmpty, !hasTimeCome { return }
        if !due.answers.isEmpty { reach(.answeredAhead) }
        let publication = PendingWrite.DuePublication(waiting: waiting, held: due.selection.held, time: time.interval)
        if !write(due.news, due: publication, time, at: index) { finish(publication, at: index) }
    }

    /// What was due is durable.
    func finish(_ due: PendingWrite.DuePublication, at index: Int) {
        nodes[index].disk.held.removeAll { due.waiting.contains($0) }
        nodes[index].disk.held += due.held
        guard nodes[index].process?.record.timeHasCome(at: due.time) == true else { return }
        nodes[index].disk.ahead = nodes[index].process?.record.ahead ?? []
    }

    /// Now, by the node's clock. If that has been set back behind what counted as published, what counts is read anew.
    private func moment(_ index: Int) -> Timestamp {
        let time = nodes[index].clock(at: now)
        if nodes[index].process?.record.isAhead(of: time.interval) == true { rebuildPublished(index) }
        return time
    }

    /// Signs, and has it stored.
    /// - Returns: false if there is nothing to store, or it could not be signed.
    @discardableResult
    private func write(
        _ news: [DiagnosisKey],
        due: PendingWrite.DuePublication?,
        _ time: Timestamp,
        at index: Int
    ) -> Bool {
        if news.isEmpty { return false }
        openEpoch(index, time)
        guard var writer = nodes[index].process?.writer else { return false }
        do throws(FormatError) {
            let seconds = time.milliseconds / 1000
            var batches: [ProvenBatch]
            if options.planted == .signsInAnOldEpoch, let old = newestEpoch(of: index) {
                batches = [try Pen(old, nodes[index].signer).batch(news, publication: time.interval, time: seconds)]
            } else {
                batches = try writer.publish(news, publication: time.interval, time: seconds)
                nodes[index].process?.writer = writer
            }
            return hand(over: batches, of: news.count, due: due, at: index)
        } catch {
            violate(.orderly, index, "could not publish: \(error)")
            return false
        }
    }

    private func hand(
        over batches: [ProvenBatch],
        of count: Int,
        due: PendingWrite.DuePublication?,
        at index: Int
    ) -> Bool {
        for batch in batches where !truth.sign(batch) {
            violate(.oneNumberOneBatch, index, "signs a second batch \(batch.number) of \(batch.feed)")
        }
        for batch in batches where !nodes[index].isThief && !verifies(batch, at: index) {
            violate(.signed, index, "signs what does not verify")
        }
        guard let feed = batches.first?.feed else { return false }
        if nodes[index].isThief { truth.steal(feed) }
        note(index, "publishes \(count.counted("key")) as batch \(batches[0].number) of \(feed)")
        var write = PendingWrite(feed: feed, batches: batches, base: nil, request: nil)
        write.due = due
        self.write(write, at: index)
        return true
    }

    /// Begins an epoch unless the open one may be signed in.
    private func openEpoch(_ index: Int, _ time: Timestamp) {
        let lead = nodes[index].lead
        if let process = nodes[index].process, let writer = process.writer {
            let hasJumped = abs(lead - process.epochLead) > Simulation.clockJump
            // As a publisher learns what is proven before it is stored.
            let hasMet =
                nodes[index].disk.count(of: writer.feed) > writer.frontier.size
                || process.writes.contains { $0.feed == writer.feed && $0.request != nil }
            if hasJumped { reach(.reopenedAfterClockJump) } else if hasMet { reach(.reopenedAfterCopy) }
            if !hasMet, !hasJumped || options.planted == .ignoresClockJumps { return }
        }
        let region = nodes[index].region
        let random = UInt32(truncatingIfNeeded: chances[index].next())
        let epoch = Epoch(startUnixSeconds: time.milliseconds / 1000, random: random)
        let living = nodes[index].disk.feeds.values.filter { $0.feed.region == region && $0.isLiving }
        nodes[index].process?.epochLead = lead
        let writer = EpochWriter(
            FeedID(region: region, epoch: epoch),
            predecessors: living.map(\.feed.epoch),
            signer: nodes[index].signer,
            release: nodes[index].release
        )
        nodes[index].process?.writer = writer
    }

    /// Keys of a day each, the newest of which ends at a time and the others up to 18 hours before.
    private func newKeys(_ count: Int, endingBy end: Interval) -> [DiagnosisKey] {
        (0..<count).compactMap { _ in
            let start = end.advanced(by: -Interval.perDay - 6 * Interval.perHour * ways.draw(0...3))
            guard let metadata = KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed) else {
                return nil
            }
            return DiagnosisKey(data: KeyData(high: ways.next(), low: ways.next()), metadata: metadata)
        }
    }

    /// Withdraws some keys that this region published.
    private func revocations(_ count: Int, at index: Int, _ now: Interval) -> [DiagnosisKey] {
        guard let published = nodes[index].process?.record.ledger.standing.keys, !published.isEmpty else { return [] }
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

    /// Withdraws some keys of other regions, as far as this one can.
    func othersRevoked(_ count: Int, at index: Int) -> [DiagnosisKey] {
        let region = nodes[index].region
        let interval = nodes[index].clock(at: now).interval
        let foreign = nodes[index].disk.feeds.values.filter { $0.feed.region != region }.flatMap(\.batches)
        let keys = foreign.compactMap { truth.keys(of: $0)?.keys.first }.filter {
            $0.metadata.reportType != .revoked && Expiry.mayCarry(keyEnding: $0.metadata.end, publishedAt: interval)
        }
        return keys.prefix(count).map { key in
            DiagnosisKey(data: key.data, metadata: key.metadata.with(reportType: .revoked))
        }
    }

    func rebuildPublished(_ index: Int) {
        let region = nodes[index].region
        nodes[index].process?.record = PublicationRecord(ahead: nodes[index].disk.ahead)
        for feed in nodes[index].disk.feeds.values where feed.feed.region == region {
            joinPublished(feed.batches, at: index)
        }
    }

    /// Own batches, also those that came back from others.
    func joinPublished(_ batches: [ProvenBatch], at index: Int) {
        guard let region = batches.first?.feed.region, region == nodes[index].region else { return }
        let interval = nodes[index].clock(at: now).interval
        for batch in batches where nodes[index].process?.record.take(batch, of: region, at: interval) == true {
            if nodes[index].process?.writer?.feed == batch.feed { nodes[index].process?.writer = nil }
        }
        nodes[index].disk.ahead = nodes[index].process?.record.ahead ?? []
    }
}
