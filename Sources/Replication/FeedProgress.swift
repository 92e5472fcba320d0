import ExposureKeys
import FeedFormat

/// Where a replica stands with one feed.
struct FeedProgress: Sendable {
    /// Up to here everything is on disk, may be adverted and served.
    var durable: FeedTail
    /// Up to here everything is proven; what lies between is being stored.
    var proven: FeedTail
    /// First batch still held.
    var first: UInt64
    /// The frontier at which this feed began here, to be stored with its first batches.
    var base: Frontier?
    /// The request under way, if any.
    var fetch: RequestID?
    /// Since when a batch is known to exist that is not here.
    var missingSince: Timestamp?
    /// No fetch before this time.
    var retryAt: Timestamp?
    var failures = 0
    /// Set when a signed batch turned out malformed: nothing of this feed is taken any more.
    var isBlocked = false

    init(held: HeldFeed) {
        durable = FeedTail(feed: held.feed, frontier: held.frontier)
        proven = durable
        first = held.first
    }

    /// A feed of which nothing is held yet.
    init(new feed: FeedID) {
        durable = FeedTail(feed: feed)
        proven = durable
        first = 0
    }

    var count: UInt64 { durable.next }
    /// Living: some batch is still held.
    var isLiving: Bool { first < count }
}

/// What a replica knows of the node at the other end of a link.
struct LinkProgress: Sendable {
    /// Set by the peer's `hello`.
    var peer: Region?
    /// The only region that may stand in the `hello`, if this node dialled.
    let expected: Region?
    /// What the peer says it holds.
    var holds = SortedMap<FeedID, Advert>()
    /// Regions whose batches it wants as they come.
    var subscriptions = SortedMap<Region, Bool>()
    /// Feeds whose bytes from this peer did not verify, and until when it is not asked for them.
    var distrusted = SortedMap<FeedID, Timestamp>()
}

/// A request under way.
struct PendingRequest: Sendable {
    let feed: FeedID
    /// The link whose peer was asked; nil for the store.
    let link: LinkID?
    /// When to give up waiting for the shell.
    let deadline: Timestamp?
    /// For the store: the tail that is durable once it is done, and the batches.
    let stored: FeedTail?
    let batches: [ProvenBatch]
    /// The batches came unasked, so their sender knows that they are here.
    let isPush: Bool
}

/// The knobs of replication, each with what is traded.
public struct ReplicationSettings: Sendable {
    /// How long an adverted batch may stay away while a parent is expected to push it, in milliseconds. Shorter finds
    /// a failing parent sooner and fetches more batches twice.
    public var pushGrace: Int64 = 300
    /// Batches asked for in one fetch. More saves round trips and holds more unverified bytes in memory.
    public var batchesPerFetch: UInt64 = 32
    /// First pause after a failed fetch, in milliseconds; doubles up to `retryLimit`, each with up to half as much
    /// again at random.
    public var retryPause: Int64 = 500
    public var retryLimit: Int64 = 60_000
    /// How long the shell may take over a fetch before the replica asks elsewhere, in milliseconds.
    public var fetchDeadline: Int64 = 30_000
    /// How long a peer whose bytes did not verify is not asked for that feed, in milliseconds.
    public var distrust: Int64 = 60_000

    public init() {}
}
