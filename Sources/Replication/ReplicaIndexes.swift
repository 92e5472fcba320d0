import ExposureKeys
import FeedFormat

/// This node's newest index, and when neighbours last got one.
struct OwnIndex: Sendable {
    var frame: LinkFrame
    var sentAt: Timestamp
    /// Neighbours have an older one; they get this one when the pause ends.
    var isDue = false
}

/// What a replica remembers of another node's index: enough to tell a newer one.
struct KeptIndex: Sendable {
    let time: Int64
    let hash: Hash256
}

/// Giving this node's index to neighbours, and keeping theirs. Indexes are not passed on.
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
        ownIndex = OwnIndex(frame: frame, sentAt: now)
        for (id, link) in zip(links.keys, links.values) where link.peer != nil { effects.append(.send(id, frame)) }
    }

    /// A peer's index: verified, and kept unless it is older than the one at hand.
    mutating func takeIndex(_ bytes: [UInt8], settled: [UInt8], from link: LinkID, peer: Region, now: Timestamp) {
        let hash = Hash256(hashing: bytes[...])
        if indexes[peer]?.hash == hash { return }
        do throws(FormatError) {
            let index = try FeedIndex(bytes[...]) { roster.keys(of: $0) }
            guard index.node == peer else {
                throw FormatError(.wrongPosition, "it is the index of \(index.node)")
            }
            let part = try IndexPart(bytes: settled[...])
            let entries = try index.entries(with: part)
            guard Expiry.admission(publishedAt: Interval(unixSeconds: index.time), now: now.interval) != .wait else {
                throw FormatError(.outOfRange, "it was signed over two hours ahead of this node's clock")
            }
            noteClock(ofIndex: index.time, from: link, peer: peer, now: now)
            if let kept = indexes[peer], index.time < kept.time { return }
            indexes[peer] = KeptIndex(time: index.time, hash: hash)
            effects.append(.keepIndex(index, settled: part))
            compare(entries, from: link)
        } catch {
            if error.code == .missingSignature, isClosed(bytes, of: peer) { return }
            effects.append(.alarm(.rejectedIndex(peer: peer, reason: error.description)))
        }
    }

    /// Whether a closed key has signed an index: the peer has no such roster yet, or has not been given its next key. Its
    /// index does not count, and nothing is wrong with it.
    private func isClosed(_ index: [UInt8], of peer: Region) -> Bool {
        guard let keys = roster.region(peer)?.closedKeys, !keys.isEmpty else { return false }
        return (try? FeedIndex(index[...]) { $0 == peer ? keys : nil }) != nil
    }
}
