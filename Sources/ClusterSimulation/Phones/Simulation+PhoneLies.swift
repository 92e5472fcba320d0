import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// What a node that deceives answers to phones.
extension Simulation {
    func told(_ response: TransportResponse, to path: String, of phone: Int, by index: Int) -> TransportResponse {
        guard response.status == 200, let question = PublicQuestion(path: path) else { return response }
        if case .range(let feed, let range) = question, let twin = nodes[index].twins[feed],
            phone.isMultiple(of: 2), range.lowerBound..<range.upperBound ~= twin.number
        {
            return twinned(response, twin, range, of: feed, at: index)
        }
        guard let lie = lie(of: index) else { return response }
        var body = response.body
        switch (lie, question) {
        case (.alteredBytes, .range), (.alteredBytes, .hashes), (.alteredBytes, .index),
            (.alteredBytes, .indexOf):
            if !body.isEmpty { body[body.count / 2] ^= 1 }
        case (.wrongCheckpoint, .range):
            if !body.isEmpty { body[body.count - 20] ^= 1 }
        case (.skippedNumber, .range) where phones[phone].random.chance(500), (.strangeFrames, .range):
            return TransportResponse(status: 404)
        case (.repeatedNumber, .range(let feed, let range)):
            body = (nodes[index].disk.feeds[feed]?.batch(range.lowerBound)?.bytes ?? []) + body
        case (.otherRegion, .range(let feed, let range)):
            let other = nodes[index].disk.feeds.values.first { $0.feed.region != feed.region && $0.isLiving }
            return other?.response(range) ?? TransportResponse(status: 404)
        case (.falseFrontier, .frontier):
            for place in body.indices.dropFirst(8) { body[place] = UInt8(truncatingIfNeeded: place) }
        case (.emptyAnswers, _):
            body = []
        case (.garbage, _):
            body = (0..<100).map { _ in UInt8(truncatingIfNeeded: phones[phone].random.next()) }
        case (.forgedSignatures, .range(let feed, let range)):
            body = forgedBody(feed, range, by: index) ?? body
        case (.boastfulAdverts, .index), (.modestAdverts, .index), (.retractedAdverts, .index),
            (.inventedFeeds, .index):
            return falseIndex(lie, of: phone, by: index) ?? response
        default:
            return response
        }
        return TransportResponse(status: 200, etag: response.etag, body: body)
    }

    /// The other one of two batches with one number, in a range that ends with it.
    private func twinned(
        _ response: TransportResponse,
        _ twin: ProvenBatch,
        _ range: FeedRange,
        of feed: FeedID,
        at index: Int
    ) -> TransportResponse {
        guard range.upperBound == twin.number + 1, let stored = nodes[index].disk.feeds[feed] else { return response }
        let before = (range.lowerBound..<twin.number).compactMap { stored.batch($0)?.bytes }
        return TransportResponse(status: 200, body: before.flatMap { $0 } + twin.bytes + twin.checkpoint)
    }

    /// Empty batches where those of a range belong, under a signature that does not count.
    private func forgedBody(_ feed: FeedID, _ range: FeedRange, by index: Int) -> [UInt8]? {
        guard feed.region != nodes[index].region,
            let frontier = nodes[index].disk.feeds[feed]?.frontier(at: range.lowerBound)
        else { return nil }
        let time = nodes[index].clock(at: now)
        var pen = Pen(feed: feed, frontier: frontier, nodes[index].signer)
        var body: [UInt8] = []
        var checkpoint: [UInt8] = []
        for _ in 0..<range.count {
            let seconds = time.milliseconds / 1000
            guard let batch = try? pen.batch([], publication: time.interval, time: seconds) else { return nil }
            body += batch.bytes
            checkpoint = batch.checkpoint
            pen = pen.advanced(by: batch)
        }
        return body + checkpoint
    }

    /// An index, well signed, of more or fewer batches than there are, of others as dropped, or of feeds that do not exist.
    private func falseIndex(_ lie: Lie, of phone: Int, by index: Int) -> TransportResponse? {
        let (fresh, settled) = indexEntries(at: index)
        var entries = (fresh + settled).compactMap { entry -> IndexEntry? in
            guard let stored = nodes[index].disk.feeds[entry.feed] else { return nil }
            switch lie {
            case .boastfulAdverts:
                return IndexEntry(
                    feed: entry.feed,
                    first: entry.first,
                    count: entry.count + 3,
                    root: stored.frontier.root
                )
            case .modestAdverts:
                guard entry.count > 1, let frontier = stored.frontier(at: entry.count - 1) else { return nil }
                let first = min(entry.first, frontier.size)
                return IndexEntry(feed: entry.feed, first: first, count: frontier.size, root: frontier.root)
            case .retractedAdverts:
                return IndexEntry(
                    feed: entry.feed,
                    first: entry.count - 1,
                    count: entry.count,
                    root: stored.frontier.root
                )
            default: return entry
            }
        }
        if lie == .inventedFeeds {
            let feed = FeedID(region: nodes[0].region, epoch: Epoch(phones[phone].random.next()))
            entries += [IndexEntry(feed: feed, first: 0, count: 5, root: Hash256(leaf: [1][...]))].compactMap { $0 }
        }
        let served = signedIndex(IndexPart(entries), IndexPart([]), at: index)
        return served.map { TransportResponse(status: 200, etag: $0.etag, body: $0.bytes) }
    }
}
