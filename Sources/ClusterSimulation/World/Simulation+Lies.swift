import ExposureKeys
import FeedFormat
import Replication

/// What leaves a node that deceives.
extension Simulation {
    private func lie(of index: Int) -> Lie? {
        guard let lies = nodes[index].lies, lies.until > now else { return nil }
        return lies.lie
    }

    /// What a node says instead of a frame.
    func told(_ frame: LinkFrame, by index: Int) -> [LinkFrame] {
        guard let lie = lie(of: index) else { return [frame] }
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
        default:
            return [frame]
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
                    var bytes = batch.bytes
                    bytes[bytes.count / 2] ^= 1
                    return ReceivedBatch(bytes: bytes, checkpoint: batch.checkpoint)
                }
            )
        case (.wrongCheckpoint, .batchesFetched(let request, let batches)):
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
        case (.emptyAnswers, .batchesFetched(let request, _)), (.noAnswers, .batchesFetched(let request, _)):
            return .batchesFetched(request, [])
        default:
            return event
        }
    }
}
