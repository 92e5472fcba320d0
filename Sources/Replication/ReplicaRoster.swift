import ExposureKeys
import FeedFormat

/// What a peer says of the roster that it has.
struct AnnouncedRoster: Sendable, Equatable {
    var version: UInt64
    var hash: Hash256
    /// Vain fetches from this peer in a row.
    var failures = 0
    /// It is not asked before this time.
    var retryAt: Timestamp?
}

/// A fetch of a roster under way.
struct PendingRoster: Sendable {
    let request: RequestID
    let link: LinkID
    /// When to give up waiting for the shell.
    let deadline: Timestamp
}

/// Keeping to the newest roster: neighbours say which one they have, and whoever has an older one fetches theirs. The
/// shell verifies it and says what became of it; a peer's word decides whom to ask, nothing else.
extension Replica {
    /// Says which roster this node has.
    var rosterFrame: LinkFrame { .roster(version: roster.version, hash: rosterHash) }

    mutating func takeAnnounced(
        _ version: UInt64,
        _ hash: Hash256,
        from link: LinkID,
        peer: Region,
        now: Timestamp
    ) {
        if version == roster.version, hash != rosterHash { effects.append(.alarm(.forkedRoster(peer: peer))) }
        let before = links[link]?.roster
        if before?.version == version, before?.hash == hash { return }
        var announced = before ?? AnnouncedRoster(version: version, hash: hash)
        (announced.version, announced.hash) = (version, hash)
        links.update(link) { $0.roster = announced }
        // Under its old roster the peer may have passed over feeds of regions that it did not know. Not beyond this
        // node's version: a peer that counts up for ever gets nothing for it.
        guard let before, before.version < version, version <= roster.version else { return }
        introduce(to: link, now: now)
        links.update(link) { $0.forks = SortedMap() }
        tellForks(on: link)
    }

    /// Works with another roster from now on, if it is a newer one.
    mutating func adopt(_ newer: Roster) {
        guard newer.version > roster.version else { return }
        let former = roster
        roster = newer
        rosterHash = newer.hash
        countClocks()
        dropIndexes(since: former)
        for id in links.keys {
            guard let peer = links[id]?.peer else { continue }
            if newer.region(peer) == nil {
                close(id, "the roster, now version \(newer.version), no longer lists \(peer)")
                continue
            }
            if let theirs = links[id]?.roster, theirs.version == newer.version, theirs.hash != rosterHash {
                effects.append(.alarm(.forkedRoster(peer: peer)))
            }
            effects.append(.send(id, rosterFrame))
            // What did not verify under the old one may under this one.
            links.update(id) { progress in
                progress.failures = SortedMap()
                progress.forks = SortedMap()
            }
        }
        forgiveFailures()
        touched.append(contentsOf: feeds.keys)
        settleForks()
        reviewClosures(since: former)
    }

    /// Starts a fetch if a peer has a newer roster: fewest failures first, then the newest, then the oldest link.
    mutating func attendToRoster(now: Timestamp) {
        guard rosterFetch == nil else { return }
        var best: (link: LinkID, peer: Region, announced: AnnouncedRoster)?
        for (id, link) in zip(links.keys, links.values) {
            guard let peer = link.peer, let announced = link.roster, announced.version > roster.version else {
                continue
            }
            if let retryAt = announced.retryAt, now < retryAt { continue }
            if let best, best.announced.failures < announced.failures { continue }
            if let best, best.announced.failures == announced.failures, best.announced.version >= announced.version {
                continue
            }
            best = (id, peer, announced)
        }
        guard let best else { return }
        let request = newRequest()
        let deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
        rosterFetch = PendingRoster(request: request, link: best.link, deadline: deadline)
        effects.append(.fetchRoster(request, from: best.peer))
    }

    /// When to look again.
    var rosterDue: Timestamp? {
        if let rosterFetch { return rosterFetch.deadline }
        return links.values.compactMap { link in
            (link.roster?.version ?? 0) > roster.version ? link.roster?.retryAt : nil
        }.min()
    }

    mutating func finishRoster(
        _ request: RequestID,
        _ newer: Roster?,
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        // What the shell has taken counts, also if it came too late for the fetch.
        let before = roster.version
        if let newer { adopt(newer) }
        guard let fetch = rosterFetch, fetch.request == request else { return }
        rosterFetch = nil
        if roster.version > before { return }
        guard let failed = links[fetch.link]?.roster?.failures else { return }
        let pause = min(settings.retryPause << Int64(min(failed, 10)), settings.retryLimit)
        let until = now.advanced(byMilliseconds: pause + Int64.random(in: 0...(pause / 2), using: &random))
        links.update(fetch.link) { link in
            link.roster?.failures = failed + 1
            link.roster?.retryAt = until
        }
    }

    mutating func expireRoster(now: Timestamp, random: inout some RandomNumberGenerator) {
        guard let fetch = rosterFetch, fetch.deadline <= now else { return }
        finishRoster(fetch.request, nil, now: now, random: &random)
    }
}
