public import ExposureKeys
public import FeedFormat

/// What one sync did.
public struct SyncReport: Sendable {
    /// Base URL of the node that was asked.
    public var node: String
    /// Version of the roster in use.
    public var rosterVersion: UInt64
    /// The region whose node signed the index, and when (unix seconds); from the last full index if not modified.
    public var indexSigner: Region?
    public var indexTime: Int64?
    /// True if the node answered that its index has not changed since a sync that was complete.
    public var notModified = false
    /// Feeds followed, ascending; empty if not modified.
    public var feeds: [FeedReport] = []
    /// Whether the index is news, and if not, why.
    public var index = IndexStanding.tooOld
    /// In what way the clocks of phone and node differ by more than two hours; nil if they do not.
    public var clocks: ClockDifference?
    /// What is known from now on of how fresh the phone's keys are.
    public var freshness = FreshnessRecord()
    /// Problems that are no single feed's.
    public var problems: [SyncError] = []
    /// What other nodes' indexes say of this one. Neither a lack of witnesses nor a finding makes a sync incomplete.
    public var witnesses = WitnessReport()
    /// Requests made and bytes of bodies received.
    public var requests = 0
    public var bytes = 0

    /// The node still lacks what it has been proven to withhold less than a day ago.
    var stillWithholds = false

    public init(node: String, rosterVersion: UInt64) {
        self.node = node
        self.rosterVersion = rosterVersion
    }

    /// Batches committed by this sync.
    public var batches: Int { feeds.reduce(0) { $0 + $1.batches } }
    /// Keys in those batches.
    public var keys: Int { feeds.reduce(0) { $0 + $1.keys } }
    /// Contradictions found by this sync; the store keeps them.
    public var evidence: [Evidence] { feeds.compactMap(\.evidence) + witnesses.findings.compactMap(\.evidence) }
    /// True if every feed followed stands where the node's index does, or beyond, and nothing went wrong.
    public var holdsAll: Bool {
        problems.isEmpty && feeds.allSatisfy { $0.problem == nil && !$0.isWaiting }
    }
    /// True if the phone holds all that the node's index lists, and that is news: what an old index lists is not all there
    /// is.
    public var isUpToDate: Bool { holdsAll && index == .news }
    /// Regions of which something is still to be fetched.
    public var incompleteRegions: Int {
        var regions: [Region] = []
        for feed in feeds where feed.problem != nil || feed.isWaiting {
            if regions.last != feed.feed.region { regions.append(feed.feed.region) }
        }
        return regions.count + problems.count { [.absentRegion, .tooManyEpochs].contains($0.code) }
    }
}

/// What an index that a sync has verified is worth.
public enum IndexStanding: String, Sendable, CaseIterable {
    /// Signed not more than two publication slots ago by the phone's clock, with or without new keys.
    case news
    /// Signed longer ago: the node was cut off, or a clock is wrong.
    case tooOld
    /// Signed more than two hours ahead of the phone's clock.
    case fromTheFuture
    /// The node has been proven to withhold.
    case disproved
    /// What it lists could not be fetched: there was no answer, or a limit was reached.
    case cutShort
}

extension SyncReport {
    /// Judges the index that was read.
    /// - Parameters:
    ///   - signed: unix seconds at which it was signed.
    ///   - now: unix seconds, by the phone's clock.
    mutating func judge(signed: Int64, now: Int64, slot: Int64) {
        let (age, overflows) = now.subtractingReportingOverflow(signed)
        let tolerance = Freshness.clockTolerance
        if overflows ? now < signed : age < -tolerance {
            (index, clocks) = (.fromTheFuture, .nodeAhead)
            return
        }
        clocks = overflows || age > tolerance ? .nodeBehind : nil
        let isLate = overflows || age > 2 * slot
        index = isLate ? .tooOld : trust == .disproved ? .disproved : isCutShort ? .cutShort : .news
    }

    var trust: NodeTrust {
        let kinds = witnesses.findings.map(\.kind)
        // A fork is the fault of the region that signed it, a false claim that of the witness.
        // What another node withholds may be found at this one.
        let withholds = witnesses.findings.contains { $0.kind == .withheld && $0.evidence?.node == node }
        let contradicts = feeds.contains { [.indexClaim, .withheld].contains($0.evidence?.kind) }
        if withholds || stillWithholds || contradicts { return .disproved }
        let doubts: [WitnessFinding.Kind] = [.notShown, .behind, .anotherHistory, .onlyHere]
        if kinds.contains(where: doubts.contains) { return .doubted }
        return witnesses.isWitnessed ? .confirmed : .unconfirmed
    }

    /// One feed that does not verify, or a region with too many epochs, is its region's affair; where the node or the way
    /// to it failed, or the node lists nothing of what was asked for, nothing was fetched.
    private var isCutShort: Bool {
        let codes = feeds.compactMap(\.problem?.code)
        return (codes + problems.map(\.code)).contains { [.noAnswer, .limitReached, .cursorMoved].contains($0) }
            || feeds.isEmpty && problems.contains { $0.code == .absentRegion }
            // A batch that the node calls damaged is passed by, and what follows is fetched.
            || !feeds.isEmpty && codes.count { $0 != .damaged } == feeds.count
    }
}

/// What one sync did with one feed.
public struct FeedReport: Sendable {
    public let feed: FeedID
    /// Batches that this phone has taken or passed by, before and after the sync.
    public let sizeBefore: UInt64
    public var size: UInt64
    /// Batches that the node has. Less than `size` is lag of the node.
    public let nodeSize: UInt64
    /// Batches and keys committed.
    public var batches = 0
    public var keys = 0
    /// Batches passed by because they are 15 days old.
    public var expired = 0
    /// True if the next batch claims to come from more than two hours ahead and waits.
    public var isWaiting = false
    /// True if only a closed key has signed what the node has: nothing of it counts.
    public var isClosed = false
    /// Why the feed did not get further.
    public var problem: SyncError?
    public var evidence: Evidence?
    /// Roots at sizes that witnesses speak of and that this sync has passed.
    var roots: [KnownRoot] = []

    init(feed: FeedID, size: UInt64, nodeSize: UInt64) {
        self.feed = feed
        sizeBefore = size
        self.size = size
        self.nodeSize = nodeSize
    }

    public var nodeLags: Bool { nodeSize < size }
}

/// How far a running sync is. Numbers only grow.
public struct SyncProgress: Sendable, Equatable {
    public var feedsDone = 0
    public var feedsTotal = 0
    public var requests = 0
    public var bytes = 0
    public var batches = 0
    public var keys = 0

    public init() {}
}
