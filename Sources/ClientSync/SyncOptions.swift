public import ExposureKeys
public import FeedFormat

/// What one sync is to follow and what it may cost.
public struct SyncOptions: Sendable {
    /// Who may sign rosters.
    public var authorities: RosterAuthorities
    /// Regions to follow; nil for all, which is the default because whoever infected you may live anywhere.
    public var regions: [Region]?
    public var limits: SyncLimits
    /// Whether batches are compared with this phone's sightings as they come in, in the transaction that keeps them. For
    /// a store that cannot open its sightings now, because its key is locked away say, it must be false:
    /// `ExposureMatching` makes up for it later.
    public var matches = true
    /// Other nodes whose indexes the phone keeps to judge its node by, each of another operator; 0 for none. Each costs
    /// a request an hour. Values above `maximumWitnesses` count as that.
    public var witnesses: Int {
        didSet { witnesses = SyncOptions.bounded(witnesses) }
    }

    public init(
        authorities: RosterAuthorities,
        regions: [Region]? = nil,
        limits: SyncLimits = SyncLimits(),
        witnesses: Int = 2
    ) {
        self.authorities = authorities
        self.regions = regions
        self.limits = limits
        self.witnesses = SyncOptions.bounded(witnesses)
    }

    public static let maximumWitnesses = 8

    private static func bounded(_ witnesses: Int) -> Int { min(max(0, witnesses), maximumWitnesses) }

    func follows(_ region: Region) -> Bool {
        regions?.contains(region) ?? true
    }

    /// One text per choice of regions: an index is only "not modified" for the choice it was last read with.
    var selection: String {
        guard let regions else { return "*" }
        return regions.sorted().map(\.code).joined(separator: ",")
    }
}

/// Bounds of one sync. A hostile node can make a phone spend these and no more.
public struct SyncLimits: Sendable {
    /// Feeds followed.
    public var feeds = 4096
    /// Epochs of one region; those already followed come first, then the oldest.
    public var epochsPerRegion = FormatLimits.epochsPerRegion
    /// Requests; what is missing comes with the next sync.
    public var requests = 20_000
    /// Bytes of bodies, 512 MiB: four times what Vietnam's worst fortnight takes.
    public var bytes = 512 << 20
    /// Largest range asked for is 2^this batches: 64, two and a half days of an hourly feed.
    public var rangeLevel = 6
    /// Largest body of a single batch and its checkpoint.
    public var rangeBytes = FormatLimits.batchBytes + (1 << 20)
    /// Largest body of a range of several batches: one that exceeds this is asked for again in halves. So where much is
    /// new, batches come one by one. Memory at any time is at most about five bodies a feed in flight: as it came, as
    /// batches, decoded, and on its way to the store.
    public var joinedRangeBytes = 2 << 20
    /// Feeds fetched at the same time.
    public var feedsInParallel = 4
    /// Requests that fail for want of an answer before no further feed is begun.
    public var failures = 3
    /// Seconds for which a held roster is used without asking for a newer one.
    public var rosterAge: Int64 = 86_400
    /// Seconds after its expiry for which the held roster is still used, with a problem in the report: 14 days.
    public var rosterGrace: Int64 = 14 * 86_400
    /// Seconds between publication slots. An index older than two of them counts as none.
    public var slot: Int64 = 3600
    /// Seconds after which what a witness had must be at every node; also how long witnesses are not asked again.
    public var witnessLead: Int64 = 3600
    /// Claims of witnesses for which a signature is asked for in one sync.
    public var witnessChecks = 4

    public init() {}
}
