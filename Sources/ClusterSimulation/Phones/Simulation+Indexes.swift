import ExposureKeys
import FeedFormat
import Replication

/// An index as a node serves it.
struct ServedIndex: Sendable {
    let index: FeedIndex
    let settled: IndexPart
    let etag: String
    /// Virtual microseconds.
    let signed: Int64

    var bytes: [UInt8] { index.bytes }
}

/// A node's index: for its neighbours now and then, for phones whenever something has changed.
extension Simulation {
    /// After so long an index is signed again for phones, though nothing has changed.
    private static let indexAge = 10 * Plan.minute
    /// Feeds unchanged for this long stand in the settled part.
    private static let settlingTime = 2 * Interval.perDay

    /// At each publication slot neighbours get a new one, which carries the time though nothing has changed. What phones
    /// make a node sign in between they do not get, so that phones change nothing between nodes.
    func signIndexIfDue(_ index: Int) {
        guard options.exchangesIndexes, let due = nodes[index].process?.indexDue, due <= now else { return }
        nodes[index].process?.indexDue = now + Int64(options.indexMinutes) * Plan.minute
        let (fresh, settled) = indexEntries(of: nodes[index].disk.feeds.values, at: index)
        guard let signed = signedIndex(IndexPart(fresh), IndexPart(settled), at: index) else { return }
        if nodes[index].process?.firstIndex == nil { nodes[index].process?.firstIndex = signed }
        dispatch(.indexSigned(index: signed.bytes, settled: signed.settled.bytes), to: index)
    }

    /// The index for phones, signed again if something has changed or it is old.
    func currentIndex(of index: Int) -> ServedIndex? {
        if deception(of: index)?.lie == .replays, let first = nodes[index].process?.firstIndex { return first }
        let (fresh, settled) = indexEntries(at: index)
        let parts = (IndexPart(fresh), IndexPart(settled))
        if let served = nodes[index].process?.index, served.index.fresh.bytes == parts.0.bytes,
            served.settled.bytes == parts.1.bytes, now - served.signed < Simulation.indexAge
        {
            return served
        }
        let served = signedIndex(parts.0, parts.1, at: index)
        nodes[index].process?.index = served
        return served
    }

    func signedIndex(_ fresh: IndexPart, _ settled: IndexPart, at index: Int) -> ServedIndex? {
        let signed = try? FeedIndex(
            node: nodes[index].region,
            time: nodes[index].clock(at: now).milliseconds / 1000,
            fresh: fresh,
            settled: settled,
            signer: nodes[index].signer
        )
        guard let signed else { return nil }
        let etag = "\"\(Hash256(hashing: signed.bytes[...]).hexadecimal.prefix(32))\""
        return ServedIndex(index: signed, settled: settled, etag: etag, signed: now)
    }

    /// What a node shows phones, as its index says it.
    func indexEntries(at index: Int) -> (fresh: [IndexEntry], settled: [IndexEntry]) {
        indexEntries(of: shownFeeds(at: index), at: index)
    }

    /// What changed within two days, and the rest.
    private func indexEntries(of feeds: [StoredFeed], at index: Int) -> (fresh: [IndexEntry], settled: [IndexEntry]) {
        let interval = nodes[index].clock(at: now).interval
        var (fresh, settled): ([IndexEntry], [IndexEntry]) = ([], [])
        for stored in feeds where stored.isLiving {
            guard let newest = stored.newest, let entry = entry(of: stored, at: index) else { continue }
            if interval.distance(from: newest) < Simulation.settlingTime {
                fresh.append(entry)
            } else {
                settled.append(entry)
            }
        }
        return (fresh, settled)
    }

    private func entry(of stored: StoredFeed, at index: Int) -> IndexEntry? {
        let (first, count) = (stored.shown, stored.count)
        if let deception = deception(of: index), deception.lie == .claims, deception.region == stored.feed.region {
            return IndexEntry(feed: stored.feed, first: first, count: count + 2, root: Deception.inventedRoot)
        }
        return IndexEntry(feed: stored.feed, first: first, count: count, root: stored.frontier.root)
    }
}
