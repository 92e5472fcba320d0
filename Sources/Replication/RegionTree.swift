/// Where one node stands in the tree along which a region's batches flow: the parent, a neighbour that pushes them
/// unasked, and what is known of those that might do it sooner.
///
/// The tree is learned. Every neighbour adverts what it holds, so the parent's pushes are measured against all others'
/// adverts. A neighbour ahead of the parent's pushes again and again goes on trial: it becomes the parent, and stays only
/// if its next batch need not be fetched. Whoever fails that, or does not keep for long what its adverts promised, is
/// passed over for ever more batches, so that claiming early gains nothing.
package struct RegionTree: Sendable {
    package private(set) var parent: LinkID?
    /// Set while the parent is on trial: the one before it.
    package private(set) var former: LinkID?
    /// The one that the parent took the place of by its adverts.
    private var predecessor: LinkID?
    /// Those asked to push what the lost parent would have; the first that does takes its place.
    private(set) var heirs: [LinkID] = []
    private var candidates = SortedMap<LinkID, Candidate>()
    /// Batches that the parent has pushed since it became it.
    private var tenure = 0
    /// It was not chosen, but came first when there was need: who is sooner once takes its place.
    private var isHasty = false
    /// Batches that came, from whomever: the clock by which candidates are held back.
    private var batches: UInt64 = 0

    private struct Candidate: Sendable {
        /// How much later its adverts come than batches do, in milliseconds, negative if sooner; the last one counts as
        /// much as all before.
        var lag: Int64?
        /// By how much single ones differ from that, in the same way.
        var spread: Int64 = 0
        /// Batches in a row that it adverted clearly before the parent's push.
        var wins = 0
        /// Trials that it failed, and promises that it did not keep.
        var failures = 0
        /// It does not go on trial before so many batches have come.
        var heldUntil: UInt64 = 0

        private static let outlier: Int64 = 16

        mutating func note(lag new: Int64) {
            // A single one far off says little of the others.
            if let lag { spread = (spread + min(abs(new - lag), spread + Candidate.outlier)) / 2 }
            lag = lag.map { ($0 + new) / 2 } ?? new
        }
    }

    package init() {}

    /// Those who are to push.
    package var sources: [LinkID] { parent.map { [$0] } ?? heirs }

    /// How many milliseconds after a neighbour's advert a batch is fetched that has not been pushed.
    package func patience(after link: LinkID, _ settings: ReplicationSettings) -> Int64 {
        guard parent != nil else { return heirs.contains(link) ? settings.pushGrace : 0 }
        guard let candidate = candidates[link], let lag = candidate.lag else { return settings.pushGrace }
        let wait = settings.pushSlack + settings.pushSpreads * candidate.spread - settings.advertPause - lag
        return min(max(wait, 0), settings.pushGrace)
    }

    /// Batches after which a parent has kept its promise.
    static let probation = 4

    /// A batch newer than all before has come.
    /// - Parameters:
    ///   - link: from whom.
    ///   - isPushed: unasked, as a parent sends it.
    ///   - adverts: who had adverted it before, and for how many milliseconds; ascending.
    /// - Returns: whether the parent is another one now.
    package mutating func take(
        from link: LinkID,
        isPushed: Bool,
        adverts: [(link: LinkID, lead: Int64)],
        _ settings: ReplicationSettings
    ) -> Bool {
        batches += 1
        guard isPushed else { return false }
        if parent == nil {
            become(link)
            isHasty = true
            return true
        }
        guard parent == link else { return false }
        former = nil
        tenure += 1
        var best: (link: LinkID, lead: Int64)?
        if tenure >= RegionTree.probation { isHasty = false }
        let wins = isHasty ? 1 : settings.trialWins
        for id in candidates.keys where !adverts.contains(where: { $0.link == id }) {
            candidates.update(id) { $0.wins = 0 }
        }
        for (id, lead) in adverts where id != link {
            var candidate = candidates[id] ?? Candidate()
            candidate.note(lag: -lead)
            candidate.wins = lead >= settings.trialLead ? candidate.wins + 1 : 0
            if lead >= 2 * settings.trialLead { candidate.wins += 1 }
            candidates[id] = candidate
            guard candidate.wins >= wins, candidate.heldUntil <= batches else { continue }
            if let best, best.lead >= lead { continue }
            best = (id, lead)
        }
        guard let best else { return false }
        let isReturn = best.link == predecessor && tenure < RegionTree.probation
        measure(against: best.link)
        become(best.link)
        if isReturn {
            penalise(link)
        } else {
            former = link
            predecessor = link
        }
        return true
    }

    /// A neighbour adverts a batch that came some milliseconds before.
    package mutating func note(lag: Int64, of link: LinkID) {
        guard link != parent else { return }
        var candidate = candidates[link] ?? Candidate()
        candidate.note(lag: lag)
        candidate.wins = 0
        candidates[link] = candidate
    }

    /// Whoever brought what the parent has not pushed in time: a trial of that has failed.
    package mutating func adopt(_ link: LinkID) {
        if parent == link { return }
        if former != nil, let parent { penalise(parent) }
        become(link)
        isHasty = true
    }

    /// A neighbour is gone or no longer trusted. In a lost parent's place come several, until one has pushed: who of them
    /// gets the batches by way of this node, and will never push any, nobody knows.
    /// - Parameter children: those known to get them from here.
    /// - Returns: whether the parent is another one now, or none.
    package mutating func lose(_ link: LinkID, children: [LinkID] = [], _ settings: ReplicationSettings) -> Bool {
        candidates[link] = nil
        heirs.removeAll { $0 == link }
        if former == link { former = nil }
        if predecessor == link { predecessor = nil }
        guard parent == link else { return false }
        let successor = former
        become(successor)
        guard successor == nil else { return true }
        var ranked: [(lag: Int64, link: LinkID)] = []
        for (id, candidate) in zip(candidates.keys, candidates.values) where candidate.heldUntil <= batches {
            guard let lag = candidate.lag, !children.contains(id) else { continue }
            ranked.append((lag, id))
        }
        heirs = ranked.sorted { $0 < $1 }.prefix(settings.heirs).map(\.link)
        return true
    }

    private mutating func become(_ link: LinkID?) {
        parent = link
        heirs = []
        former = nil
        predecessor = nil
        tenure = 0
        isHasty = false
        if let link { candidates.update(link) { $0.wins = 0 } }
    }

    /// What was measured against one parent's pushes, another's will show as later or sooner.
    private mutating func measure(against link: LinkID) {
        guard let shift = candidates[link]?.lag else { return }
        for id in candidates.keys { candidates.update(id) { $0.lag = $0.lag.map { $0 - shift } } }
    }

    private mutating func penalise(_ link: LinkID) {
        var candidate = candidates[link] ?? Candidate()
        candidate.wins = 0
        candidate.heldUntil = batches + 2 << UInt64(min(candidate.failures, 10))
        candidate.failures += 1
        candidates[link] = candidate
    }
}
