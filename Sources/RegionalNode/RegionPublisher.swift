package import ExposureKeys
package import FeedFormat
package import FeedStore
package import Replication
internal import Synchronization

/// Publishes this region's keys: picks what is new, encodes, signs, and stores batches durably before anyone hears of
/// them. Used on the store's thread only; the lock is for the proof, it never waits.
///
/// Every start that publishes begins a new epoch, with its first batch.
package final class RegionPublisher: Sendable {
    private struct State {
        /// Everything that the region has published and that is still held.
        var keys = RegionKeys()
        var writer: FeedWriter?
    }

    private let region: Region
    private let signer: NoteSigner
    private let clock: NodeClock
    private let state = Mutex(State())

    package init(region: Region, signer: NoteSigner, clock: NodeClock) {
        self.region = region
        self.signer = signer
        self.clock = clock
    }

    /// Rebuilds the merged state from the batches on disk.
    func rebuild(from storage: any FeedStorage, feeds: [StoredFeed]) throws {
        for feed in feeds where feed.feed.region == region && feed.first < feed.count {
            join(try storage.batches(feed.feed, feed.first..<feed.count))
        }
    }

    /// Takes in own batches that came back from peers (after a lost disk); others are passed over.
    func join(_ batches: [StoredBatch]) {
        let own = batches.filter { $0.feed.region == region }
        guard !own.isEmpty else { return }
        var reports: [DiagnosisKey] = []
        for batch in own {
            // Stored batches were decoded before they were stored.
            guard let keys = try? Batch(batch.bytes).keys() else { continue }
            reports.append(contentsOf: keys)
        }
        let joined = RegionKeys(joining: reports)
        state.withLock { $0.keys.join(joined) }
    }

    /// What came of one publication.
    package struct Publication: Sendable {
        package let batches: [ProvenBatch]
        package let published: Int
        package let expired: Int
        package let notYetEnded: Int
        package let duplicates: Int
    }

    /// Publishes what is new in `keys`, in one transaction. Nothing new publishes nothing.
    /// - Throws: `StoreError` or `FormatError`; nothing is published then.
    package func publish(_ keys: [DiagnosisKey], storage: any FeedStorage, living: [FeedID]) throws -> Publication {
        try state.withLock { state in
            let now = clock.now
            let selection = KeySelection(of: keys, publication: now.interval, state: state.keys)
            var written: [FeedWriter.WrittenBatch] = []
            var feed: FeedID?
            if !selection.news.isEmpty {
                var writer = state.writer ?? begin(living: living, now: now)
                written = try writer.publish(
                    selection.news,
                    publication: now.interval,
                    time: now.milliseconds / 1000
                )
                feed = writer.feed
                try storage.append(written.map { StoredBatch(ProvenBatch($0, feed: writer.feed)) })
                state.writer = writer
                state.keys.join(RegionKeys(joining: selection.news))
            }
            return Publication(
                batches: feed.map { feed in written.map { ProvenBatch($0, feed: feed) } } ?? [],
                published: selection.news.count,
                expired: selection.expired,
                notYetEnded: selection.notYetEnded,
                duplicates: selection.duplicates
            )
        }
    }

    /// Keys in the merged state.
    package var keyCount: Int { state.withLock { $0.keys.count } }

    private func begin(living: [FeedID], now: Timestamp) -> FeedWriter {
        let epoch = Epoch(startUnixSeconds: now.milliseconds / 1000, random: UInt32.random(in: .min ... .max))
        return FeedWriter(
            beginning: FeedID(region: region, epoch: epoch),
            predecessors: living.filter { $0.region == region }.map(\.epoch),
            signer: signer
        )
    }
}
