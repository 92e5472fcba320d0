public import ExposureKeys
public import FeedFormat

/// Replication as a value: events in, effects out. It holds no socket, clock, store or randomness; the node's shell
/// and the tests feed it the same way. What it holds of a feed is its frontier, never its batches.
///
/// Every neighbour hears of every new batch (adverts); the batches of a region flow unasked along a tree that is learned
/// (`RegionTree`); whatever is missing after a moment is fetched by number from a neighbour that has it.
public struct Replica: Sendable {
    public let region: Region
    /// The newest that this node has.
    public internal(set) var roster: Roster
    var rosterHash: Hash256
    var rosterFetch: PendingRoster?
    let settings: ReplicationSettings
    let checks: FeedChecks
    var feeds = SortedMap<FeedID, FeedProgress>()
    var links = SortedMap<LinkID, LinkProgress>()
    /// Per region along which link its batches come.
    var trees = SortedMap<Region, RegionTree>()
    /// What is known of the holdings at both ends of each link whose peer compares digests.
    var exchanges = SortedMap<LinkID, DigestExchange>()
    /// When the next digest goes out, and whether the time of some has to be drawn first.
    var digestsDue: Timestamp?
    var drawsDigests = false
    /// What is held, as it was last said; nil once that may have changed.
    var ownHoldings: OwnHoldings?
    var ownEntries = SortedMap<FeedID, OwnEntry>()
    var holdingsChangedAt: Timestamp?
    var clocks: ClockWatch
    var budgets = SortedMap<LinkID, LinkBudget>()
    /// What each peer may still cost, over all its links; at most one for each region of the roster that has had a link.
    var workBudgets = SortedMap<Region, PeerBudget>()
    /// By link whose peer passes indexes on, and when the next one goes out on any.
    var relays = SortedMap<LinkID, IndexExchange>()
    var relayDue: Timestamp?
    var relaysChanged = false
    var rosterChangedAt: Timestamp?
    /// Frames that peers sent beyond what they may cause, which were passed over or had to wait, since the start.
    public internal(set) var framesPassedOver = 0
    /// When adverts that wait are sent.
    var advertsDue: Timestamp?
    var fetches = SortedMap<RequestID, PendingFetch>()
    var stores = SortedMap<RequestID, PendingStore>()
    var repairs = SortedMap<FeedID, FeedRepair>()
    /// The feed for which missing batches were asked for last, and by how many thousandths pauses are longer now.
    var repairTurn: FeedID?
    var repairJitter: Int64 = 0
    /// What is remembered of peers beyond their links; one for each region of the roster at most.
    var peers = SortedMap<Region, PeerRecord>()
    var replacements = SortedMap<RequestID, PendingReplacement>()
    /// Feeds that wait for a time, to be looked at then.
    var waits = SortedMap<FeedID, Timestamp>()
    var ownIndex: OwnIndex?
    /// Newest index of each other node; one per region of the roster.
    var indexes = SortedMap<Region, KeptIndex>()
    /// Per region how many reviews of the store are under way.
    var reviews = SortedMap<Region, Int>()
    /// Per region the proof that its key has signed two histories.
    var forks = SortedMap<Region, ForkProof>()
    /// What does not fit and has yet to be looked into, and what is, one of each region at a time.
    var suspicions = SortedMap<FeedID, Suspicion>()
    var inquiries = SortedMap<Region, ForkInquiry>()
    /// Feeds that the event at hand concerns.
    var touched: [FeedID] = []
    var lastWake: Timestamp?
    private var lastRequest: UInt64 = 0
    var effects: [ReplicaEffect] = []

    /// - Parameters:
    ///   - region: this node's.
    ///   - roster: whose regions and keys count.
    ///   - held: what the store holds.
    ///   - forks: what was to be kept of forks; what a roster has settled since is passed over.
    public init(
        region: Region,
        roster: Roster,
        held: [HeldFeed],
        forks: [ForkProof] = [],
        settings: ReplicationSettings = .init()
    ) {
        self.init(region: region, roster: roster, held: held, forks: forks, settings: settings, checks: .plain)
    }

    package init(
        region: Region,
        roster: Roster,
        held: [HeldFeed],
        forks: [ForkProof] = [],
        settings: ReplicationSettings = .init(),
        checks: FeedChecks
    ) {
        self.checks = checks
        self.region = region
        self.roster = roster
        rosterHash = roster.hash
        self.settings = settings
        clocks = ClockWatch(standing: ClockStanding(isAlone: roster.regions.count < 3))
        for feed in held {
            feeds[feed.feed] = FeedProgress(held: feed)
            want(feed.gaps, of: feed.feed, isGap: true)
        }
        load(forks)
    }

    /// Takes one event.
    /// - Parameters:
    ///   - now: the shell's clock.
    ///   - random: source of jitter.
    /// - Returns: what is to be done, in this order.
    public mutating func handle(
        _ event: ReplicaEvent,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) -> [ReplicaEffect] {
        var isTick = false
        noteChange(by: event, now: now)
        switch event {
        case .linkOpened(let link, let expected):
            links[link] = LinkProgress(expected: expected, openedAt: now)
            budgets[link] = LinkBudget(regions: roster.regions.count)
            effects.append(
                .send(link, .hello(LinkFrame.Hello(region: region, features: Replica.features)))
            )
        case .linkClosed(let link):
            forget(link)
        case .received(let link, let frame):
            receive(frame, from: link, now: now)
        case .frontierFetched(let request, let frontier):
            finishFrontier(request, frontier, now: now, random: &random)
        case .batchesFetched(let request, let batches):
            finishFetch(request, batches, now: now, random: &random)
        case .stored(let request):
            if !finishReplacement(request, isStored: true, now: now) { finishStore(request, now: now) }
        case .storeFailed(let request, let reason):
            if !finishReplacement(request, isStored: false, now: now) { failStore(request, reason, now: now) }
        case .damaged(let feed, let batches):
            takeDamaged(feed, batches)
        case .published(let batches):
            takePublished(batches, now: now)
        case .dropped(let feed, let first, let bytes):
            takeDropped(feed, first: first, bytes: bytes)
        case .leavesFetched(let request, let leaves):
            finishLeaves(request, leaves, now: now, random: &random)
        case .reviewed(let region, let held):
            finishReview(of: region, held: held)
        case .batchesRead(let link, let batches):
            answerPull(link, batches, now: now)
        case .tailRead(let request, let tail):
            finishReading(request, tail, now: now)
        case .indexSigned(let index, let settled):
            takeSigned(index, settled: settled, now: now)
        case .rosterFetched(let request, let newer):
            finishRoster(request, newer, now: now, random: &random)
        case .rosterChanged(let newer):
            adopt(newer)
        case .tick:
            isTick = true
            sendDueIndex(now: now)
            expireRoster(now: now, random: &random)
            expireFetches(now: now, random: &random)
            expireInquiries(now: now)
        }
        attendToDigests(now: now, random: &random)
        attendToRelays(now: now, random: &random)
        attendToClock(now: now)
        schedule(now: now, isTick: isTick)
        defer { effects = [] }
        return effects
    }

    /// The feeds of which something is held, in order: what the index lists and adverts say.
    public var held: [Advert] {
        feeds.values.compactMap { progress in
            guard progress.isLiving else { return nil }
            return Advert(feed: progress.durable.feed, first: shownFirst(progress), count: progress.count)
        }
    }

    /// Peers with a link that has said hello, ascending.
    public var linkedPeers: [Region] { links.values.compactMap(\.peer).sorted() }

    /// The most batches by which a neighbour's word exceeds what is held here in one feed, for each region of which any
    /// is missing, ascending.
    public var lags: [(region: Region, batches: UInt64)] {
        var lags: [(region: Region, batches: UInt64)] = []
        for progress in feeds.values {
            let region = progress.durable.feed.region
            if isFrozen(progress.durable.feed) { continue }
            // What lies behind the end of a feed is not missing.
            let end = standing(of: progress.durable.feed)?.size ?? .max
            let ahead = min(end, links.values.map { $0.count(of: progress.durable.feed) }.max() ?? 0)
            let gaps = UInt64(repairs[progress.durable.feed]?.gaps ?? 0)
            let missing = (ahead > progress.count ? ahead - progress.count : 0) + gaps
            guard missing > 0 else { continue }
            if lags.last?.region == region {
                lags[lags.count - 1].batches = max(lags[lags.count - 1].batches, missing)
            } else {
                lags.append((region, missing))
            }
        }
        return lags
    }

    /// The largest of `lags`.
    public var lag: UInt64 { lags.map(\.batches).max() ?? 0 }

    mutating func newRequest() -> RequestID {
        lastRequest += 1
        return RequestID(lastRequest)
    }
}

// MARK: - Links

extension Replica {
    private mutating func receive(
        _ frame: LinkFrame,
        from link: LinkID,
        now: Timestamp
    ) {
        guard let position = links.position(of: link) else { return }
        guard let peer = links.values[position].peer else {
            guard case .hello(let hello) = frame else {
                return close(link, "it sent another frame before its hello")
            }
            return greet(hello, on: link, expected: links.values[position].expected, now: now)
        }
        if links.values[position].roundTrip == nil {
            links.update(link) { $0.roundTrip = now.duration(since: $0.openedAt) }
        }
        charge(peer, Charge.work(of: frame), now: now)
        guard isWithinBudget(frame, from: link, now: now) else { return }
        switch frame {
        case .hello:
            close(link, "it said hello twice")
        case .adverts(let adverts):
            exchanges.update(link) { $0.agreed = nil }
            note(adverts, from: link, peer: peer, now: now)
        case .subscribe(let region):
            guard roster.region(region) != nil else {
                return effects.append(.alarm(.unknownRegion(region, peer: peer)))
            }
            links.update(link) { $0.subscriptions[region] = true }
        case .unsubscribe(let region):
            links.update(link) { $0.subscriptions[region] = nil }
        case .batch(let pushed):
            exchanges.update(link) { $0.agreed = nil }
            takePushed(pushed, from: link, peer: peer, now: now)
        case .index(let index, let settled):
            takeIndex(index, settled: settled, from: link, peer: peer, now: now)
        case .roster(let version, let hash):
            takeAnnounced(version, hash, from: link, peer: peer, now: now)
        case .pull(let feed, let number):
            takePull(feed, from: number, link: link)
        case .fork(let proof):
            takeFork(proof, from: link)
        case .checkpoint(let feed, let checkpoint):
            takeShown(checkpoint, of: feed, from: link)
        case .digest(let digest):
            takeDigest(digest, from: link, peer: peer, now: now)
        case .holdings(let part, let wantsAnswer):
            takeHoldings(part, wantsAnswer: wantsAnswer, from: link, peer: peer, now: now)
        case .relayedIndex(let relayed):
            takeRelayed(relayed, from: link, peer: peer, now: now)
        case .unknown:
            break
        }
    }

    /// What this release announces to its peers.
    private static let features =
        LinkFrame.Hello.batchesAreAdverts | LinkFrame.Hello.digests | LinkFrame.Hello.relaysIndexes

    private mutating func greet(_ hello: LinkFrame.Hello, on link: LinkID, expected: Region?, now: Timestamp) {
        guard hello.version >= 1 else { return close(link, "it speaks link version \(hello.version)") }
        guard hello.region != region, roster.region(hello.region) != nil else {
            return close(
                link,
                "it calls itself \(hello.region), which is \(region == hello.region ? "this node" : "not in the roster")"
            )
        }
        guard expected == nil || expected == hello.region else {
            return close(link, "it calls itself \(hello.region) where the roster has another region")
        }
        let failures = peers[hello.region]?.failures ?? SortedMap()
        links.update(link) { progress in
            progress.peer = hello.region
            progress.takesBatchesAsAdverts = hello.features & LinkFrame.Hello.batchesAreAdverts != 0
            progress.failures = failures
        }
        if hello.features & LinkFrame.Hello.digests != 0 {
            exchanges[link] = DigestExchange(pause: settings.digestPause)
            drawsDigests = true
        }
        if hello.features & LinkFrame.Hello.relaysIndexes != 0 {
            relays[link] = IndexExchange()
            relaysChanged = true
        }
        effects.append(.send(link, rosterFrame))
        introduce(to: link, now: now)
        tellForks(on: link)
        introduceIndex(to: link)
    }

    mutating func close(_ link: LinkID, _ reason: String) {
        effects.append(.close(link, reason: reason))
        forget(link)
    }

    private mutating func forget(_ link: LinkID) {
        guard let lost = links[link] else { return }
        remember(lost)
        links[link] = nil
        exchanges[link] = nil
        budgets[link] = nil
        relays[link] = nil
        forgetClock(of: link)
        drawsDigests = true
        dropInquiries(of: link)
        touched.append(contentsOf: lost.holds.keys)
        let settings = settings
        for region in trees.keys {
            guard parent(of: region) == link else {
                trees.update(region) { _ = $0.lose(link, settings) }
                continue
            }
            loseParent(link, of: region)
            // Nobody will push what was under way.
            for position in feeds.positions(of: region) {
                let feed = feeds.keys[position]
                guard feeds.values[position].pushDue != nil else { continue }
                feeds.update(feed) { $0.pushDue = nil }
                touched.append(feed)
            }
        }
    }
}
