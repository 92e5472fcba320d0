import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// What must hold of rosters: nobody goes back to an older one, and what one has closed is gone everywhere.
extension Simulation {
    /// A node holds nothing of a region's closed keys but what stands.
    func checkClosures(of entry: RosterRegion, at index: Int) {
        for stored in nodes[index].disk.feeds.values where stored.feed.region == entry.id {
            // What has rotted since it was judged stands or falls as it did.
            let newest = truth.batch(stored.count - 1, of: stored.feed, before: stored.frontier)
            if verdict(of: entry, on: stored, newest: newest) != .stands, !isOnTheWay(stored, by: entry) {
                violate(.rosters, index, "holds \(stored.count) of \(stored.feed), which its roster has closed")
            }
        }
    }

    /// Whether a feed is a part of what stands, proven by the hashes of all of it, which the disk does not keep.
    private func isOnTheWay(_ stored: StoredFeed, by entry: RosterRegion) -> Bool {
        guard let standing = entry.standing(of: stored.feed.epoch), stored.count < standing.size else { return false }
        return stored.batches.allSatisfy { truth.contains($0, in: standing) }
    }

    /// In the end.
    func checkRosters(at index: Int) {
        let newest = rosters.newest.roster
        guard rosters.hasChanged, let process = nodes[index].process else { return }
        let kept = (nodes[index].disk.roster ?? rosters.first).roster.version
        if kept != newest.version {
            violate(.rosters, index, "has roster version \(kept) on its disk, the newest is \(newest.version)")
        }
        for entry in newest.regions where !entry.closures.isEmpty { checkClosures(of: entry, at: index) }
        for proof in process.replica.openForks
        where newest.region(proof.feed.region)?.isForked(by: proof) != true {
            violate(.rosters, index, "holds a fork of \(proof.feed) that roster \(newest.version) has settled")
        }
    }

    /// What keeps all nodes from working under the newest roster; nil if they do.
    func rosterDifference() -> String? {
        guard rosters.hasChanged else { return nil }
        let newest = rosters.newest.roster.version
        for node in nodes {
            guard let process = node.process else { continue }
            let version = process.replica.roster.version
            if version != newest { return "\(node.region) has roster version \(version), not \(newest)" }
            if process.writes.contains(where: { $0.review != nil }) { return "\(node.region) reviews what it holds" }
        }
        return nil
    }

    /// What the newest roster lets stand of a feed; nil if it does not end it.
    func standing(of feed: FeedID) -> RosterRegion.Closure.Standing? {
        rosters.newest.roster.region(feed.region)?.standing(of: feed.epoch)
    }

    /// Whether two histories of a region contradict each other that both count under the newest roster.
    func isOpenlyForked(_ region: Region) -> Bool {
        guard truth.isForked(region) else { return false }
        guard rosters.hasChanged else { return true }
        return truth.isForked(region) { verifies($0, under: rosters.newest.roster) }
    }

    // MARK: Phones

    /// A phone has asked for a roster, and keeps this one.
    func checkRoster(_ held: HeldRoster, of phone: Int) {
        guard let version = rosters.version(of: held.bytes) else {
            return violate(.rosters, nil, "phone \(phone) holds a roster that no authority has signed")
        }
        let former = phones[phone].rosterVersion
        if version < former {
            violate(.rosters, nil, "phone \(phone) goes back from roster version \(former) to \(version)")
        }
        if former > 0, version > former {
            reach(.phoneFollowedRoster)
            note(phone: phone, "has roster version \(version)")
        }
        phones[phone].rosterVersion = version
    }

    /// A phone gives up what it holds of a feed.
    func checkCut(of feed: FeedID, by phone: Int) {
        let entry = rosters[phones[phone].rosterVersion]?.region(feed.region)
        if entry?.closures.isEmpty != false {
            violate(.rosters, nil, "phone \(phone) gives up \(feed), of which no roster has closed anything")
        }
        reach(.phoneCutByClosure)
        note(phone: phone, "gives up \(feed)")
        phones[phone].cursors[feed] = nil
        phones[phone].taken[feed] = nil
        phones[phone].revoked[feed.region] = nil
    }

    /// Who has signed an index, under any roster.
    func reader(of statement: IndexStatement) -> Region? {
        for version in (1...rosters.newest.roster.version).reversed() {
            if let roster = rosters[version], let view = try? statement.read(roster: roster) { return view.node }
        }
        return nil
    }

    /// What keeps a phone from following the newest roster; nil if it does.
    func rosterDifference(of phone: Int, _ contents: PhoneContents) -> String? {
        guard rosters.hasChanged else { return nil }
        let newest = rosters.newest.roster
        if phones[phone].rosterVersion != newest.version {
            return "phone \(phone) has roster version \(phones[phone].rosterVersion), not \(newest.version)"
        }
        for batch in contents.batches {
            guard let entry = newest.region(batch.feed.region), !entry.closures.isEmpty,
                let genuine = truth.genuine(batch)
            else { continue }
            let counts = entry.standing(of: batch.feed.epoch).map { truth.contains(genuine, in: $0) }
            if counts ?? verifies(genuine, under: newest) { continue }
            return "phone \(phone) holds batch \(batch.number) of \(batch.feed), which the roster has closed"
        }
        return nil
    }
}
