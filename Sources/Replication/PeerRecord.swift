import ExposureKeys
import FeedFormat

/// What is remembered of a peer beyond its links, so that whoever reconnects does not begin with a clean slate.
struct PeerRecord: Sendable {
    /// Feeds for which it failed, as they were when its last link ended.
    var failures = SortedMap<FeedID, LinkProgress.Failures>()
    /// How often bytes of it did not verify, and when that was last made up for or grew.
    private var offences = 0
    private var since: Timestamp?

    /// Failures kept of one peer.
    static let failuresKept = 256
    private static let mostOffences = 8
    /// Milliseconds for which one offence counts.
    private static let forgiveness: Int64 = 600_000

    mutating func offend(now: Timestamp) {
        offences = min(offences(now: now) + 1, PeerRecord.mostOffences)
        since = now
    }

    /// How far behind others a peer stands as a source.
    func offences(now: Timestamp) -> Int {
        guard let since else { return 0 }
        let forgiven = max(0, now.duration(since: since)) / PeerRecord.forgiveness
        return offences - min(offences, Int(clamping: forgiven))
    }
}

/// Scores of peers. A peer whose bytes do not verify is asked after all others, for any feed, and the feed at hand is
/// not taken from it for a while, longer each time, whatever becomes of its links.
extension Replica {
    /// Its link has ended.
    mutating func remember(_ link: LinkProgress) {
        guard let peer = link.peer else { return }
        var failures = SortedMap<FeedID, LinkProgress.Failures>()
        for (feed, failure) in zip(link.failures.keys, link.failures.values) where !failure.isVoid {
            if failures.count < PeerRecord.failuresKept { failures[feed] = failure }
        }
        if peers[peer] == nil, failures.isEmpty { return }
        peers[peer] = peers[peer] ?? PeerRecord()
        peers.update(peer) { $0.failures = failures }
    }

    /// Under another roster everybody is asked again.
    mutating func forgiveFailures() {
        for peer in peers.keys {
            if roster.region(peer) == nil { peers[peer] = nil }
            peers.update(peer) { $0.failures = SortedMap() }
        }
    }

    mutating func offend(_ link: LinkID, now: Timestamp) {
        guard let peer = links[link]?.peer else { return }
        peers[peer] = peers[peer] ?? PeerRecord()
        peers.update(peer) { $0.offend(now: now) }
    }

    func offences(_ peer: Region?, now: Timestamp) -> Int {
        peers.isEmpty ? 0 : peer.flatMap { peers[$0]?.offences(now: now) } ?? 0
    }
}
