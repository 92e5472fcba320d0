import ExposureKeys
import FeedFormat

/// The indexes that both ends of a link have, to the knowledge of one.
struct IndexExchange: Sendable {
    /// This node's own that went out last; differences are relative to it.
    var sent: FeedIndex?
    /// The peer's own that came last.
    var received: KeptIndex?
    /// Of other nodes' indexes which the peer has at least: when they were signed.
    var known = SortedMap<Region, Int64>()
    /// When the next one is passed on.
    var due: Timestamp?
}

/// Passing on indexes, so that every node holds a recent one of every other and phones can compare them anywhere. One
/// after the other on each link, with a pause between: the one of which the peer has the oldest, if any is old enough.
/// What the peer has shown to have, it does not get.
extension Replica {
    /// An index as a difference from this node's own, where the peer has that and it is smaller.
    func relayed(_ index: FeedIndex, settled: IndexPart, relativeTo base: FeedIndex?) -> LinkFrame {
        let part = base?.settledHash == settled.hash ? nil : settled.bytes
        if let base {
            let difference = IndexDifference(of: index, from: base).bytes
            if difference.count < index.bytes.count {
                return .relayedIndex(LinkFrame.RelayedIndex(isDifference: true, bytes: difference, settled: part))
            }
        }
        return .relayedIndex(LinkFrame.RelayedIndex(isDifference: false, bytes: index.bytes, settled: part))
    }

    /// A peer's own index by difference, or another node's.
    mutating func takeRelayed(_ relayed: LinkFrame.RelayedIndex, from link: LinkID, peer: Region, now: Timestamp) {
        guard let exchange = relays[link] else { return }
        do throws(FormatError) {
            guard let kept = try read(relayed, exchange.received, now: now), kept.index.node != region else { return }
            let (signer, time) = (kept.index.node, kept.index.time)
            if signer == peer {
                relays.update(link) { $0.received = kept }
                noteClock(ofIndex: time, from: link, peer: peer, now: now)
            } else {
                relays.update(link) { $0.known[signer] = max($0.known[signer] ?? .min, time) }
                relaysChanged = true
            }
            guard isNews(kept, isFromSigner: signer == peer) else { return }
            keep(kept)
            // Another node's holdings are no claim of the peer's.
            if signer == peer { compare(try kept.index.entries(with: kept.settled), from: link) }
        } catch {
            // It is relative to an index that has not come here: the next one will do.
            if error.code == .wrongPosition { return }
            let isSignature = error.code == .missingSignature || error.code == .wrongSignature
            if isSignature, isUnderAnotherRoster(link, now: now) { return }
            effects.append(.alarm(.rejectedIndex(peer: peer, reason: error.description)))
        }
    }

    /// Whether what a peer passes on may verify under its roster, or did under the one before this.
    private func isUnderAnotherRoster(_ link: LinkID, now: Timestamp) -> Bool {
        if links[link]?.roster?.hash != rosterHash { return true }
        return rosterChangedAt.map { now.duration(since: $0) < settings.relayAge } ?? false
    }

    /// - Returns: nil if it is relative to something that is not here.
    private func read(
        _ relayed: LinkFrame.RelayedIndex,
        _ base: KeptIndex?,
        now: Timestamp
    ) throws(FormatError) -> KeptIndex? {
        let index: FeedIndex
        if relayed.isDifference {
            let difference = try IndexDifference(bytes: relayed.bytes[...])
            guard let base else { return nil }
            index = try difference.applied(to: base.index) { roster.keys(of: $0) }
        } else {
            index = try FeedIndex(relayed.bytes[...]) { roster.keys(of: $0) }
        }
        var settled = base?.settled
        if let bytes = relayed.settled {
            settled = try IndexPart(bytes: bytes[...])
        } else if base?.index.settledHash != index.settledHash {
            return nil
        }
        guard let settled else { return nil }
        _ = try index.entries(with: settled)
        try checkTime(of: index, now: now)
        return KeptIndex(index: index, settled: settled)
    }

    /// Index times never decrease. Two of one second can only be told apart by their signer, who sends the later one
    /// later; from others the first one stays until a newer one comes.
    func isNews(_ index: KeptIndex, isFromSigner: Bool) -> Bool {
        guard let kept = indexes[index.index.node] else { return true }
        if index.index.time != kept.index.time { return index.index.time > kept.index.time }
        return isFromSigner && index.hash != kept.hash
    }

    mutating func keep(_ index: KeptIndex) {
        indexes[index.index.node] = index
        relaysChanged = true
        effects.append(.keepIndex(index.index, settled: index.settled))
    }

    /// What does not verify under another roster is neither passed on nor stands in the way of what does.
    mutating func dropIndexes(since former: Roster) {
        for (id, kept) in zip(indexes.keys, indexes.values) where former.region(id) != roster.region(id) {
            let isValid = (try? FeedIndex(kept.index.bytes[...]) { roster.keys(of: $0) }) != nil
            if !isValid { indexes[id] = nil }
        }
    }

    // MARK: Time

    /// Passes on the indexes whose time has come.
    mutating func attendToRelays(now: Timestamp, random: inout some RandomNumberGenerator) {
        guard relaysChanged || relayDue.map({ $0 <= now }) == true else { return }
        (relaysChanged, relayDue) = (false, nil)
        for position in relays.keys.indices {
            let link = relays.keys[position]
            if let due = relays.values[position].due, due <= now {
                relays.update(link) { $0.due = nil }
                if let oldest = oldestAtPeer(of: link) { relay(oldest, on: link) }
            }
            if relays.values[position].due == nil, oldestAtPeer(of: link) != nil {
                let pause = settings.relayPause
                let due = now.advanced(byMilliseconds: pause + Int64.random(in: 0...(pause / 2), using: &random))
                relays.update(link) { $0.due = due }
            }
            if let due = relays.values[position].due { relayDue = relayDue.map { min($0, due) } ?? due }
        }
    }

    /// The region whose index at the peer is furthest behind the one here, if by `relayAge` or more; of those that it has
    /// not shown at all each end begins with others, so that they do not cross.
    private func oldestAtPeer(of link: LinkID) -> Region? {
        guard let peer = links[link]?.peer, let exchange = relays[link] else { return nil }
        var best: (region: Region, age: Int64)?
        let isFirst = region < peer
        for position in indexes.keys.indices {
            let signer = indexes.keys[isFirst ? position : indexes.count - 1 - position]
            guard signer != peer, let time = indexes[signer]?.index.time else { continue }
            let age = exchange.known[signer].map { time &- $0 } ?? .max
            guard age >= settings.relayAge / 1000, age > best?.age ?? 0 else { continue }
            best = (signer, age)
        }
        return best?.region
    }

    private mutating func relay(_ signer: Region, on link: LinkID) {
        guard let kept = indexes[signer] else { return }
        effects.append(.send(link, relayed(kept.index, settled: kept.settled, relativeTo: relays[link]?.sent)))
        relays.update(link) { $0.known[signer] = kept.index.time }
    }
}
