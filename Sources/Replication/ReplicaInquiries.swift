import ExposureKeys
public import FeedFormat

/// The end of a feed as the store holds it.
public struct HeldTail: Sendable {
    /// At the size asked for, or at the end if that comes first.
    public let frontier: Frontier
    /// The leaf hashes from there to the end.
    public let leaves: [Hash256]
    /// The checkpoint of the last batch.
    public let checkpoint: [UInt8]

    public init(frontier: Frontier, leaves: [Hash256], checkpoint: [UInt8]) {
        self.frontier = frontier
        self.leaves = leaves
        self.checkpoint = checkpoint
    }
}

/// Something that a peer said and that does not fit what is held.
struct Suspicion: Sendable {
    let link: LinkID
    let claim: Claim
    /// Why bytes from this peer were refused: its own fault, if the region has not signed two histories.
    var refused: FormatError?

    enum Claim: Sendable {
        /// The region's signature.
        case signed(SignedCheckpoint)
        /// The peer's word for a root, from its index.
        case root(size: UInt64, prefix: [UInt8])

        var size: UInt64 {
            switch self {
            case .signed(let signed): signed.checkpoint.size
            case .root(let size, _): size
            }
        }
    }
}

/// A suspicion that is being looked into.
struct ForkInquiry: Sendable {
    let feed: FeedID
    var suspicion: Suspicion
    var step: Step
    /// When to go on without an answer.
    var deadline: Timestamp

    enum Step: Sendable {
        /// What is held here is being read.
        case reading(RequestID)
        /// The peer was asked to push the batch with the checkpoint of the claimed size; how often.
        case asking(Int)
        /// The peer, who holds more, was shown the checkpoint held here: it can tell whether its own continues it.
        case showing
    }
}

/// Telling forks from lies. Whoever meets a statement signed by a region that does not fit what it holds compares the two
/// at the smaller one's size. The one who holds the larger one can: if his tree has another root there, the two
/// statements and the way between them are a proof. So the smaller one shows the larger one what it has. One inquiry for
/// each region at a time, with a bound on attempts and time; a peer is blamed only if the region turns out to have
/// signed one history.
extension Replica {
    private static let attempts = 3

    /// Whether refused bytes come with a signature of the region over a root that what is held cannot lead to.
    func contradiction(_ item: ReceivedBatch, of feed: FeedID, after progress: FeedProgress) -> SignedCheckpoint? {
        // Hashes that lead on from what is held may be those of another history; a beginning may be anybody's.
        guard progress.base?.begin == nil, progress.durable.next > 0 else { return nil }
        return signedByRegion(item.checkpoint, of: feed)
    }

    /// A checkpoint of a feed that follows its region's signatures alone.
    func signedByRegion(_ checkpoint: [UInt8], of feed: FeedID) -> SignedCheckpoint? {
        guard let entry = roster.region(feed.region), standing(of: feed) == nil else { return nil }
        return try? SignedCheckpoint(checkpoint[...], region: feed.region, epoch: feed.epoch, keys: entry.keys)
    }

    /// Bytes of a peer were refused though they came with the region's signature. Nothing more of this feed is taken
    /// from it for a while; whether it is to blame turns out later.
    mutating func suspect(
        _ signed: SignedCheckpoint,
        of feed: FeedID,
        from link: LinkID,
        _ error: FormatError,
        now: Timestamp
    ) {
        distrust(link, for: feed, now: now)
        note(Suspicion(link: link, claim: .signed(signed), refused: error), of: feed)
    }

    /// Compares what a peer's index says with what is held.
    mutating func compare(_ entries: [IndexEntry], from link: LinkID) {
        guard !mayKnowMore(link) else { return }
        for entry in entries where entry.first < entry.count {
            if let begin = feeds[entry.feed]?.begin.size, entry.first < begin {
                links.update(link) { $0.earlierFirsts[entry.feed] = entry.first }
                touched.append(entry.feed)
            }
            guard let progress = feeds[entry.feed], progress.isLiving, entry.count <= progress.count,
                links[link]?.compared[entry.feed] != entry.count
            else { continue }
            if entry.count == progress.count,
                entry.rootPrefix.elementsEqual(progress.durable.frontier.root.bytes.prefix(16))
            {
                continue
            }
            note(Suspicion(link: link, claim: .root(size: entry.count, prefix: entry.rootPrefix)), of: entry.feed)
        }
    }

    /// A peer shows what it holds of a feed of which this node has said to hold more.
    mutating func takeShown(_ checkpoint: [UInt8], of feed: FeedID, from link: LinkID) {
        guard let progress = feeds[feed], progress.isLiving, let signed = signedByRegion(checkpoint, of: feed),
            signed.checkpoint.size <= progress.count
        else { return }
        note(Suspicion(link: link, claim: .signed(signed)), of: feed)
    }

    /// A batch has come over a link. It may be the answer to an inquiry.
    mutating func takeAnswer(_ pushed: LinkFrame.PushedBatch, from link: LinkID, now: Timestamp) {
        guard let inquiry = inquiries[pushed.feed.region], inquiry.feed == pushed.feed,
            inquiry.suspicion.link == link, case .asking = inquiry.step,
            let signed = signedByRegion(pushed.checkpoint, of: pushed.feed),
            signed.checkpoint.size == inquiry.suspicion.claim.size
        else { return }
        begin(Suspicion(link: link, claim: .signed(signed)), of: pushed.feed, now: now)
    }

    /// One for each feed waits; a signature goes before a mere word.
    private mutating func note(_ suspicion: Suspicion, of feed: FeedID) {
        guard !isFrozen(feed), standing(of: feed) == nil, !isUnderReview(feed.region) else { return }
        if let waiting = suspicions[feed] {
            guard case .root = waiting.claim, case .signed = suspicion.claim else { return }
        }
        suspicions[feed] = suspicion
    }

    /// Begins the inquiries for which there is room.
    mutating func attendToInquiries(now: Timestamp) {
        for (feed, suspicion) in zip(suspicions.keys, suspicions.values) where inquiries[feed.region] == nil {
            suspicions[feed] = nil
            if links[suspicion.link] != nil { begin(suspicion, of: feed, now: now) }
        }
    }

    private mutating func begin(_ suspicion: Suspicion, of feed: FeedID, now: Timestamp) {
        let request = newRequest()
        let deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
        inquiries[feed.region] = ForkInquiry(
            feed: feed,
            suspicion: suspicion,
            step: .reading(request),
            deadline: deadline
        )
        effects.append(.readTail(request, feed, from: suspicion.claim.size))
    }

    mutating func finishReading(_ request: RequestID, _ tail: HeldTail?, now: Timestamp) {
        let found = inquiries.values.first { if case .reading(request) = $0.step { true } else { false } }
        guard let inquiry = found else { return }
        let feed = inquiry.feed
        inquiries[feed.region] = nil
        guard let tail, let own = signedByRegion(tail.checkpoint, of: feed), !isFrozen(feed) else { return }
        switch inquiry.suspicion.claim {
        case .root(let size, let prefix):
            guard tail.frontier.size == size else { return }
            if prefix.elementsEqual(tail.frontier.root.bytes.prefix(16)) {
                links.update(inquiry.suspicion.link) { $0.compared[feed] = size }
            } else {
                ask(inquiry, attempt: 1, now: now)
            }
        case .signed(let theirs) where theirs.checkpoint.size > own.checkpoint.size:
            // Whoever was shown something and holds less has nothing to say.
            if inquiry.suspicion.refused != nil { show(own, inquiry, now: now) }
        case .signed(let theirs):
            judge(theirs, own, tail, inquiry, now: now)
        }
    }

    /// Compares a signed root with the one that is held at its size.
    private mutating func judge(
        _ theirs: SignedCheckpoint,
        _ own: SignedCheckpoint,
        _ tail: HeldTail,
        _ inquiry: ForkInquiry,
        now: Timestamp
    ) {
        guard tail.frontier.size == theirs.checkpoint.size else { return }
        if tail.frontier.root == theirs.checkpoint.root { return blame(inquiry, now: now) }
        let proof =
            try? theirs.checkpoint.size == own.checkpoint.size
            ? ForkProof(theirs, own)
            : ForkProof(older: theirs, newer: own, frontier: tail.frontier, leaves: tail.leaves[...])
        if let proof { take(proof) }
    }

    /// Asks for the region's signature under what a peer's index says.
    private mutating func ask(_ inquiry: ForkInquiry, attempt: Int, now: Timestamp) {
        let link = inquiry.suspicion.link
        guard links[link]?.peer != nil else { return }
        var inquiry = inquiry
        inquiry.step = .asking(attempt)
        inquiry.deadline = now.advanced(byMilliseconds: settings.pullDeadline)
        inquiries[inquiry.feed.region] = inquiry
        effects.append(.send(link, .pull(inquiry.feed, from: inquiry.suspicion.claim.size - 1)))
    }

    private mutating func show(_ own: SignedCheckpoint, _ inquiry: ForkInquiry, now: Timestamp) {
        let link = inquiry.suspicion.link
        guard links[link]?.peer != nil else { return }
        var inquiry = inquiry
        inquiry.step = .showing
        inquiry.deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
        inquiries[inquiry.feed.region] = inquiry
        effects.append(.send(link, .checkpoint(inquiry.feed, own.bytes)))
    }

    /// Goes on where no answer came.
    mutating func expireInquiries(now: Timestamp) {
        for (region, inquiry) in zip(inquiries.keys, inquiries.values) where inquiry.deadline <= now {
            inquiries[region] = nil
            switch inquiry.step {
            case .reading: break
            case .asking(let attempt) where attempt < Replica.attempts:
                ask(inquiry, attempt: attempt + 1, now: now)
            case .asking: break
            case .showing where inquiry.suspicion.claim.size <= feeds[inquiry.feed]?.count ?? 0:
                // What came meanwhile from others lets this node tell itself.
                begin(inquiry.suspicion, of: inquiry.feed, now: now)
            case .showing: blame(inquiry, now: now)
            }
        }
    }

    /// There is one history only, or nobody shows another: refused bytes are their sender's fault.
    private mutating func blame(_ inquiry: ForkInquiry, now: Timestamp) {
        guard let error = inquiry.suspicion.refused else { return }
        reject(inquiry.feed, from: inquiry.suspicion.link, error, now: now)
    }

    mutating func dropInquiries(where isOver: (FeedID) -> Bool) {
        for feed in suspicions.keys where isOver(feed) { suspicions[feed] = nil }
        for (region, inquiry) in zip(inquiries.keys, inquiries.values) where isOver(inquiry.feed) {
            inquiries[region] = nil
        }
    }

    mutating func dropInquiries(of link: LinkID) {
        for (feed, suspicion) in zip(suspicions.keys, suspicions.values) where suspicion.link == link {
            suspicions[feed] = nil
        }
        for (region, inquiry) in zip(inquiries.keys, inquiries.values) where inquiry.suspicion.link == link {
            inquiries[region] = nil
        }
    }
}
