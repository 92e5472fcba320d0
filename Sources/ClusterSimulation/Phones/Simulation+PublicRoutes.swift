import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// An index as a node serves it.
struct ServedIndex: Sendable {
    let fresh: IndexPart
    let settled: IndexPart
    let bytes: [UInt8]
    let etag: String
    /// Virtual microseconds.
    let signed: Int64
}

/// The public routes of a node, answered from its disk.
extension Simulation {
    /// After so long an index is signed again, though nothing has changed.
    private static let indexAge = 10 * Plan.minute
    /// Feeds unchanged for this long stand in the settled part.
    private static let settlingTime = 2 * Interval.perDay

    func response(to request: PhoneProcess.Request, at index: Int) -> TransportResponse {
        let disk = nodes[index].disk
        switch PublicQuestion(path: request.path) {
        case .index:
            guard let served = currentIndex(of: index) else { return TransportResponse(status: 503) }
            return whole(served.bytes, served.etag, request)
        case .settled(let hash):
            guard let served = currentIndex(of: index), served.settled.hash.hexadecimal == hash else {
                return TransportResponse(status: 404)
            }
            return TransportResponse(status: 200, body: served.settled.bytes)
        case .roster:
            return whole(signedRoster, "\"\(roster.version)\"", request)
        case .range(let feed, let range):
            return disk.feeds[feed]?.response(range) ?? TransportResponse(status: 404)
        case .hashes(let feed, let range):
            guard let stored = disk.feeds[feed], range.upperBound <= stored.count else {
                return TransportResponse(status: 404)
            }
            let leaves = stored.leaves(range.lowerBound..<range.upperBound)
            return TransportResponse(status: leaves.isEmpty ? 410 : 200, body: leaves.flatMap(\.bytes))
        case .frontier(let feed, let size):
            guard let stored = disk.feeds[feed], size <= stored.count else { return TransportResponse(status: 404) }
            guard let frontier = stored.frontier(at: size) else { return TransportResponse(status: 410) }
            return TransportResponse(status: 200, body: frontier.bytes)
        case nil:
            return TransportResponse(status: 404)
        }
    }

    private func whole(_ bytes: [UInt8], _ etag: String, _ request: PhoneProcess.Request) -> TransportResponse {
        if request.etag == etag { return TransportResponse(status: 304, etag: etag) }
        return TransportResponse(status: 200, etag: etag, body: bytes)
    }

    /// A node's index, signed again if something has changed or it is old.
    private func currentIndex(of index: Int) -> ServedIndex? {
        let (fresh, settled) = indexEntries(at: index)
        let parts = (IndexPart(fresh), IndexPart(settled))
        if let served = nodes[index].process?.index, served.fresh.bytes == parts.0.bytes,
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
        return ServedIndex(fresh: fresh, settled: settled, bytes: signed.bytes, etag: etag, signed: now)
    }

    /// What a node has, as its index says it: what changed within two days, and the rest.
    func indexEntries(at index: Int) -> (fresh: [IndexEntry], settled: [IndexEntry]) {
        let interval = nodes[index].clock(at: now).interval
        var (fresh, settled): ([IndexEntry], [IndexEntry]) = ([], [])
        for stored in nodes[index].disk.feeds.values where stored.isLiving {
            guard let newest = stored.newest,
                let entry = IndexEntry(
                    feed: stored.feed,
                    first: stored.shown,
                    count: stored.count,
                    root: stored.frontier.root
                )
            else { continue }
            if interval.distance(from: newest) < Simulation.settlingTime {
                fresh.append(entry)
            } else {
                settled.append(entry)
            }
        }
        return (fresh, settled)
    }
}

extension StoredFeed {
    /// What the range route answers.
    func response(_ range: FeedRange) -> TransportResponse {
        guard range.upperBound <= count else { return TransportResponse(status: 404) }
        guard first <= range.lowerBound else { return TransportResponse(status: 410) }
        var body: [UInt8] = []
        var checkpoint: [UInt8] = []
        for number in range.lowerBound..<range.upperBound {
            guard let batch = batch(number) else { return TransportResponse(status: 503) }
            body += batch.bytes
            checkpoint = batch.checkpoint
        }
        return TransportResponse(status: 200, body: body + checkpoint)
    }
}
