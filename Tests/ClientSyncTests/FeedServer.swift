import ClientSync
import ExposureKeys
import FeedFormat
import Testing

/// The public routes over feeds made in a test: a transport that answers with the bytes a node would send.
actor FeedServer: SyncTransport {
    nonisolated let node: String
    private let region: Region
    private let signer: NoteSigner
    private var feeds: [PublishedFeed]
    var roster: [UInt8]
    /// Feeds in the settled part of the index.
    var settled: [FeedID] = []
    var indexTime: Int64
    /// Paths asked for, in order.
    private(set) var requests: [String] = []
    private var alterations: [String: @Sendable ([UInt8]) -> TransportResponse] = [:]
    private var outage: Int?
    /// Batches that have rotted, by number, of every feed.
    private var damaged: Set<UInt64> = []
    /// Indexes of other nodes, as they have reached this one.
    private var heard: [(index: FeedIndex, settled: IndexPart)] = []
    /// What the node does between two requests, once.
    private var interruption: (path: String, time: Int64)?

    init(_ code: String, country: Country, feeds: [PublishedFeed], time: Int64 = Sample.now) throws {
        node = "http://\(code.lowercased()).example"
        region = try #require(Region(code))
        signer = try Country.signer(of: region)
        roster = country.note
        self.feeds = feeds
        indexTime = time
    }

    func serve(_ feeds: [PublishedFeed], at time: Int64? = nil) {
        self.feeds = feeds
        if let time { indexTime = time }
    }
    func set(roster note: [UInt8]) { roster = note }
    func damage(_ numbers: Set<UInt64>) { damaged = numbers }
    func settle(_ feeds: [FeedID]) { settled = feeds }
    func forgetRequests() { requests = [] }
    /// Keeps what another node says, in place of what it said before; nil forgets it.
    func hear(_ code: String, _ said: (index: FeedIndex, settled: IndexPart)?) {
        heard.removeAll { $0.index.node.code == code }
        if let said { heard.append(said) }
    }
    /// Signs the index anew when a path is asked for, before it is answered.
    func sign(at time: Int64, whenAskedFor path: String) { interruption = (path, time) }

    /// Answers one path otherwise than by the book.
    func alter(_ path: String, _ body: @escaping @Sendable ([UInt8]) -> TransportResponse) {
        alterations[path] = body
    }
    func repair() { alterations = [:] }
    /// Gives no answer from the n-th request on (counted from now).
    func fail(after count: Int?) { outage = count.map { requests.count + $0 } }

    func get(_ path: String, ifNoneMatch: String?, limit: Int) throws -> TransportResponse {
        requests.append(path)
        if let outage, requests.count > outage { throw Outage() }
        if let next = interruption, next.path == path { (indexTime, interruption) = (next.time, nil) }
        var response = try answer(path)
        if let altered = alterations[path] { response = altered(response.body) }
        if response.status == 200, let etag = response.etag, etag == ifNoneMatch {
            return TransportResponse(status: 304, etag: etag)
        }
        if response.body.count > limit { throw SyncError(.bodyTooLarge, path) }
        return response
    }

    struct Outage: Error {}

    private func answer(_ path: String) throws -> TransportResponse {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.first == "v1", parts.count > 1 else { return TransportResponse(status: 404) }
        switch parts[1] {
        case "roster": return TransportResponse(status: 200, etag: "\"r\(roster.count)\"", body: roster)
        case "index": return try index(parts)
        case "feeds" where parts.count > 4: return try feed(parts)
        default: return TransportResponse(status: 404)
        }
    }

    /// The node's own index.
    func said() throws -> (index: FeedIndex, settled: IndexPart) {
        let entries = feeds.compactMap { $0.indexEntry() }
        let settledPart = IndexPart(entries.filter { settled.contains($0.feed) })
        let index = try FeedIndex(
            node: region,
            time: indexTime,
            fresh: IndexPart(entries.filter { !settled.contains($0.feed) }),
            settled: settledPart,
            signer: signer
        )
        return (index, settledPart)
    }

    private func index(_ parts: [String]) throws -> TransportResponse {
        let (index, settledPart) = try said()
        if parts.count == 4, parts[2] == "settled" {
            let part = ([settledPart] + heard.map(\.settled)).first { $0.hash.hexadecimal == parts[3] }
            return part.map { TransportResponse(status: 200, body: $0.bytes) } ?? TransportResponse(status: 404)
        }
        if parts.count == 3 {
            guard let other = heard.first(where: { $0.index.node.code == parts[2] }) else {
                return TransportResponse(status: 404)
            }
            return TransportResponse(status: 200, body: IndexDifference(of: other.index, from: index).bytes)
        }
        let etag = "\"\(Hash256(hashing: index.bytes[...]).hexadecimal.prefix(16))\""
        return TransportResponse(status: 200, etag: etag, body: index.bytes)
    }

    private func feed(_ parts: [String]) throws -> TransportResponse {
        guard let feed = feeds.first(where: { $0.id.region.code == parts[2] && $0.id.epoch.description == parts[3] })
        else { return TransportResponse(status: 404) }
        if parts[4] == "frontier", let size = UInt64(parts[5]), size <= feed.count {
            return TransportResponse(status: 200, body: feed.frontier(at: size).bytes)
        }
        let isHashes = parts[4] == "hashes"
        guard let level = Int(parts[isHashes ? 5 : 4]), let index = UInt64(parts[isHashes ? 6 : 5]),
            let range = FeedRange(level: level, index: index)
        else { return TransportResponse(status: 404) }
        if !isHashes, range.lowerBound < feed.first { return TransportResponse(status: 410) }
        if !isHashes, range.upperBound <= feed.count,
            damaged.contains(where: { range.lowerBound <= $0 && $0 < range.upperBound })
        {
            let problem = #"{"title":"Damaged","type":"urn:keytide:problem:damaged","status":503}"#
            return TransportResponse(status: 503, body: Array(problem.utf8))
        }
        guard let body = try isHashes ? feed.hashes(range) : feed.body(range) else {
            return TransportResponse(status: 404)
        }
        return TransportResponse(status: 200, body: body)
    }
}
