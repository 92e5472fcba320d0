import ExposureKeys
import ExposureNotification
import FeedFormat
import FeedStore
import Foundation
import RegionalNode
import Replication

/// The way of archives through a node, without its sockets: read, verify, merge, encode, sign, store durably.
struct ImportRun {
    let archives: [String]
    let key: ExportVerificationKey
    /// Unix seconds at which the node's clock stands at the beginning.
    let clock: Int64

    /// What came of it.
    struct Outcome: Codable {
        var seconds = 0.0
        /// Processor time of the whole process, in seconds.
        var processorSeconds = 0.0
        var keys = 0
        var published = 0
        var expired = 0
        var duplicates = 0
        var batchBytes = 0
        var peakMemory = 0.0
    }

    /// - Parameter directory: an empty one; the store is made there.
    func callAsFunction(in directory: String) throws -> Outcome {
        guard let region = Region("DE"),
            let signer = NoteSigner(
                name: KeytideNames.signer(region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 7, count: 32)
            )
        else { throw BenchError("no signer for the feed") }
        var outcome = Outcome()
        let processorStart = ThisProcess.processorSeconds
        let start = ContinuousClock.now
        let path = directory + "/feeds.sqlite"
        let store = try SQLiteFeedStore(path: path)
        let held = try HeldKeyStore(path: HeldKeyStore.path(besideStore: path))
        let publisher = RegionPublisher(region: region, signer: signer, clock: NodeClock(asOf: clock))
        for path in archives {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let archive = try ExportArchive.open(bytes, verifiedWith: key)
            let publication = try publisher.publish(archive.keys, storage: store, held: held, living: [])
            outcome.keys += archive.keys.count + archive.rejected.count
            outcome.published += publication.selection.news.count
            outcome.expired += publication.selection.expired
            outcome.duplicates += publication.selection.duplicates
            outcome.batchBytes += publication.batches.reduce(0) { $0 + $1.bytes.count }
        }
        outcome.seconds = Rounds.seconds(since: start)
        outcome.processorSeconds = ThisProcess.processorSeconds - processorStart
        try check(store, outcome, clock: clock)
        try held.close()
        try store.close()
        return outcome
    }

    /// What was published must be what a reader of the store finds.
    private func check(_ store: SQLiteFeedStore, _ outcome: Outcome, clock: Int64) throws {
        var found = 0
        for feed in try store.feeds() {
            for number in feed.first..<feed.count {
                guard let batch = try store.batch(feed.feed, number) else { continue }
                found += try Batch(batch.bytes).keys().count
            }
        }
        guard found == outcome.published, try store.pragma("synchronous") == "2" else {
            throw BenchError("\(outcome.published) keys were published, the store holds \(found)")
        }
    }
}
