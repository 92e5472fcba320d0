import ExposureKeys
import FeedFormat
import Replication

/// A node of `InMemoryNetwork`: what is on its disk, and what its process knows while it runs.
struct NetworkNode {
    let region: Region
    var signer: NoteSigner
    /// Signs with the region's key what the region has not published, and takes no roster that ends it.
    var isThief = false
    /// Proofs of forks on its disk.
    var forks = SortedMap<Region, ForkProof>()
    /// Nil while the process is down.
    var replica: Replica?
    /// Counts processes: what belongs to an earlier one is void.
    var generation = 0
    /// The durable part.
    var disk = SortedMap<FeedID, StoredFeed>()
    /// The roster on its disk; nil for the network's first one.
    var roster: Roster?
    var writer: FeedWriter?
    var isDiskFull = false
    /// Milliseconds by which its clock is ahead.
    var clockOffset: Int64 = 0
    /// How it lies to others.
    var lie: Lie?
    /// Links of which the running replica was told, and which it has not closed.
    var links: [LinkID] = []
    /// Feeds with a store under way, and what it will make durable.
    var storing = SortedMap<FeedID, NetworkStore>()
    /// Serial number of the newest wake; older ones are void.
    var wakes = 0
    var alarms: [ReplicaAlarm] = []
    var visible = SortedMap<FeedID, UInt64>()
    /// Other nodes' indexes as kept here.
    var indexes = SortedMap<Region, FeedIndex>()
    /// Frames that it means to send and that never leave it.
    var loses: ((LinkFrame) -> Bool)?
    /// A release without digests.
    var isOlder = false
    /// A release with features and frames of its own.
    var isNewer = false
    var sent = SentFrames()
    /// Batches that came here, by push and by fetch.
    var pushed = 0
    var fetched = 0
    /// Requests made.
    var fetches = 0
    var frontierFetches = 0
    var rosterFetches = 0

    /// Ways to deceive; the replica inside is honest, what leaves the node is changed.
    enum Lie: CaseIterable, Sendable {
        case alteredBytes, wrongCheckpoint, skippedNumber, repeatedNumber, otherRegion, falseFrontier
        case boastfulAdverts, emptyAnswers, noAnswers
    }

    /// Frames that left a node.
    struct SentFrames: Equatable {
        var adverts = 0
        var digests = 0
        var holdings = 0
        var relayed = 0
        var relayedBytes = 0
        /// Of all frames.
        var bytes = 0

        mutating func count(_ frame: LinkFrame) {
            bytes += frame.encoded().count
            switch frame {
            case .adverts: adverts += 1
            case .digest: digests += 1
            case .holdings: holdings += 1
            case .relayedIndex:
                relayed += 1
                relayedBytes += frame.encoded().count
            default: break
            }
        }
    }

    func held(_ feed: FeedID) -> UInt64 { disk[feed]?.frontier.size ?? 0 }

    /// What a replica learns when it starts: also of feeds of which all is dropped, so that nothing returns.
    var heldFeeds: [HeldFeed] {
        disk.values.map { stored in
            HeldFeed(
                feed: stored.feed,
                frontier: stored.frontier,
                first: stored.first,
                begin: stored.base,
                floor: stored.floor,
                gaps: stored.gaps,
                bytes: stored.bytes
            )
        }
    }

    func hasAlarm(_ matches: (ReplicaAlarm) -> Bool) -> Bool { alarms.contains(where: matches) }
}

/// A feed on a node's disk.
struct StoredFeed {
    let feed: FeedID
    var first: UInt64 = 0
    var frontier = Frontier()
    /// The frontier at which it began here, and all leaf hashes since.
    var base = Frontier()
    /// Below this number nothing is to return: it began anew here.
    var floor: UInt64 = 0
    var leaves: [Hash256] = []
    /// Batches still held, by number.
    var batches = SortedMap<UInt64, ProvenBatch>()
    /// Batches that are held no more as they were.
    var damaged = SortedMap<UInt64, DamagedBatch>()
    /// The frontier at every size since the feed began here.
    var frontiers = SortedMap<UInt64, Frontier>()

    init(feed: FeedID) {
        self.feed = feed
    }

    /// Appends what a replica handed over.
    /// - Returns: what is wrong with it, nil if it was appended.
    mutating func append(_ added: [ProvenBatch], base: Frontier?, skipped: [Hash256] = []) -> String? {
        var changed = self
        if let base {
            guard first == frontier.size else { return "\(feed): a base where batches are held" }
            changed.floor = max(floor, frontier.size)
            changed.frontier = base
            changed.base = base
            changed.leaves = []
            changed.first = base.size
            changed.frontiers[base.size] = base
        }
        for leaf in skipped {
            changed.frontier.append(leaf)
            changed.leaves.append(leaf)
            changed.frontiers[changed.frontier.size] = changed.frontier
        }
        for batch in added {
            guard batch.number == changed.frontier.size, batch.feed == feed else {
                return "\(feed): batch \(batch.number) stored after \(changed.frontier.size) batches"
            }
            changed.frontier.append(batch.leaf)
            changed.leaves.append(batch.leaf)
            changed.batches[batch.number] = batch
            changed.frontiers[changed.frontier.size] = changed.frontier
        }
        self = changed
        return nil
    }

    /// Whether a batch should be here and is not, or is not what it was.
    func lacks(_ number: UInt64) -> Bool {
        first <= number && number < frontier.size && (batches[number] == nil || damaged[number] != nil)
    }

    mutating func drop(below number: UInt64) {
        first = max(first, min(number, frontier.size))
        for old in batches.keys where old < first { batches[old] = nil }
        for old in damaged.keys where old < first { damaged[old] = nil }
    }

    /// The batches of a range, nil for each that cannot be given.
    func answer(_ range: Range<UInt64>) -> [ReceivedBatch?] {
        range.map { number in
            guard let batch = batches[number], damaged[number] == nil else { return nil }
            return ReceivedBatch(bytes: batch.bytes, checkpoint: batch.checkpoint)
        }
    }
}
