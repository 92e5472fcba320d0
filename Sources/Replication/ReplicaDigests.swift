import ExposureKeys
import FeedFormat

/// How the two ends of a link keep sure that each knows what the other holds.
struct DigestExchange: Sendable {
    /// The pause after the next exchange, in milliseconds.
    var pause: Int64
    /// When this node sends its next digest if all is quiet; nil while that has to be drawn anew.
    var due: Timestamp?
    /// When it sends it however busy it is.
    var latest: Timestamp?
    /// What its last digest said, until the peer has answered.
    var unanswered: Hash256?
    /// What both held when they were last found to hold the same; nil once the peer has said anything since.
    var agreed: Hash256?
}

/// What this node holds of the regions in its roster, as digests and frames of holdings have it.
struct OwnHoldings: Sendable {
    /// By feed.
    let adverts: SortedMap<FeedID, Advert>
    let counts: SortedMap<FeedID, UInt64>
    let hash: Hash256
}

/// What is held of one feed, and its bytes in what a digest hashes.
struct OwnEntry: Sendable {
    let entry: IndexEntry
    let bytes: [UInt8]

    init(_ entry: IndexEntry) {
        self.entry = entry
        var bytes: [UInt8] = []
        entry.append(to: &bytes)
        self.bytes = bytes
    }
}

/// Anti-entropy. A link opens with a digest of all that is held, and repeats it after growing pauses. Whoever gets one
/// unlike its own says what it holds, feed by feed, and gets the same: one exchange, after which each end knows exactly
/// what the other has. Everything else on a link is only news.
extension Replica {
    /// What is held now. Kept until something changes, and then only what has changed is hashed anew: links ask for it
    /// far more often.
    mutating func holdings() -> OwnHoldings {
        if let ownHoldings { return ownHoldings }
        var (listed, adverts, counts): ([FeedID], [Advert], [UInt64]) = ([], [], [])
        var bytes: [UInt8] = []
        for position in feeds.values.indices where feeds.values[position].isLiving {
            let feed = feeds.keys[position]
            guard adverts.count < FormatLimits.feedsPerIndex, roster.position(of: feed.region) != nil else { continue }
            let (first, count) = (shownFirst(at: position), feeds.values[position].count)
            guard let advert = Advert(feed: feed, first: first, count: count),
                let entry = ownEntry(of: advert, at: position)
            else { continue }
            bytes.append(contentsOf: entry.bytes)
            listed.append(feed)
            adverts.append(advert)
            counts.append(count)
        }
        let holdings = OwnHoldings(
            adverts: SortedMap(ascending: listed, adverts),
            counts: SortedMap(ascending: listed, counts),
            hash: Hash256(hashing: bytes[...])
        )
        ownHoldings = holdings
        return holdings
    }

    /// The entry that says the same as an advert of the feed at a position; made anew if that has changed.
    private mutating func ownEntry(of advert: Advert, at position: Int) -> OwnEntry? {
        if let known = ownEntries[advert.feed], known.entry.first == advert.first, known.entry.count == advert.count {
            return known
        }
        let root = feeds.values[position].durable.frontier.root
        let entry = IndexEntry(feed: advert.feed, first: advert.first, count: advert.count, root: root)
        ownEntries[advert.feed] = entry.map { OwnEntry($0) }
        return ownEntries[advert.feed]
    }

    /// What an event may have changed of what is held.
    mutating func noteChange(by event: ReplicaEvent, now: Timestamp) {
        switch event {
        case .stored, .published:
            ownHoldings = nil
            holdingsChangedAt = now
        case .dropped(let feed, _, _):
            (ownHoldings, ownEntries[feed]) = (nil, nil)
            holdingsChangedAt = now
        case .reviewed:
            // A feed may have grown again from where it was cut.
            (ownHoldings, ownEntries) = (nil, SortedMap())
            holdingsChangedAt = now
        case .rosterChanged, .rosterFetched(_, _?):
            ownHoldings = nil
            rosterChangedAt = now
        default:
            break
        }
    }

    /// Begins an exchange: what either holds is compared.
    mutating func compareHoldings(on link: LinkID, now: Timestamp) {
        guard exchanges[link] != nil else { return }
        sendDigest(to: link, isAnswer: false, now: now)
    }

    private mutating func sendDigest(to link: LinkID, isAnswer: Bool, now: Timestamp) {
        let hash = holdings().hash
        if !isAnswer {
            exchanges.update(link) { exchange in
                exchange.unanswered = hash
                exchange.due = nil
            }
            drawsDigests = true
        }
        effects.append(.send(link, .digest(LinkFrame.Digest(hash: hash, clock: now.milliseconds, isAnswer: isAnswer))))
    }

    private mutating func sendHoldings(to link: LinkID, wantsAnswer: Bool, now: Timestamp) {
        let own = holdings()
        let part = IndexPart(own.adverts.keys.compactMap { ownEntries[$0]?.entry })
        charge(link, .lookups(part.entries.count), .answeredBytes(part.bytes.count), now: now)
        effects.append(.send(link, .holdings(part, wantsAnswer: wantsAnswer)))
        links.update(link) { link in
            link.told = own.counts
            link.untold = SortedMap()
        }
    }

    /// A peer's digest. If it holds the same, both are told of all; else it is told what is held here.
    mutating func takeDigest(_ digest: LinkFrame.Digest, from link: LinkID, peer: Region, now: Timestamp) {
        guard let exchange = exchanges[link] else { return }
        noteClock(digest.clock, from: link, peer: peer, now: now)
        let own = holdings()
        // It counts as if it had begun here, unless that has happened.
        if !digest.isAnswer, exchange.unanswered == nil {
            exchanges.update(link) { $0.due = nil }
            drawsDigests = true
        }
        if digest.hash == own.hash {
            if exchange.agreed != own.hash {
                noteAll(own.adverts.values, from: link, peer: peer, now: now)
                links.update(link) { $0.told = own.counts }
            }
            // The peer learns the same from this node's own digest, if that is on its way.
            if !digest.isAnswer, exchange.unanswered != own.hash { sendDigest(to: link, isAnswer: true, now: now) }
            exchanges.update(link) { exchange in
                exchange.unanswered = nil
                exchange.agreed = own.hash
            }
        } else if mayAnswer(link, now: now) {
            // A digest of this node that is under way will bring the peer's answer.
            sendHoldings(to: link, wantsAnswer: digest.isAnswer || exchange.unanswered == nil, now: now)
        }
    }

    /// Feeds of one region that a peer may speak of, and regions that it may know and this node does not.
    private static let entriesPerRegion = 2 * FormatLimits.epochsPerRegion
    private static let unknownRegions = 16

    /// All that a peer holds.
    mutating func takeHoldings(
        _ part: IndexPart,
        wantsAnswer: Bool,
        from link: LinkID,
        peer: Region,
        now: Timestamp
    ) {
        guard exchanges[link] != nil else { return }
        guard part.entries.count <= Replica.entriesPerRegion * (roster.regions.count + Replica.unknownRegions) else {
            return close(link, "it says that it holds more feeds than all regions may have")
        }
        let said = part.entries.compactMap { Advert(feed: $0.feed, first: $0.first, count: $0.count) }
        let isNews = noteAll(said, from: link, peer: peer, now: now)
        if wantsAnswer, mayAnswer(link, now: now) { sendHoldings(to: link, wantsAnswer: false, now: now) }
        exchanges.update(link) { exchange in
            exchange.unanswered = nil
            exchange.agreed = nil
            guard isNews else { return }
            exchange.pause = settings.digestPause
            exchange.due = nil
        }
        drawsDigests = drawsDigests || isNews
        compare(part.entries, from: link)
    }

    /// From now on the peer is known to hold this, and nothing else.
    /// - Parameter said: ascending by feed.
    /// - Returns: whether it has something that is missing here and was not known of.
    @discardableResult
    private mutating func noteAll(_ said: [Advert], from link: LinkID, peer: Region, now: Timestamp) -> Bool {
        guard let place = links.position(of: link), links.values[place].holds.values != said else { return false }
        let known = links.values[place].holds
        var changed: [Advert] = []
        var isNews = false
        var position = 0
        var absent: [FeedID] = []
        for said in said {
            while position < known.count, known.keys[position] < said.feed {
                absent.append(known.keys[position])
                position += 1
            }
            var (advert, before): (Advert, Advert?) = (said, nil)
            if position < known.count, known.keys[position] == said.feed {
                before = known.values[position]
                position += 1
            }
            if let count = before?.count, count > said.count, isPushed(said.feed, to: link, now: now) {
                advert = Advert(feed: said.feed, first: said.first, count: count) ?? said
            }
            guard advert != before else { continue }
            if advert.count > before?.count ?? 0, advert.count > feeds[said.feed]?.proven.next ?? 0 {
                isNews = isNews || roster.position(of: said.feed.region) != nil && !isFrozen(said.feed)
            }
            changed.append(advert)
        }
        absent.append(contentsOf: known.keys[position...])
        for feed in absent where !isPushed(feed, to: link, now: now) {
            links.update(link) { link in
                link.holds[feed] = nil
                link.heard[feed] = nil
            }
            touched.append(feed)
        }
        note(changed, from: link, peer: peer, now: now, isCurrent: false)
        return isNews
    }

    /// Whether a batch of a feed went out to a peer so recently that what it says of the feed may leave it out.
    private func isPushed(_ feed: FeedID, to link: LinkID, now: Timestamp) -> Bool {
        guard let pushedAt = links[link]?.pushedAt[feed] else { return false }
        return now.duration(since: pushedAt) < settings.pullDeadline
    }

    // MARK: Time

    /// Sends the digests whose time has come, and draws the time of the next ones.
    mutating func attendToDigests(now: Timestamp, random: inout some RandomNumberGenerator) {
        let isDue = digestsDue.map { $0 <= now } ?? false
        guard isDue || drawsDigests else { return }
        for link in exchanges.keys where exchanges[link]?.due.map({ $0 <= now }) == true {
            guard let latest = exchanges[link]?.latest else { continue }
            if latest <= now || isQuiet(now: now) {
                sendDigest(to: link, isAnswer: false, now: now)
            } else {
                // What is under way would make a difference of its own.
                let later = now.advanced(byMilliseconds: settings.digestQuiet)
                exchanges.update(link) { $0.due = min(later, latest) }
            }
        }
        (digestsDue, drawsDigests) = (nil, false)
        for position in exchanges.values.indices {
            let due = exchanges.values[position].due ?? draw(exchanges.keys[position], now: now, random: &random)
            digestsDue = digestsDue.map { min($0, due) } ?? due
        }
    }

    /// - Returns: when the next digest goes out on a link.
    private mutating func draw(
        _ link: LinkID,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) -> Timestamp {
        let (limit, pause) = (settings.digestLimit, exchanges[link]?.pause ?? settings.digestLimit)
        let due = now.advanced(byMilliseconds: pause + Int64.random(in: 0...(pause / 2), using: &random))
        exchanges.update(link) { exchange in
            exchange.due = due
            exchange.latest = due.advanced(byMilliseconds: limit)
            exchange.pause = min(2 * pause, limit)
        }
        return due
    }

    /// Whether nothing has come or gone for a moment.
    private func isQuiet(now: Timestamp) -> Bool {
        guard fetches.isEmpty, stores.isEmpty, advertsDue == nil else { return false }
        return holdingsChangedAt.map { now.duration(since: $0) >= settings.digestQuiet } ?? true
    }
}
