package import ExposureKeys
package import FeedFormat
internal import FeedStore

/// Batches that this region signed while its clock was ahead: other nodes withhold them until their time.
///
/// That they came from such a clock is kept in the store until they have been answered, since once their time has come
/// nothing in them shows it any more.
package struct BatchesAhead: Equatable, Sendable {
    package let feed: FeedID
    /// All batches of the feed from this one on: nothing that is dated rightly was ever signed behind them.
    package private(set) var first: UInt64
    /// The latest publication interval among them.
    package private(set) var latest: Interval

    func contains(_ batch: ProvenBatch) -> Bool { batch.feed == feed && batch.number >= first }

    private static let setting = "batches ahead"
    private static let entrySize = 20

    /// - Throws: `StoreError`.
    static func kept(in storage: any FeedStorage, of region: Region) throws(StoreError) -> [BatchesAhead] {
        let bytes = try storage.setting(setting) ?? []
        return stride(from: 0, to: bytes.count - bytes.count % entrySize, by: entrySize).map { start in
            func number(_ range: Range<Int>) -> UInt64 {
                bytes[start + range.lowerBound..<start + range.upperBound].reduce(0) { $0 << 8 | UInt64($1) }
            }
            return BatchesAhead(
                feed: FeedID(region: region, epoch: Epoch(number(0..<8))),
                first: number(8..<16),
                latest: Interval(UInt32(truncatingIfNeeded: number(16..<20)))
            )
        }
    }

    /// Durable when this returns.
    static func keep(_ all: [BatchesAhead], in storage: any FeedStorage) throws(StoreError) {
        var bytes: [UInt8] = []
        for entry in all {
            bytes.append(bigEndian: entry.feed.epoch.value)
            bytes.append(bigEndian: entry.first)
            bytes.append(bigEndian: entry.latest.number)
        }
        try storage.setSetting(setting, bytes)
    }
}

extension [BatchesAhead] {
    /// Notes that a batch, and with it all behind it, came from a clock that was ahead.
    mutating func add(_ batch: ProvenBatch) {
        guard let known = firstIndex(where: { $0.feed == batch.feed }) else {
            return append(BatchesAhead(feed: batch.feed, first: batch.number, latest: batch.publication))
        }
        self[known].include(batch)
    }
}

extension BatchesAhead {
    fileprivate mutating func include(_ batch: ProvenBatch) {
        first = Swift.min(first, batch.number)
        latest = Swift.max(latest, batch.publication)
    }
}
