import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import TestSupport

/// What the store of a stopped node holds, proven batch by batch against the region's signatures.
struct HeldFeeds {
    struct Feed: Equatable {
        let feed: FeedID
        let count: UInt64
        let root: Hash256
        let predecessors: [Epoch]
    }

    var feeds: [Feed] = []
    var keys: Set<KeyData> = []

    /// Opening the store shows, too, that no lock was left behind.
    init(_ region: String, of cluster: Cluster) throws {
        let store = try SQLiteFeedStore(path: cluster.path("\(region).store"))
        defer { try? store.close() }
        let roster = try HeldFeeds.roster(of: cluster)
        for stored in try store.feeds() {
            var tail = FeedTail(feed: stored.feed)
            var predecessors: [Epoch] = []
            for number in 0..<stored.count {
                guard let batch = try store.batch(stored.feed, number) else {
                    throw TestFailure("batch \(number) is gone")
                }
                let verified = try tail.append(
                    [batch.bytes[...]],
                    checkpoint: batch.checkpoint[...],
                    keys: roster.keys(of: stored.feed.region) ?? []
                )
                for batch in verified.batches {
                    keys.formUnion(try batch.keys().map(\.data))
                    if batch.number == 0 { predecessors = try batch.predecessors() }
                }
            }
            feeds.append(
                Feed(feed: stored.feed, count: tail.next, root: tail.frontier.root, predecessors: predecessors)
            )
        }
    }

    static func roster(of cluster: Cluster) throws -> Roster {
        let text = try String(contentsOfFile: cluster.path("authorities"), encoding: .utf8)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: cluster.path("roster")))
        return try Roster([UInt8](bytes)[...], authorities: try RosterAuthorities(text: text), now: Archives.time)
    }
}
