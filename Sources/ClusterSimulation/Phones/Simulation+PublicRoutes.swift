import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// The public routes of a node, answered from its disk.
extension Simulation {
    func response(to request: PhoneProcess.Request, at index: Int) -> TransportResponse {
        switch PublicQuestion(path: request.path) {
        case .index:
            guard let served = currentIndex(of: index) else { return TransportResponse(status: 503) }
            return whole(served.bytes, served.etag, request)
        case .indexOf(let region):
            return difference(of: region, request, at: index)
        case .settled(let hash):
            let kept = nodes[index].process?.keptIndexes.values.map(\.settled) ?? []
            let parts = [currentIndex(of: index)?.settled].compactMap { $0 } + kept
            guard let part = parts.first(where: { $0.hash.hexadecimal == hash }) else {
                return TransportResponse(status: 404)
            }
            return TransportResponse(status: 200, body: part.bytes)
        case .roster:
            guard let roster = nodes[index].process?.roster else { return TransportResponse(status: 503) }
            return whole(roster.bytes, "\"\(roster.roster.version)\"", request)
        case .range(let feed, let range):
            return shownFeed(feed, at: index)?.response(range) ?? TransportResponse(status: 404)
        case .hashes(let feed, let range):
            guard let stored = shownFeed(feed, at: index), range.upperBound <= stored.count else {
                return TransportResponse(status: 404)
            }
            let leaves = stored.leaves(range.lowerBound..<range.upperBound)
            return TransportResponse(status: leaves.isEmpty ? 410 : 200, body: leaves.flatMap(\.bytes))
        case .frontier(let feed, let size):
            guard let stored = shownFeed(feed, at: index), size <= stored.count else {
                return TransportResponse(status: 404)
            }
            guard let frontier = stored.frontier(at: size) else { return TransportResponse(status: 410) }
            return TransportResponse(status: 200, body: frontier.bytes)
        case nil:
            return TransportResponse(status: 404)
        }
    }

    /// Another node's index, as a difference from this node's own.
    private func difference(of region: Region, _ request: PhoneProcess.Request, at index: Int) -> TransportResponse {
        guard let own = currentIndex(of: index)?.index else { return TransportResponse(status: 503) }
        let kept = nodes[index].process?.keptIndexes[region]?.index
        guard let theirs = region == own.node ? own : kept else { return TransportResponse(status: 404) }
        return TransportResponse(status: 200, body: IndexDifference(of: theirs, from: own).bytes)
    }

    private func whole(_ bytes: [UInt8], _ etag: String, _ request: PhoneProcess.Request) -> TransportResponse {
        if request.etag == etag { return TransportResponse(status: 304, etag: etag) }
        return TransportResponse(status: 200, etag: etag, body: bytes)
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
            guard let batch = batch(number) else {
                if range.lowerBound < shown { return TransportResponse(status: 410) }
                return TransportResponse(status: 503, body: Array("{\"type\":\"\(ServedProblem.damaged)\"}".utf8))
            }
            body += batch.bytes
            checkpoint = batch.checkpoint
        }
        return TransportResponse(status: 200, body: body + checkpoint)
    }
}
