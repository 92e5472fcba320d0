internal import ExposureKeys
internal import FeedFormat
internal import FeedStore

extension NodeContext {
    /// Reads batches for a neighbour that asked for them over its link, up to the first that is not there or not whole:
    /// whoever got a damaged one would blame this node. Called on the store's thread.
    /// - Parameter limit: bytes after which no further batch is read.
    func batchesToPush(
        _ numbers: Range<UInt64>,
        of feed: FeedID,
        limit: Int,
        _ storage: any FeedStorage
    ) -> [ProvenBatch] {
        let damaged = served.feed(feed)?.damaged ?? []
        var batches: [ProvenBatch] = []
        var bytes = 0
        for number in numbers where bytes < limit {
            guard !damaged.contains(number), let batch = read(number, of: feed, storage) else { break }
            bytes += batch.bytes.count
            batches.append(batch)
        }
        return batches
    }

    /// - Returns: nil if the batch is not there or not whole; damage is then cared for.
    private func read(_ number: UInt64, of feed: FeedID, _ storage: any FeedStorage) -> ProvenBatch? {
        do throws(StoreError) {
            guard let batch = try storage.batch(feed, number) else { return nil }
            if care.isWhole(batch) { return batch }
        } catch {
            guard error.code == .damaged else {
                if !care.reports(error) { alarms.raise(.batchUnreadable, "a batch could not be read: \(error.reason)") }
                return nil
            }
        }
        do {
            try care.check(feed, number..<number + 1, in: storage)
        } catch {
            if !care.reports(error) { alarms.raise(.batchesUnchecked, "batches could not be checked: \(error)") }
        }
        return nil
    }
}
