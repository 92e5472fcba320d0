package import ExposureKeys
package import FeedFormat
package import FeedStore
internal import Replication
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
        /// The system's clock less the monotonic one, in milliseconds, when the epoch began.
        var clockOffset: Int64 = 0
    }

    /// A jump of the system's clock by more than this is that of a resumed image of the machine, not of a clock set
    /// right: other copies of this process may sign in the same epoch.
    private static let clockJump: Int64 = 60_000

    private let region: Region
    private let signer: NoteSigner
    private let clock: NodeClock
    private let state = Mutex(State())

    package init(region: Region, signer: NoteSigner, clock: NodeClock) {
        self.region = region
        self.signer = signer
        self.clock = clock
    }

    /// Rebuilds the merged state from the batches on disk. Damaged ones join when they have come again.
    func rebuild(from storage: any FeedStorage, feeds: [StoredFeed]) throws {
        for feed in feeds where feed.feed.region == region {
            for number in feed.first..<feed.count {
                do throws(StoreError) {
                    if let batch = try storage.batch(feed.feed, number) { join([batch]) }
                } catch {
                    guard error.code == .damaged else { throw error }
                }
            }
        }
    }

    /// Takes in own batches that came back from peers (after a lost disk); others are passed over.
    func join(_ batches: [ProvenBatch]) {
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
                let offset = NodeClock.system - NodeClock.monotonic
                if !mayGoOn(state, offset: offset, storage: storage) { state.writer = nil }
                if state.writer == nil { state.clockOffset = offset }
                var writer = state.writer ?? begin(living: living, now: now)
                written = try writer.publish(
                    selection.news,
                    publication: now.interval,
                    time: now.milliseconds / 1000
                )
                feed = writer.feed
                do throws(StoreError) {
                    try storage.append(written.map { ProvenBatch($0, feed: writer.feed) })
                } catch {
                    // Unless it is sure that nothing was kept, these sizes must never be signed a second time.
                    if error.code != .full { state.writer = nil }
                    throw error
                }
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

    /// Whether the epoch that is open may be signed in: the clock has not jumped, and the store holds no more of it
    /// than was written here.
    private func mayGoOn(_ state: State, offset: Int64, storage: any FeedStorage) -> Bool {
        guard let writer = state.writer else { return false }
        guard abs(offset - state.clockOffset) <= RegionPublisher.clockJump else { return false }
        return (try? storage.batch(writer.feed, writer.frontier.size)) == nil
    }

    /// Drops keys that ended at or before `limit` from the merged state: none of them can be published again.
    func forget(endedAtOrBefore limit: Interval) {
        state.withLock { state in
            state.keys = RegionKeys(joining: state.keys.keys.filter { $0.metadata.end > limit })
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
