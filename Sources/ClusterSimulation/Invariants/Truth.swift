import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// What really happened, as nobody inside a simulation knows it: what was signed with the keys of regions.
struct Truth {
    /// Each feed's histories. There is one, unless somebody with the region's key contradicts it.
    private(set) var histories = SortedMap<FeedID, [History]>()
    /// What each feed's own region has signed.
    private var honest = SortedMap<FeedID, History>()
    /// What was signed, one copy of the bytes for all nodes. Looked up, never gone through.
    private var signed: [Place: Signed] = [:]
    /// Epochs that a thief has begun.
    private var stolen = SortedMap<FeedID, Bool>()
    /// What each region has said last of every key; kept only where somebody corrects reports.
    private(set) var said = SortedMap<Region, Said>()
    /// Batches that were signed.
    private(set) var count = 0
    /// Feeds with a batch that no node may take.
    private(set) var unreadable = SortedMap<FeedID, Bool>()

    /// Two regions may sign the same bytes, where both revoke the same keys.
    private struct Place: Hashable {
        let feed: FeedID
        let leaf: Hash256

        init(_ feed: FeedID, _ leaf: Hash256) {
            self.feed = feed
            self.leaf = leaf
        }

        init(_ batch: ProvenBatch) { self.init(batch.feed, batch.leaf) }
    }

    private struct Signed {
        let batch: ProvenBatch
        /// What it says; nil if no node may take it.
        let keys: RegionKeys?
    }

    /// Notes what an honest region signs.
    /// - Returns: false if the region has signed another batch with that number before.
    mutating func sign(_ batch: ProvenBatch) -> Bool {
        var own = honest[batch.feed] ?? History()
        if batch.number < own.size {
            let next = own.frontiers[Int(batch.number) + 1]
            own = History(own, size: batch.number)
            own.append(batch.leaf)
            return own.last == next
        }
        guard batch.number == own.size else { return false }
        forge(batch, after: own.last)
        own.append(batch.leaf)
        honest[batch.feed] = own
        return true
    }

    /// Notes what somebody signs who cares for no number: at the end of a history, or as the beginning of another one.
    mutating func forge(_ batch: ProvenBatch, after frontier: Frontier) {
        note(batch)
        if histories[batch.feed] == nil { histories[batch.feed] = [History()] }
        histories.update(batch.feed) { all in
            if let place = all.firstIndex(where: { $0.last == frontier }) {
                all[place].append(batch.leaf)
            } else if let former = all.first(where: { $0.passes(frontier) }) {
                all.append(History(former, size: frontier.size))
                all[all.count - 1].append(batch.leaf)
            }
        }
    }

    private mutating func note(_ batch: ProvenBatch) {
        let keys = Truth.read(batch)
        if keys == nil { unreadable[batch.feed] = true }
        signed[Place(batch)] = Signed(batch: batch, keys: keys)
        count += 1
    }

    /// What a batch says; nil if no node may take it.
    private static func read(_ proven: ProvenBatch) -> RegionKeys? {
        guard let batch = try? Batch(proven.bytes), batch.number == proven.number, (try? batch.predecessors()) != nil,
            (try? batch.bluezoneKeys()) != nil, let keys = try? batch.keys()
        else { return nil }
        return RegionKeys(joining: keys, publishedAt: batch.publication)
    }

    /// Notes that a batch is the last that its region has published.
    mutating func say(_ batch: ProvenBatch) {
        guard let keys = signed[Place(batch)]?.keys else { return }
        let region = batch.feed.region
        if said[region] == nil { said[region] = Said() }
        said.update(region) { $0.replace(keys.keys) }
    }

    /// The one copy of a batch that was signed with this content, at this place; nil if none was.
    func genuine(_ batch: ProvenBatch) -> ProvenBatch? {
        guard let known = signed[Place(batch)]?.batch, known.number == batch.number else { return nil }
        return known
    }

    /// The same for a batch as a phone holds it.
    func genuine(_ batch: HeldBatch) -> ProvenBatch? {
        guard let known = signed[Place(batch.feed, Hash256(leaf: batch.bytes[...]))]?.batch else { return nil }
        return known.number == batch.number ? known : nil
    }

    /// A batch of the history that a frontier belongs to.
    func batch(_ number: UInt64, of feed: FeedID, before frontier: Frontier) -> ProvenBatch? {
        guard let history = histories[feed]?.first(where: { $0.passes(frontier) }), number < history.size else {
            return nil
        }
        return signed[Place(feed, history.leaves[Int(number)])]?.batch
    }

    /// What a batch says that was signed; nil if it cannot be read.
    func keys(of batch: ProvenBatch) -> RegionKeys? { signed[Place(batch)]?.keys }

    /// Whether a feed with this frontier is one that goes on from what it was.
    func leads(_ former: Frontier, to frontier: Frontier, in feed: FeedID) -> Bool {
        histories[feed]?.contains { $0.passes(former) && $0.passes(frontier) } ?? false
    }

    /// Whether there is a history that passes all of these.
    func haveOneHistory(_ frontiers: [Frontier], of feed: FeedID) -> Bool {
        histories[feed]?.contains { history in frontiers.allSatisfy { history.passes($0) } } ?? false
    }

    // MARK: Closed keys

    mutating func steal(_ feed: FeedID) { stolen[feed] = true }

    /// How much of a feed, as somebody holds it, its region can vouch for.
    func vouched(of feed: FeedID, _ frontier: (UInt64) -> Frontier?) -> UInt64 {
        guard stolen[feed] == nil, let own = honest[feed] else { return 0 }
        let sizes = (0...own.size).reversed()
        return sizes.first { size in frontier(size).map { own.passes($0) } ?? false } ?? 0
    }

    /// Whether a batch is one of those that a roster lets stand.
    func contains(_ batch: ProvenBatch, in standing: RosterRegion.Closure.Standing) -> Bool {
        guard batch.number < standing.size else { return false }
        return histories[batch.feed]?.contains { history in
            standing.size <= history.size && history.frontiers[Int(standing.size)].root == standing.root
                && history.leaves[Int(batch.number)] == batch.leaf
        } ?? false
    }

    /// Whether two histories of one of a region's feeds contradict each other and end in what counts.
    func isForked(_ region: Region, counting: (ProvenBatch) -> Bool) -> Bool {
        zip(histories.keys, histories.values).contains { feed, all in
            guard feed.region == region, all.count > 1 else { return false }
            let ends = all.map { history in
                let last = history.leaves.lastIndex { signed[Place(feed, $0)].map { counting($0.batch) } ?? false }
                return history.frontiers[last.map { $0 + 1 } ?? 0]
            }
            return ends.indices.contains { one in
                ends.indices.contains { other in
                    ends[one].size <= ends[other].size && !all[other].passes(ends[one])
                }
            }
        }
    }

    /// Whether any of a region's feeds is.
    func isForked(_ region: Region) -> Bool {
        zip(histories.keys, histories.values).contains { $0.region == region && $1.count > 1 }
    }

    /// Whether somebody has contradicted what was signed before.
    func isForked(_ feed: FeedID) -> Bool { (histories[feed]?.count ?? 0) > 1 }
}

/// What a region has said last.
struct Said: Sendable {
    /// Ascending by identity.
    private(set) var keys: [DiagnosisKey] = []

    /// - Parameter later: ascending by identity.
    mutating func replace(_ later: [DiagnosisKey]) {
        let replaced = Set(later.map(\.identity))
        keys = (keys.filter { !replaced.contains($0.identity) } + later).sorted { $0.identity < $1.identity }
    }
}

/// One sequence of batches.
struct History: Sendable {
    /// By size, from 0.
    private(set) var frontiers = [Frontier()]
    private(set) var leaves: [Hash256] = []

    var size: UInt64 { UInt64(frontiers.count - 1) }
    var last: Frontier { frontiers[frontiers.count - 1] }

    init() {}

    /// The beginning of another one.
    init(_ other: History, size: UInt64) {
        frontiers = Array(other.frontiers.prefix(Int(size) + 1))
        leaves = Array(other.leaves.prefix(Int(size)))
    }

    mutating func append(_ leaf: Hash256) {
        var next = last
        next.append(leaf)
        frontiers.append(next)
        leaves.append(leaf)
    }

    func passes(_ frontier: Frontier) -> Bool {
        frontier.size <= size && frontiers[Int(frontier.size)] == frontier
    }
}
