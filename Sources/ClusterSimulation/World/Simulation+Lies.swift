import ExposureKeys
import FeedFormat
import Replication

/// What leaves a node that deceives.
extension Simulation {
    func lie(of index: Int) -> Lie? {
        guard let lies = nodes[index].lies, lies.until > now else { return nil }
        return lies.lie
    }

    /// What a node says instead of a frame.
    func told(_ frame: LinkFrame, by index: Int, over link: LinkID) -> [LinkFrame] {
        var frame = frame
        if case .batch(let pushed) = frame { frame = .batch(twin(of: pushed, over: link, by: index)) }
        guard let lie = lie(of: index) else { return [frame] }
        return told(frame, lie, by: index)
    }

    private func told(_ frame: LinkFrame, _ lie: Lie, by index: Int) -> [LinkFrame] {
        switch (lie, frame) {
        case (.alteredBytes, .batch(var pushed)):
            pushed.bytes[pushed.bytes.count / 2] ^= 1
            return [.batch(pushed)]
        case (.wrongCheckpoint, .batch(var pushed)):
            pushed.checkpoint[pushed.checkpoint.count / 2] ^= 1
            return [.batch(pushed)]
        case (.skippedNumber, .batch) where ways.chance(500):
            return []
        case (.repeatedNumber, .batch):
            return [frame, frame]
        case (.boastfulAdverts, .adverts(let adverts)):
            return [.adverts(adverts.compactMap { Advert(feed: $0.feed, first: $0.first, count: $0.count + 3) })]
        case (.boastfulAdverts, .roster(let version, let hash)):
            return [.roster(version: version + 1, hash: Hash256(hashing: hash.bytes[...]))]
        case (.boastfulAdverts, .digest(var digest)), (.modestAdverts, .digest(var digest)),
            (.retractedAdverts, .digest(var digest)), (.inventedFeeds, .digest(var digest)):
            // So that the peer asks further.
            digest.hash = Hash256(hashing: digest.hash.bytes[...])
            return [.digest(digest)]
        case (_, .holdings(let part, let wantsAnswer)):
            return [.holdings(told(part, lie, by: index), wantsAnswer: wantsAnswer)]
        case (.forgedSignatures, .batch(let pushed)):
            return [forged(pushed, by: index).map { .batch($0) } ?? frame]
        case (.modestAdverts, .adverts(let adverts)):
            let fewer = adverts.compactMap { advert in
                Advert(
                    feed: advert.feed,
                    first: min(advert.first, max(1, advert.count) - 1),
                    count: max(1, advert.count) - 1
                )
            }
            return [.adverts(fewer)]
        case (.retractedAdverts, .adverts(let adverts)):
            return [.adverts(adverts.compactMap { Advert(feed: $0.feed, first: $0.count, count: $0.count) })]
        case (.inventedFeeds, .adverts(let adverts)):
            return [.adverts(adverts + invented(by: index))]
        case (.strangeFrames, .hello):
            return chances[index].chance(300) ? [frame, frame] : [frame]
        case (.strangeFrames, _):
            return [frame, .unknown(200)]
        default:
            return [frame]
        }
    }

    /// What a node says that it holds.
    private func told(_ part: IndexPart, _ lie: Lie, by index: Int) -> IndexPart {
        let adverts = part.entries.compactMap { Advert(feed: $0.feed, first: $0.first, count: $0.count) }
        // As it says it in adverts.
        guard case .adverts(let told)? = told(.adverts(adverts), lie, by: index).first, told != adverts else {
            return part
        }
        let root = Hash256(hashing: [1])
        return IndexPart(told.compactMap { IndexEntry(feed: $0.feed, first: $0.first, count: $0.count, root: root) })
    }

    /// A batch where the pushed one belongs, under a signature that does not count.
    private func forged(_ pushed: LinkFrame.PushedBatch, by index: Int) -> LinkFrame.PushedBatch? {
        guard pushed.feed.region != nodes[index].region, let batch = try? Batch(pushed.bytes),
            let frontier = nodes[index].disk.feeds[pushed.feed]?.frontier(at: batch.number)
        else { return nil }
        let pen = Pen(feed: pushed.feed, frontier: frontier, nodes[index].signer)
        let seconds = nodes[index].clock(at: now).milliseconds / 1000
        let forged = try? pen.batch([], publication: batch.publication, time: seconds)
        return forged.map { LinkFrame.PushedBatch(feed: pushed.feed, bytes: $0.bytes, checkpoint: $0.checkpoint) }
    }

    /// Feeds that do not exist, of regions that do and of one that does not.
    private func invented(by index: Int) -> [Advert] {
        let known = nodes[chances[index].below(options.nodes)].region
        let count = chances[index].chance(100) ? 70 : 3
        var regions = [Region](repeating: known, count: count)
        if let unknown = Region("XX-99") { regions.append(unknown) }
        return regions.compactMap { region in
            let feed = FeedID(region: region, epoch: Epoch(chances[index].next()))
            return Advert(feed: feed, first: 0, count: UInt64(1 + chances[index].below(9)))
        }
    }

    /// Microseconds by which a node delays what it says.
    func slowness(of index: Int) -> Int64 {
        guard lie(of: index) == .slow else { return 0 }
        return chances[index].draw(5 * Plan.second...40 * Plan.second)
    }

    /// The roster that a node answers with, or something else; nil if nothing comes.
    func toldRoster(by index: Int) -> [UInt8]? {
        guard let bytes = nodes[index].process?.roster.bytes else { return nil }
        switch lie(of: index) {
        case .emptyAnswers, .noAnswers: return nil
        case .alteredBytes:
            var altered = bytes
            altered[altered.count / 2] ^= 1
            return altered
        default: return bytes
        }
    }

    /// What a node answers instead.
    func told(_ event: ReplicaEvent, by index: Int) -> ReplicaEvent {
        guard let lie = lie(of: index) else { return event }
        switch (lie, event) {
        case (.alteredBytes, .batchesFetched(let request, let batches)):
            return .batchesFetched(
                request,
                batches.map { batch in
                    guard let batch else { return nil }
                    var bytes = batch.bytes
                    bytes[bytes.count / 2] ^= 1
                    return ReceivedBatch(bytes: bytes, checkpoint: batch.checkpoint)
                }
            )
        case (.wrongCheckpoint, .batchesFetched(let request, let answer)):
            let batches = answer.compactMap { $0 }
            let checkpoints = batches.map(\.checkpoint)
            let turned = zip(batches, checkpoints.dropFirst() + checkpoints.prefix(1))
            return .batchesFetched(request, turned.map { ReceivedBatch(bytes: $0.bytes, checkpoint: $1) })
        case (.skippedNumber, .batchesFetched(let request, let batches)):
            return .batchesFetched(request, Array(batches.dropFirst()))
        case (.repeatedNumber, .batchesFetched(let request, let batches)):
            return .batchesFetched(request, batches.flatMap { [$0, $0] })
        case (.otherRegion, .batchesFetched(let request, _)):
            let foreign = nodes[index].disk.feeds.values.first { $0.feed.region != nodes[index].region }
            return .batchesFetched(request, foreign?.answer(0..<4) ?? [])
        case (.falseFrontier, .frontierFetched(let request, let frontier)):
            let hashes = frontier.map { $0.hashes.map { _ in Hash256(leaf: [1, 2, 3][...]) } } ?? []
            return .frontierFetched(request, frontier.flatMap { Frontier(size: $0.size, hashes: hashes) })
        case (.emptyAnswers, .batchesFetched(let request, let batches)):
            return .batchesFetched(request, batches.map { _ in nil })
        case (.noAnswers, .batchesFetched(let request, _)):
            return .batchesFetched(request, [])
        default:
            return event
        }
    }
}
