import ExposureKeys
import FeedFormat

/// This node's newest index, and when neighbours last got one.
struct OwnIndex: Sendable {
    var frame: LinkFrame
    var sentAt: Timestamp
    /// Neighbours have an older one; they get this one when the pause ends.
    var isDue = false
}

/// What a replica remembers of another node's index.
struct KeptIndex: Sendable {
    let index: FeedIndex
    let settled: IndexPart
    let hash: Hash256

    init(index: FeedIndex, settled: IndexPart) {
        self.index = index
        self.settled = settled
        hash = Hash256(hashing: index.bytes[...])
    }
}

/// Giving this node's index to neighbours, and keeping theirs. `ReplicaRelays` passes them on.
extension Replica {
    /// The first one goes out at once, later ones when the pause since the last has ended: a node that imports or
    /// catches up signs many.
    mutating func takeSigned(_ index: [UInt8], settled: [UInt8], now: Timestamp) {
        let frame = LinkFrame.index(index: index, settled: settled)
        guard var own = ownIndex else {
            ownIndex = OwnIndex(frame: frame, sentAt: now)
            return sendIndex(now: now)
        }
        own.frame = frame
        own.isDue = true
        ownIndex = own
        sendDueIndex(now: now)
    }

    /// When an index that waits is to be sent.
    var indexDue: Timestamp? {
        guard let ownIndex, ownIndex.isDue else { return nil }
        return ownIndex.sentAt.advanced(byMilliseconds: settings.indexPause)
    }

    mutating func sendDueIndex(now: Timestamp) {
        guard let due = indexDue, due <= now else { return }
        sendIndex(now: now)
    }

    private mutating func sendIndex(now: Timestamp) {
        guard let frame = ownIndex?.frame else { return }
        let own = read(own: frame)
        ownIndex = OwnIndex(frame: frame, sentAt: now)
        for position in links.keys.indices where links.values[position].peer != nil {
            let link = links.keys[position]
            if let own, let base = relays[link]?.sent {
                effects.append(.send(link, relayed(own.index, settled: own.settled, relativeTo: base)))
            } else {
                effects.append(.send(link, frame))
            }
            relays.update(link) { $0.sent = own?.index }
        }
    }

    /// Gives a new link the index that others have.
    mutating func introduceIndex(to link: LinkID) {
        guard let ownIndex else { return }
        let own = read(own: ownIndex.frame)
        effects.append(.send(link, ownIndex.frame))
        relays.update(link) { $0.sent = own?.index }
    }

    private func read(own frame: LinkFrame) -> KeptIndex? {
        guard case .index(let bytes, let settled) = frame,
            let index = try? FeedIndex(bytes[...], keys: { roster.keys(of: $0) }), index.node == region,
            let part = try? IndexPart(bytes: settled[...]), part.hash == index.settledHash
        else { return nil }
        return KeptIndex(index: index, settled: part)
    }

    /// A peer's index: verified, and kept unless it is older than the one at hand.
    mutating func takeIndex(_ bytes: [UInt8], settled: [UInt8], from link: LinkID, peer: Region, now: Timestamp) {
        let hash = Hash256(hashing: bytes[...])
        if indexes[peer]?.hash == hash, relays[link].map({ $0.received?.hash == hash }) ?? true { return }
        do throws(FormatError) {
            let index = try FeedIndex(bytes[...]) { roster.keys(of: $0) }
            guard index.node == peer else {
                throw FormatError(.wrongPosition, "it is the index of \(index.node)")
            }
            let kept = KeptIndex(index: index, settled: try IndexPart(bytes: settled[...]))
            let entries = try index.entries(with: kept.settled)
            try checkTime(of: index, now: now)
            noteClock(ofIndex: index.time, from: link, peer: peer, now: now)
            relays.update(link) { $0.received = kept }
            guard isNews(kept, isFromSigner: true) else { return }
            keep(kept)
            compare(entries, from: link)
        } catch {
            if error.code == .missingSignature, isClosed(bytes, of: peer) { return }
            effects.append(.alarm(.rejectedIndex(peer: peer, reason: error.description)))
        }
    }

    /// One from far ahead would shut out all that follow.
    func checkTime(of index: FeedIndex, now: Timestamp) throws(FormatError) {
        guard Expiry.admission(publishedAt: Interval(unixSeconds: index.time), now: now.interval) != .wait else {
            throw FormatError(.outOfRange, "it was signed over two hours ahead of this node's clock")
        }
    }

    /// Whether a closed key has signed an index: the peer has no such roster yet, or has not been given its next key. Its
    /// index does not count, and nothing is wrong with it.
    private func isClosed(_ index: [UInt8], of peer: Region) -> Bool {
        guard let keys = roster.region(peer)?.closedKeys, !keys.isEmpty else { return false }
        return (try? FeedIndex(index[...]) { $0 == peer ? keys : nil }) != nil
    }
}
