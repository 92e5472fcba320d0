import ExposureKeys
import FeedFormat
import Replication

/// Regions that sign what no region may. They go on in another epoch.
extension Simulation {
    func commit(_ misdeed: Misdeed, by index: Int) {
        guard nodes[index].process != nil, nodes[index].pausedUntil <= now, maySign(index) else { return }
        let time = nodes[index].clock(at: now)
        note(index, "signs what it must not: \(misdeed.rawValue)")
        nodes[index].isHostile = true
        guard let stored = newestEpoch(of: index), stored.count < UInt64(FormatLimits.batchesPerFeed),
            roster(of: index).region(stored.feed.region)?.standing(of: stored.feed.epoch) == nil
        else { return }
        let pen = Pen(stored, nodes[index].signer)
        do throws(FormatError) {
            let bytes = try Simulation.bytes(of: misdeed, number: stored.count, at: time.interval, &chances[index])
            let publication = (try? Batch(bytes))?.publication ?? time.interval
            let batch = try pen.sign(bytes, publication: publication, time: time.milliseconds / 1000)
            truth.forge(batch, after: stored.frontier)
            if truth.keys(of: batch) == nil { reach(.malformedBatch) }
            if misdeed == .twoHistories {
                let other = try Simulation.bytes(of: misdeed, number: stored.count, at: time.interval, &chances[index])
                let twin = try pen.sign(other, publication: publication, time: time.milliseconds / 1000)
                truth.forge(twin, after: stored.frontier)
                nodes[index].twins[stored.feed] = twin
            }
            nodes[index].process?.writer = nil
            write(PendingWrite(feed: stored.feed, batches: [batch], base: nil, request: nil), at: index)
        } catch {
            violate(.orderly, index, "could not sign: \(error)")
        }
    }

    private static func bytes(
        of misdeed: Misdeed,
        number: UInt64,
        at now: Interval,
        _ random: inout SeededRandom
    ) throws(FormatError) -> [UInt8] {
        func keys(endingBy end: Interval) -> [DiagnosisKey] {
            let start = end.advanced(by: -Interval.perDay)
            let metadata = KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed)
            let data = KeyData(high: random.next(), low: random.next())
            return metadata.map { [DiagnosisKey(data: data, metadata: $0)] } ?? []
        }
        switch misdeed {
        case .expiredKeys:
            let old = keys(endingBy: now.advanced(by: -16 * Interval.perDay))
            return try Batch.encode(number: number, publication: now, keys: old)
        case .malformedKeys:
            return raw(number: number, now, kind: .diagnosisKeys, encoding: 0, [1, 2, 3, 4, 5])
        case .oversizedSection:
            var body: [UInt8] = []
            body.append(varint: 9 << 20)
            return raw(number: number, now, kind: .diagnosisKeys, encoding: 1, [0, 0, 0, 0], before: body)
        case .latePredecessors:
            return raw(number: number, now, kind: .predecessors, encoding: 0, [UInt8](repeating: 3, count: 7))
        case .wrongNumber:
            return try Batch.encode(number: number + 1, publication: now, keys: keys(endingBy: now))
        case .noBatch:
            return [UInt8](repeating: 7, count: 40)
        case .farFuture:
            return try Batch.encode(number: number, publication: now.advanced(by: 5000), keys: [])
        case .longAgo:
            let past = now.advanced(by: -16 * Interval.perDay)
            return try Batch.encode(number: number, publication: past, keys: keys(endingBy: past))
        case .twoHistories:
            return try Batch.encode(number: number, publication: now, keys: keys(endingBy: now))
        }
    }

    /// A batch of one section, as it stands in the bytes.
    private static func raw(
        number: UInt64,
        _ publication: Interval,
        kind: BatchSection.Kind,
        encoding: UInt8,
        _ payload: [UInt8],
        before: [UInt8] = []
    ) -> [UInt8] {
        var body: [UInt8] = []
        body.append(bigEndian: publication.number)
        body.append(varint: number)
        body.append(varint: 1)
        body.append(varint: UInt64(kind.number))
        body.append(encoding)
        body.append(varint: UInt64(payload.count))
        body += before + payload
        var bytes = Array("KTB1".utf8)
        bytes.append(bigEndian: UInt32(body.count))
        return bytes + body
    }

    /// One of two histories goes to one half of the links, the other to the other.
    func twin(of pushed: LinkFrame.PushedBatch, over link: LinkID, by index: Int) -> LinkFrame.PushedBatch {
        guard let twin = nodes[index].twins[pushed.feed], (link.number >> 1).isMultiple(of: 2),
            (try? Batch(pushed.bytes))?.number == twin.number
        else { return pushed }
        return LinkFrame.PushedBatch(feed: pushed.feed, bytes: twin.bytes, checkpoint: twin.checkpoint)
    }

    /// The same for those who ask by request.
    func twins(for batches: [ReceivedBatch?], _ feed: FeedID, asking: Int, at index: Int) -> [ReceivedBatch?] {
        guard let twin = nodes[index].twins[feed], asking.isMultiple(of: 2) else { return batches }
        return batches.map { batch in
            guard let batch, (try? Batch(batch.bytes))?.number == twin.number else { return batch }
            return ReceivedBatch(bytes: twin.bytes, checkpoint: twin.checkpoint)
        }
    }
}
