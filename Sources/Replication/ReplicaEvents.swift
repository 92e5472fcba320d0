public import ExposureKeys
public import FeedFormat

/// Names one link for as long as it lives; never used twice by a shell.
public struct LinkID: Hashable, Comparable, Sendable {
    public let number: UInt64
    public init(_ number: UInt64) { self.number = number }
    public static func < (left: LinkID, right: LinkID) -> Bool { left.number < right.number }
}

/// Names one request of a replica to its shell, so that the answer finds its way back.
public struct RequestID: Hashable, Comparable, Sendable {
    public let number: UInt64
    public init(_ number: UInt64) { self.number = number }
    public static func < (left: RequestID, right: RequestID) -> Bool { left.number < right.number }
}

/// One batch as it came from a peer, not verified.
public struct ReceivedBatch: Equatable, Sendable {
    public let bytes: [UInt8]
    public let checkpoint: [UInt8]

    public init(bytes: [UInt8], checkpoint: [UInt8]) {
        self.bytes = bytes
        self.checkpoint = checkpoint
    }
}

/// A feed as the store holds it when a replica starts.
public struct HeldFeed: Sendable {
    public let feed: FeedID
    public let frontier: Frontier
    public let first: UInt64
    /// Where the leaf hashes that are held begin.
    public let begin: Frontier
    /// Below this number nothing is to be fetched: it was held and has been dropped.
    public let floor: UInt64
    /// Batches from `first` on that have never been held, ascending.
    public let gaps: [DamagedBatch]
    /// Bytes of the batches held.
    public let bytes: UInt64

    public init(
        feed: FeedID,
        frontier: Frontier,
        first: UInt64,
        begin: Frontier = Frontier(),
        floor: UInt64 = 0,
        gaps: [DamagedBatch] = [],
        bytes: UInt64 = 0
    ) {
        self.bytes = bytes
        self.feed = feed
        self.frontier = frontier
        self.first = first
        self.begin = begin
        self.floor = floor
        self.gaps = gaps
    }
}

/// What happens to a replica.
public enum ReplicaEvent: Sendable {
    /// A link to another node is up; its `hello` has not been read yet.
    case linkOpened(LinkID, expected: Region?)
    case linkClosed(LinkID)
    case received(LinkID, LinkFrame)
    /// Answer to `fetchFrontier`.
    case frontierFetched(RequestID, Frontier?)
    /// Answer to `fetchBatches`: an entry for each number from the first one asked for on, nil for a batch that the peer
    /// was asked for and did not give. It ends where nothing is known of the rest, and is empty if nobody answered.
    case batchesFetched(RequestID, [ReceivedBatch?])
    /// Answer to `store`, `extend` and `replace`: all of it is durable.
    case stored(RequestID)
    /// Answer to them: nothing of it is durable.
    case storeFailed(RequestID, reason: String)
    /// This region published; the batches are durable already.
    case published([ProvenBatch])
    /// The store has dropped all batches of a feed below `first`; so many bytes of it are left.
    case dropped(FeedID, first: UInt64, bytes: UInt64)
    /// Answer to `fetchLeaves`: all of them, or none.
    case leavesFetched(RequestID, [Hash256])
    /// Answer to `review`: what the store holds of the region now. All stores asked for before are reported before.
    case reviewed(Region, [HeldFeed])
    /// Answer to `readBatches`: those that are there, from the first one asked for on.
    case batchesRead(LinkID, [ProvenBatch])
    /// The store holds these batches of a feed no more as they were; they are not served until they are replaced.
    case damaged(FeedID, [DamagedBatch])
    /// Answer to `readTail`; nil if no batch of the feed is held, or what is asked for is not known.
    case tailRead(RequestID, HeldTail?)
    /// This node has signed an index anew.
    case indexSigned(index: [UInt8], settled: [UInt8])
    /// Answer to `fetchRoster`: the one that this node works with now; nil if nothing newer that is valid came.
    case rosterFetched(RequestID, Roster?)
    /// This node has another roster: verified, durable, and following the one before.
    case rosterChanged(Roster)
    /// Time has passed; sent at the latest at the time of the last `wake`.
    case tick
}

/// What a replica wants done.
public enum ReplicaEffect: Sendable {
    case send(LinkID, LinkFrame)
    case close(LinkID, reason: String)
    case fetchFrontier(RequestID, from: Region, FeedID, size: UInt64)
    /// Fetch the batches with these numbers, each with the checkpoint of its size.
    case fetchBatches(RequestID, from: Region, FeedID, Range<UInt64>)
    /// Fetch the leaf hashes of these batches, also of dropped ones.
    case fetchLeaves(RequestID, from: Region, FeedID, Range<UInt64>)
    /// Cut off what does not count of a region's feeds (`RosterRegion.verdict`), after all stores asked for before.
    case review(RosterRegion)
    /// Read these batches from the store, as many as are no burden, for a neighbour that asked.
    case readBatches(LinkID, FeedID, Range<UInt64>)
    /// Read the end of a feed from this size on, after all stores asked for before.
    case readTail(RequestID, FeedID, from: UInt64)
    /// Keep this proof for the next start, in place of another one of its region.
    case keepFork(ForkProof)
    /// A roster has settled the fork of this region.
    case settleFork(Region)
    /// Store these batches of one feed in one transaction. `base` is given with a feed's first batches if it starts above
    /// 0; `skipped` are the leaf hashes of batches before these that are not here: they come later, by `replace`.
    case store(RequestID, [ProvenBatch], base: Frontier?, skipped: [Hash256])
    /// Store what comes before the place where a feed begins here: it begins at `base` then, and these leaf hashes lead
    /// from there to where it began. The batches come later, by `replace`.
    case extend(RequestID, FeedID, base: Frontier, skipped: [Hash256])
    /// Put these batches, of one feed, where damaged ones stand or others have been left out.
    case replace(RequestID, [ProvenBatch])
    /// A feed has grown and is durable; it may be served.
    case visible(FeedID, count: UInt64)
    /// Fetch the roster of this peer, and verify it.
    case fetchRoster(RequestID, from: Region)
    /// Another node's index, verified, and newer than the one kept of that node before.
    case keepIndex(FeedIndex, settled: IndexPart)
    /// Send `tick` at this time; replaces earlier wishes.
    case wake(Timestamp)
    case alarm(ReplicaAlarm)
    /// What this alarm said is over.
    case endAlarm(ReplicaAlarm)
}

/// Something an operator must learn of. Equal alarms may be shown once.
public enum ReplicaAlarm: Hashable, Sendable, CustomStringConvertible {
    /// A peer sent something for a region that the roster does not list.
    case unknownRegion(Region, peer: Region)
    /// Bytes from a peer did not verify.
    case rejected(FeedID, peer: Region, reason: String)
    /// A signed batch is malformed: its region must begin a new epoch.
    case malformedFeed(FeedID, reason: String)
    /// A region has more living epochs than anyone may hold.
    case tooManyEpochs(Region)
    /// So much of a region is held that no more of it is taken.
    case tooManyBytes(Region)
    /// A batch lies further ahead of this node's clock than two hours.
    case batchFromFuture(FeedID, publication: Interval)
    case storeFailed(FeedID, reason: String)
    /// A peer's index did not verify.
    case rejectedIndex(peer: Region, reason: String)
    /// A peer says that it has another roster under the same version.
    case forkedRoster(peer: Region)
    /// A region's key has signed two histories of one epoch; `isOwn` if it is this node's.
    case forked(FeedID, isOwn: Bool)
    /// This node's clock is ahead of the median of its peers' by so much, behind if negative; nothing is dropped.
    case clockDiffers(seconds: Int64)

    public var description: String {
        switch self {
        case .unknownRegion(let region, let peer):
            "\(peer) speaks of region \(region), which the roster does not list; get the newest roster on both nodes"
        case .rejected(let feed, let peer, let reason):
            "what \(peer) sent of feed \(feed) was refused: \(reason); nothing of it was kept, other peers will be asked"
        case .malformedFeed(let feed, let reason):
            "feed \(feed) is signed but malformed: \(reason); tell its operator to restart that node, which begins a new epoch"
        case .tooManyEpochs(let region):
            "region \(region) has more than \(FormatLimits.epochsPerRegion) living epochs; later ones wait until old ones end"
        case .tooManyBytes(let region):
            "the batches of region \(region) have reached the quota of a region; nothing more of it is taken until old ones end: ask its operator whether its key is stolen"
        case .batchFromFuture(let feed, let publication):
            "feed \(feed) has a batch of interval \(publication), over two hours ahead of this clock; check this node's clock first"
        case .storeFailed(let feed, let reason):
            "feed \(feed) could not be stored: \(reason); it will be fetched again"
        case .rejectedIndex(let peer, let reason):
            "the index that \(peer) sent was refused: \(reason); the one before is kept; compare clocks and rosters"
        case .forkedRoster(let peer):
            "\(peer) says that it has another roster of the same version; compare both, and tell the authorities if both verify"
        case .clockDiffers(let seconds):
            """
            this node's clock is \(seconds.magnitude) s \(seconds < 0 ? "behind" : "ahead of") the clocks of most \
            neighbours; nothing is dropped until they agree; set the clock, or tell the neighbours' operators if it is \
            right
            """
        case .forked(let feed, isOwn: false):
            """
            the key of \(feed.region) has signed two histories of feed \(feed): it is stolen, or two copies of that node \
            have run; what is held stays, nothing new of \(feed.region) is taken until a roster closes the key; tell its \
            operator and the authorities: see OPERATIONS.md, "A fork"
            """
        case .forked(let feed, isOwn: true):
            """
            this region's key has signed two histories of feed \(feed): it is stolen, or a copy of this node has run; \
            nothing is published until a roster closes the key, and other nodes take nothing new: see OPERATIONS.md, \
            "A fork"
            """
        }
    }
}
