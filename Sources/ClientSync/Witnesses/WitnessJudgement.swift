public import ExposureKeys
public import FeedFormat

/// The judgement of one index by another. Indexes are words: what comes out is a claim that wants proof, or a reason to
/// look elsewhere, never proof by itself.
public struct WitnessJudgement: Sendable {
    let roster: Roster
    let options: SyncOptions
    /// Where the phone stands, ascending by feed.
    let cursors: [FeedCursor]
    /// Regions that nodes take nothing new of, as far as the phone knows: their key has signed a fork.
    let frozen: [Region]

    public init(roster: Roster, options: SyncOptions, cursors: [FeedCursor], frozen: [Region]) {
        self.roster = roster
        self.options = options
        self.cursors = cursors
        self.frozen = frozen
    }

    /// What one node listed and none of others does, at least an hour later.
    /// - Parameter others: not empty.
    func lacking(of earlier: IndexView, inAll others: [IndexView]) -> [IndexEntry] {
        var missing = earlier.entries
        for view in others {
            let claim = IndexView(node: earlier.node, time: earlier.time, entries: missing)
            missing = lacking(of: claim, in: view, asOf: view.time)
        }
        return missing
    }

    /// Whether one time is far enough behind another that what was there then must be everywhere.
    public func isSettled(_ earlier: Int64, at later: Int64) -> Bool {
        let (age, overflow) = later.subtractingReportingOverflow(earlier)
        return overflow ? later > earlier : age >= options.limits.witnessLead
    }

    /// What one node listed, and another one lacks at least an hour later though it must have it: a feed, or batches of
    /// it. Left out is what the phone does not follow, and whatever a node may rightly lack: what has expired, what a
    /// roster ends, what waits behind `FormatLimits.epochsPerRegion` epochs, anything of a frozen region.
    /// - Parameter time: unix seconds as of which `later` speaks, at most its own.
    public func lacking(of earlier: IndexView, in later: IndexView, asOf time: Int64) -> [IndexEntry] {
        guard isSettled(earlier.time, at: time) else { return [] }
        var missing: [IndexEntry] = []
        let crowded = crowdedRegions(of: later)
        var rest = later.entries[...]
        for entry in earlier.entries {
            rest = rest.drop { $0.feed < entry.feed }
            guard let region = judged(entry.feed.region) else { continue }
            let owed = min(entry.count, region.standing(of: entry.feed.epoch)?.size ?? entry.count)
            if let held = rest.first, held.feed == entry.feed {
                if held.count >= owed { continue }
            } else if crowded.contains(entry.feed.region) {
                continue
            }
            if !isExpired(entry, at: time) { missing.append(entry) }
        }
        return missing
    }

    /// Entries whose root is not the one that the phone knows at that size.
    func differing(in view: IndexView, from known: KnownRoots) -> [(entry: IndexEntry, root: Hash256)] {
        view.entries.compactMap { entry in
            guard let region = judged(entry.feed.region), region.standing(of: entry.feed.epoch) == nil,
                let root = known[entry.feed, entry.count], !entry.rootPrefix.elementsEqual(root.bytes.prefix(16))
            else { return nil }
            return (entry, root)
        }
    }

    /// The entry of a region that is judged; nil if it is not.
    func judged(_ region: Region) -> RosterRegion? {
        guard options.follows(region), !frozen.contains(region) else { return nil }
        return roster.region(region)
    }

    /// Regions of which a node holds so many epochs that others wait.
    private func crowdedRegions(of view: IndexView) -> [Region] {
        var crowded: [Region] = []
        var count = 0
        for (position, entry) in view.entries.enumerated() {
            let isNext = position > 0 && view.entries[position - 1].feed.region == entry.feed.region
            count = isNext ? count + 1 : 1
            if count == options.limits.epochsPerRegion { crowded.append(entry.feed.region) }
        }
        return crowded
    }

    /// Whether all that an entry speaks of has been dropped, as far as the phone knows its batches.
    private func isExpired(_ entry: IndexEntry, at time: Int64) -> Bool {
        guard let cursor = FeedPlan.cursor(of: entry.feed, in: cursors), cursor.size >= entry.count else {
            return false
        }
        return Expiry.isDropped(publishedAt: cursor.lastPublication, now: Interval(unixSeconds: time))
    }
}
