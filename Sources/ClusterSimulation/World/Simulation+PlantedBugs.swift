import ExposureKeys
import FeedFormat
import Replication

/// The mistakes of `PlantedBug`, as far as they are more than another condition.
extension Simulation {
    func isBuggy(_ bug: PlantedBug, _ pipe: Int) -> Bool {
        options.planted == bug && pipes[pipe].attempts > 0
    }

    func mistaken(_ frame: LinkFrame) -> LinkFrame {
        guard options.planted == .advertsOneMore, case .adverts(let adverts) = frame else { return frame }
        return .adverts(adverts.compactMap { Advert(feed: $0.feed, first: $0.first, count: $0.count + 1) })
    }

    func noteReceived(_ event: ReplicaEvent, at index: Int) {
        switch event {
        case .received(_, .batch(let pushed)):
            nodes[index].process?.received = ReceivedBatch(bytes: pushed.bytes, checkpoint: pushed.checkpoint)
        case .batchesFetched(_, let batches):
            nodes[index].process?.received = batches.lazy.compactMap { $0 }.first
        default:
            break
        }
    }

    /// Stores the batch that was refused last.
    func storeRefused(_ feed: FeedID, at index: Int) {
        guard options.planted == .storesUnverified, let received = nodes[index].process?.received,
            let batch = try? Batch(received.bytes)
        else { return }
        let taken = ProvenBatch(
            feed: feed,
            number: batch.number,
            publication: batch.publication,
            bytes: received.bytes,
            leaf: batch.leafHash,
            checkpoint: received.checkpoint
        )
        commit(PendingWrite(feed: feed, batches: [taken], base: nil, request: nil), at: index)
    }

    /// Says too early that a publication is durable.
    func beHasty(with write: PendingWrite, at index: Int) {
        guard write.request == nil, let last = write.batches.last else { return }
        switch options.planted {
        case .acknowledgesEarly: nodes[index].disk.record.acknowledged[write.feed] = last.number + 1
        case .announcesEarly: dispatch(.published(write.batches), to: index)
        default: break
        }
    }

    func loseTail(of feed: FeedID, at index: Int) {
        guard options.planted == .losesTheTail else { return }
        nodes[index].disk.feeds.update(feed) { if $0.count > 0 { $0.cut(to: $0.count - 1) } }
    }

    func forgetUpload(at index: Int) {
        guard let feed = nodes[index].disk.record.acknowledged.keys.last else { return }
        nodes[index].disk.feeds.update(feed) { if $0.count > 0 { $0.cut(to: $0.count - 1) } }
    }

    /// Where a node's newest epoch on disk ends.
    func newestEpoch(of index: Int) -> StoredFeed? {
        nodes[index].disk.feeds.values.last { $0.feed.region == nodes[index].region && $0.isLiving }
    }
}
