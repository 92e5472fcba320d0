import ExposureKeys
import FeedFormat

/// Where a replica stands with one feed.
struct FeedProgress: Sendable {
    /// Up to here everything is on disk, may be adverted and served.
    var durable: FeedTail
    /// Up to here everything is proven; what lies between is being stored or waits for that. While `base` is set, the
    /// tail only claims to be proven.
    var proven: FeedTail
    /// First batch still held.
    var first: UInt64
    /// Of the batches held.
    var bytes: UInt64 = 0
    /// Where the leaf hashes known here begin; empty unless this node joined after older batches were dropped.
    var begin: Frontier
    /// Below this number nothing of the feed is taken: it was here and has been dropped.
    var floor: UInt64
    /// The frontier at which this feed is to go on here, until the batch that follows proves it.
    var base: ClaimedFrontier?
    /// Of a feed that ends, the leaf hashes that lead to the root which stands; nil until they are fetched.
    var leaves: StandingLeaves?
    /// The fetch under way, if any.
    var fetch: RequestID?
    /// The store under way, if any: one at a time, so that a failed one never leaves a gap behind it.
    var store: RequestID?
    /// Proven while a store was under way; stored together when that is done.
    var waiting: [ProvenBatch] = []
    /// When a batch that is known to exist is fetched, unless the parent pushes it before; nil if fetching need not wait.
    var pushDue: Timestamp?
    /// When the newest batch was proven.
    var provenAt: Timestamp?
    /// No fetch before this time: the store failed, or a batch lies ahead of the clock.
    var retryAt: Timestamp?
    /// Set when a signed batch turned out malformed: nothing of this feed is taken any more.
    var isBlocked = false
    /// Batches that were to prove the hashes before them and could not.
    var unusableProofs = UnusableProofs()
    /// Kept out because its region has too many living epochs.
    var isHeldBack = false
    /// Kept out because its region fills too much of the disk.
    var isOverQuota = false

    init(held: HeldFeed) {
        durable = FeedTail(feed: held.feed, frontier: held.frontier)
        proven = durable
        first = held.first
        begin = held.begin
        bytes = held.bytes
        floor = held.floor
    }

    /// A feed of which nothing is held yet.
    init(new feed: FeedID) {
        durable = FeedTail(feed: feed)
        proven = durable
        first = 0
        begin = Frontier()
        floor = 0
    }

    var count: UInt64 { durable.next }
    /// Living: some batch is still held.
    var isLiving: Bool { first < count }
    /// Nothing is held or about to be: the feed may begin here at any batch.
    var mayBegin: Bool { !isLiving && store == nil && waiting.isEmpty }

    /// The batch from which on something is asked for, whatever unproven hashes may lead to.
    var origin: UInt64 { base == nil ? proven.next : durable.next }

    /// Drops a frontier that nothing has proven.
    mutating func forgetBase() {
        guard base != nil else { return }
        base = nil
        leaves = nil
        proven = durable
    }
}

/// Batches that are signed and cannot be stored, so that they prove no hashes before them either.
struct UnusableProofs: Sendable {
    /// Nothing that a feed may hold; the latest ones found.
    private var malformed: [UInt64] = []
    /// From this batch on all lie ahead of the clock; they are looked at again after a time.
    private var ahead: (from: UInt64, until: Timestamp)?

    /// Further ones are forgotten, the oldest first, and then found again: each costs a fetch and a pause.
    private static let maximumCount = 64

    mutating func addMalformed(_ number: UInt64) {
        if malformed.count == UnusableProofs.maximumCount { malformed.removeFirst() }
        malformed.append(number)
    }

    /// Publication intervals never decrease along a feed, so what follows is ahead as well.
    mutating func addAhead(_ number: UInt64, until: Timestamp) { ahead = (number, until) }

    /// The first batch from `number` on that may prove hashes now; nil if there is none.
    func usable(from number: UInt64, now: Timestamp) -> UInt64? {
        var number = number
        while malformed.contains(number) { number += 1 }
        if let ahead, now < ahead.until, number >= ahead.from { return nil }
        return number
    }

    func isEmpty(now: Timestamp) -> Bool { malformed.isEmpty && ahead.map { now >= $0.until } ?? true }
}

/// A frontier as a peer gave it, or the hashes that lead there. Batches that follow it are taken from that peer only, so
/// that a mismatch is its fault.
struct ClaimedFrontier: Sendable {
    /// Where the feed is to begin; nil if it goes on from what is held.
    var begin: Frontier?
    /// What is left out between there, or what is held, and the batch that comes next: it is fetched later.
    var skipped: SkippedBatches?
    /// Nil once it is proven.
    var link: LinkID?
}

/// What a replica knows of the node at the other end of a link.
struct LinkProgress: Sendable {
    /// Set by the peer's `hello`.
    var peer: Region?
    /// The only region that may stand in the `hello`, if this node dialled.
    let expected: Region?
    let openedAt: Timestamp
    /// Milliseconds until the peer had answered this node's `hello`, which it does at once.
    var roundTrip: Int64?
    /// What the peer says it holds, or was pushed.
    var holds = SortedMap<FeedID, Advert>()
    /// When a batch last went out to it, by feed.
    var pushedAt = SortedMap<FeedID, Timestamp>()
    /// Since when it says that it holds so many.
    var heard = SortedMap<FeedID, Heard>()
    /// Feeds of which it is to be told, also if it holds as much or not.
    var untold = SortedMap<FeedID, Bool>()
    /// A pushed batch need not be preceded by an advert.
    var takesBatchesAsAdverts = false
    /// Up to where the peer knows that this node holds a feed: it pushes only what comes next.
    var told = SortedMap<FeedID, UInt64>()
    /// What the peer says of its roster.
    var roster: AnnouncedRoster?
    /// Regions whose batches it wants as they come.
    var subscriptions = SortedMap<Region, Bool>()
    /// Batches came over the link that a fetch did not bring, and none by a fetch since.
    var isPulled = false
    /// Feeds of which it had no hashes to give that lead as far as it had said.
    var withoutHashes = SortedMap<FeedID, Bool>()
    /// What the frame that is being read was charged, and whether the next one waits for the peer's budget.
    var frameUnits: Int64 = 0
    var isHeldBack = false
    /// Per feed the batch that it has said it holds and did not give while others said the same.
    var vain = SortedMap<FeedID, UInt64>()
    /// Batches that it asked for are being read.
    var isAnswering = false
    /// Regions of which the peer has a proof of a fork, from here or of its own; or has sent one that says nothing here.
    var forks = SortedMap<Region, Bool>()
    /// Sizes, smaller than what is held, at which the peer's index was found to agree.
    var compared = SortedMap<FeedID, UInt64>()
    /// Feeds for which this peer failed.
    var failures = SortedMap<FeedID, Failures>()
    /// Feeds of which it did not give what was asked for, and what it is asked for next.
    var aims = SortedMap<FeedID, Aim>()

    /// Feeds that begin at the peer further back than it adverts, since it lacks batches behind those: by its index.
    var earlierFirsts = SortedMap<FeedID, UInt64>()
    /// Feeds of which it could not give what comes before the place where they begin here.
    var withoutBeginning = SortedMap<FeedID, Failures>()

    /// Where the next question about a feed begins. Valid as long as the feed goes on here from the same batch.
    struct Aim: Sendable {
        /// The feed's `origin` when it was asked for in vain.
        let origin: UInt64
        /// Behind what did not come.
        let next: UInt64
    }

    /// Fetches of one feed that this peer failed in a row.
    struct Failures: Sendable {
        var count = 0
        /// It is not asked before this time.
        var until: Timestamp
        /// It answered, though not with what was asked for: its address leads to it.
        var hasAnswered = false
        /// Its bytes did not verify, so what it pushes is not looked at either.
        var isDistrusted = false
        /// Only a closed key has signed what it has, or other bytes stand: this node lacks nothing of that.
        var isVoid = false
    }

    /// Takes the peer's word on a feed.
    /// - Returns: false if it speaks of more epochs of the region than can matter; twice the limit leaves room for
    ///   those that wait for others to end.
    mutating func note(_ advert: Advert, now: Timestamp) -> Bool {
        guard
            holds[advert.feed] != nil
                || holds.positions(of: advert.feed.region).count < 2 * FormatLimits.epochsPerRegion
        else { return false }
        if advert.count > holds[advert.feed]?.count ?? 0 { heard[advert.feed] = Heard(count: advert.count, time: now) }
        holds[advert.feed] = advert
        return true
    }

    /// When a peer first said that it holds so many batches of a feed.
    struct Heard: Sendable {
        let count: UInt64
        let time: Timestamp
    }

    /// Where to ask next for a feed that goes on at `origin`, if something was asked for in vain.
    func aim(_ feed: FeedID, at origin: UInt64) -> UInt64? {
        aims[feed].flatMap { $0.origin == origin ? $0.next : nil }
    }

    /// How many batches to ask for at once: fewer after each failure to answer at all, as the way may be too slow for more.
    func fetchLimit(of feed: FeedID, _ settings: ReplicationSettings) -> UInt64 {
        guard let failures = failures[feed], !failures.hasAnswered else { return settings.batchesPerFetch }
        return max(1, settings.batchesPerFetch >> UInt64(min(failures.count, 16)))
    }

    /// How many batches of a feed the peer has, as far as anybody knows and they may count.
    func count(of feed: FeedID) -> UInt64 {
        failures[feed]?.isVoid == true ? 0 : holds[feed]?.count ?? 0
    }

    /// Whether the peer says that it has a batch.
    func says(_ number: UInt64, of feed: FeedID) -> Bool {
        holds[feed].map { $0.first <= number && number < $0.count } ?? false
    }

    /// Whether nothing of a feed is taken from the peer now, not even unasked.
    func isDistrusted(for feed: FeedID, now: Timestamp) -> Bool {
        failures[feed].map { $0.isDistrusted && now < $0.until } ?? false
    }
}

/// A fetch under way.
struct PendingFetch: Sendable {
    let feed: FeedID
    let link: LinkID
    /// The first batch asked for, or the size of the frontier asked for.
    let start: UInt64
    /// Behind the last batch asked for.
    let end: UInt64
    /// When to give up waiting for the shell.
    let deadline: Timestamp
    /// Whom missing batches are asked of, whatever becomes of the link.
    var peer: Region?
    var kind = Kind.next
    /// Before the first of the hashes asked for.
    var frontier: Frontier?
    /// When the answer may be here, or that of a neighbour who was asked to push the same meanwhile; nil if nobody else is
    /// asked.
    var expected: Timestamp?
    /// Those who were asked meanwhile.
    var hedges: [LinkID] = []

    enum Kind: Sendable {
        /// What comes next: batches, or the frontier or hashes that lead to them.
        case next
        /// The same, asked over the link: answered by pushes.
        case pull
        /// Batches below the feed's end.
        case repair
        /// Hashes up to the newest batches, which are to come first.
        case skip
        /// What comes before the place where the feed begins here: its frontier, then hashes.
        case before
    }
}

/// A store under way.
struct PendingStore: Sendable {
    let feed: FeedID
    /// None if only hashes are stored, which come before where the feed began.
    let batches: [ProvenBatch]
    /// The tail that is durable once it is done.
    let tail: FeedTail
    /// Where the feed begins from then on, if elsewhere.
    var begin: Frontier?
    /// Left out before the batches.
    var skipped: SkippedBatches?
}

/// The knobs of replication, each with what is traded.
public struct ReplicationSettings: Sendable {
    /// How long an adverted batch may stay away while a parent is expected to push it, in milliseconds, if nothing is
    /// known of how much sooner or later than a push the advert comes. Shorter finds a failing parent sooner and fetches
    /// more batches twice.
    public var pushGrace: Int64 = 150
    /// By how much a push may be later than it usually is against a neighbour's adverts, in milliseconds, beyond
    /// `pushSpreads` times what it usually varies; `pushGrace` remains the limit. The same is traded.
    public var pushSlack: Int64 = 8
    public var pushSpreads: Int64 = 3
    /// How many neighbours are asked to push at once what a lost parent would have: the first to bring it follows it.
    /// More finds the next parent sooner and brings one batch more often.
    public var heirs = 4
    /// By how many milliseconds a neighbour that adverts what is being fetched must be able to bring it sooner to be asked
    /// too, and how many neighbours are at most. Less brings what is fetched from afar sooner and more batches twice.
    public var hedgeLead: Int64 = 10
    public var hedges = 3
    /// How long an advert may wait for others, in milliseconds. Longer makes fewer frames, and first fetches later.
    public var advertPause: Int64 = 5
    /// By how much a neighbour's advert must be ahead of the parent's push to count, in milliseconds, and for how many
    /// batches in a row before the neighbour goes on trial; twice as much counts as two batches. Less finds faster
    /// ways sooner and changes parents for nothing.
    public var trialLead: Int64 = 8
    public var trialWins = 2
    /// Batches asked for in one fetch, and kept while a store is under way. More saves round trips and holds more
    /// unverified bytes in memory.
    public var batchesPerFetch: UInt64 = 32
    /// Bytes of living batches of one other region beyond which nothing more of it is taken. Less bounds sooner what whoever
    /// has stolen a key can fill; more leaves room for a worse epidemic.
    public var bytesPerRegion: UInt64 = 1 << 30
    /// From how many missing batches on the newest come first. Fewer shows the newest sooner and asks more often for
    /// hashes alone.
    public var catchUpFrom: UInt64 = 64
    /// How long a peer that failed a fetch of a feed is not asked for it, in milliseconds; doubles up to `retryLimit`
    /// with every failure in a row, each with up to half as much again at random.
    public var retryPause: Int64 = 500
    public var retryLimit: Int64 = 60_000
    /// How long the shell may take over a fetch before the replica asks elsewhere, in milliseconds.
    public var fetchDeadline: Int64 = 30_000
    /// How long to wait for batches asked for over the link before the replica asks elsewhere or otherwise, in
    /// milliseconds.
    public var pullDeadline: Int64 = 5_000
    /// How long a peer whose bytes did not verify is not asked for that feed, in milliseconds.
    public var distrust: Int64 = 60_000
    /// How long nothing of a feed is fetched after the store failed, in milliseconds.
    public var storePause: Int64 = 30_000
    /// How long to wait at most, in milliseconds, before a batch from ahead of the clock is looked at again. Shorter
    /// notices a clock that is set right sooner and fetches in vain more often.
    public var futurePause: Int64 = 600_000
    /// How long to wait, when nobody can be asked for a batch that is missing or damaged, or all were in vain, before looking
    /// again, in milliseconds; doubles up to `repairLimit` with every round in vain, each with up to half as much again at
    /// random. Shorter repairs sooner and asks in vain more often.
    public var repairPause: Int64 = 5_000
    public var repairLimit: Int64 = 120_000
    /// How long after this node's index was sent to its neighbours the next one follows at the earliest, in
    /// milliseconds. Shorter gives those who compare indexes newer ones and sends more bytes.
    public var indexPause: Int64 = 60_000
    /// How long between two indexes of other nodes that are passed on over one link, in milliseconds, each with up to half
    /// as much again at random. Shorter brings them sooner in large rosters and sends more bytes.
    public var relayPause: Int64 = 5000
    /// By how much a peer's index of another node must be older than the one here, in milliseconds, to be replaced.
    /// Shorter keeps them newer and sends more bytes.
    public var relayAge: Int64 = 600_000
    /// How long after a link opens, or after an exchange that gave something to fetch, this node compares digests with
    /// the peer again, in milliseconds; doubles up to `digestLimit`, each with up to half as much again at random. Less
    /// finds sooner what was lost on the way and sends more bytes.
    public var digestPause: Int64 = 1000
    public var digestLimit: Int64 = 300_000
    /// How long nothing may have come or gone before digests are compared, in milliseconds; waited for at most as long as
    /// `digestLimit`. Less finds differences that are only on their way.
    public var digestQuiet: Int64 = 500

    public init() {}
}
