internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import HTTP2
internal import NIOCore
internal import Synchronization

/// The public routes. What is at hand is answered at once on the event loop; what must be read or computed, by a task.
struct PublicHandler: RequestHandler {
    let served: ServedFeeds
    let heldIndexes: HeldIndexes
    let rosters: RosterHolder
    let cache: RangeCache
    let policy: CachePolicy
    let clock: NodeClock
    let queue: StoreQueue
    let health: NodeHealth
    let readers: RangeReaders
    let care: StoreCare
    let raise: @Sendable (String) -> Void
    let metrics: RequestMetrics
    let jitter = Jitter()

    /// What very many ask for: the index, and ranges that were asked for before.
    func prepared(path: Span<UInt8>, ifNoneMatch: Span<UInt8>) -> PreparedResponse? {
        if path.isEqual(to: PublicHandler.indexPath) {
            let freshness = policy.index(now: clock.now, jitter: jitter.next())
            return served.index?.document.answer(ifNoneMatch: ifNoneMatch, freshness)?.metered(metrics, .index)
        }
        return cache.find(path, generation: served.generation).map { ready($0).metered(metrics, .range) }
    }

    private static let indexPath = Array("/v1/index".utf8)

    private func ready(_ range: RangeCache.Entry) -> PreparedResponse {
        PreparedResponse(range.head, policy.range(publication: range.publication, now: clock.now), range.body)
    }

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        let path = request.path.prefix { $0 != "?" }
        guard path.utf8.count == request.path.utf8.count, let route = PublicRoute(path: request.path) else {
            return missing(request.path).metered(metrics, .other)
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            return ProblemDocument.methodNotAllowed.response(["allow": "GET, HEAD"]).metered(metrics, route.name)
        }
        return answer(route, request, for: connection.client).metered(metrics, route.name)
    }

    private func answer(_ route: PublicRoute, _ request: RequestHead, for client: Int?) -> RequestHandling {
        switch route {
        case .index: return index(request)
        case .indexOf(let region): return self.index(of: region, request)
        case .settled(let hash): return settled(hash)
        case .roster:
            let roster = rosters.served
            return whole(
                roster.body,
                tag: roster.etag,
                caching: CachePolicy.roster,
                "text/plain; charset=utf-8",
                request
            )
        case .health: return healthz()
        case .range(let feed, let range): return self.range(feed, range, request.path, for: client)
        case .hashes(let feed, let range): return hashes(feed, range)
        case .frontier(let feed, let size): return frontier(feed, size)
        }
    }

    /// A path of a feed whose region is none says so; every other path is no route.
    private func missing(_ path: String) -> RequestHandling {
        let parts = path.split(separator: "/", maxSplits: 4)
        if parts.count > 2, parts[0] == "v1", parts[1] == "feeds", Region(parts[2]) == nil {
            return ProblemDocument.unknownRegion("a region so named").response()
        }
        return ProblemDocument.noSuchRoute.response()
    }

    private func index(_ request: RequestHead) -> RequestHandling {
        guard let index = served.index else { return ProblemDocument.storeFailed.response() }
        let caching = policy.index(now: clock.now, jitter: jitter.next()).description
        let document = index.document
        return whole(document.body, tag: document.tag, caching: caching, "application/octet-stream", request)
    }

    /// Another node's index, as a difference from ours. Our own is one without differences, so that whoever asks for
    /// all regions of a roster need not know whom it asks.
    private func index(of region: Region, _ request: RequestHead) -> RequestHandling {
        guard let own = served.index else { return ProblemDocument.storeFailed.response() }
        let difference =
            region == own.index.node
            ? ServedDifference(of: own.index, from: own.index) : heldIndexes.difference(of: region, from: own)
        guard let difference else { return ProblemDocument.noIndexHeld(region.code).response() }
        let caching = policy.index(now: clock.now, jitter: jitter.next()).description
        return whole(difference.body, tag: difference.etag, caching: caching, "application/octet-stream", request)
    }

    private func settled(_ hash: Hash256) -> RequestHandling {
        let own = served.index
        guard let part = own?.settledHash == hash ? own?.settled : heldIndexes.settled(hash) else {
            return ProblemDocument.unknownPart(hash.hexadecimal).response()
        }
        return .respond(bytesHead(CachePolicy.hashes), part)
    }

    private func healthz() -> RequestHandling {
        let fields: HTTPFields = ["content-type": "application/json", "cache-control": CachePolicy.health]
        if let trouble = health.trouble {
            return ProblemDocument("unhealthy", status: 503, title: "Unhealthy", detail: trouble).response()
        }
        return .respond(ResponseHead(status: 200, fields: fields), ByteBuffer(string: "{\"status\":\"ok\"}\n"))
    }

    private func range(_ id: FeedID, _ range: FeedRange, _ path: String, for client: Int?) -> RequestHandling {
        guard let feed = served.feed(id) else { return unknown(id) }
        guard range.upperBound <= feed.count else {
            return ProblemDocument.beyondEnd(id.description, count: feed.count).response()
        }
        // What lies below the first batch shown may be the only copy that nodes look for: it is given where it is whole.
        guard range.lowerBound >= feed.first, range.lowerBound >= feed.shown || !feed.isDamaged(range) else {
            return ProblemDocument.gone(id.description, first: feed.shown).response()
        }
        let generation = served.generation
        if let held = cache.find(Array(path.utf8).span, generation: generation) { return ready(held).handling }
        if feed.isDamaged(range) { return RangeReader.damaged(id).response(RangeReader.retryLater) }
        let reader = RangeReader(
            feed: id,
            range: range,
            queue: queue,
            cache: cache,
            generation: generation,
            path: path,
            policy: policy,
            clock: clock,
            readers: readers,
            client: client,
            care: care,
            raise: raise
        )
        return .run { _, writer in try await reader.answer(writer) }
    }

    private func hashes(_ id: FeedID, _ range: FeedRange) -> RequestHandling {
        guard let feed = served.feed(id) else { return unknown(id) }
        guard range.upperBound <= feed.count else {
            return ProblemDocument.beyondEnd(id.description, count: feed.count).response()
        }
        guard let hashes = feed.hashes(range.lowerBound..<range.upperBound) else {
            return ProblemDocument.gone(id.description, first: feed.base.size).response()
        }
        return .run { _, writer in
            var head = bytesHead(CachePolicy.hashes)
            head.fields["content-length"] = String(hashes.count * 32)
            try await writer.send(head)
            var rest = hashes
            while !rest.isEmpty {
                // In pieces, as the peer takes them: all of them are up to 4 MiB.
                var piece = ByteBuffer()
                for hash in rest.prefix(PublicHandler.hashesAtOnce) { piece.writeBytes(hash.bytes) }
                rest = rest.dropFirst(PublicHandler.hashesAtOnce)
                try await writer.write(piece)
            }
            try await writer.finish()
        }
    }

    private static let hashesAtOnce = 1024

    private func frontier(_ id: FeedID, _ size: UInt64) -> RequestHandling {
        guard let feed = served.feed(id) else { return unknown(id) }
        guard size <= feed.count else {
            return ProblemDocument.beyondEnd(id.description, count: feed.count).response()
        }
        guard size >= feed.base.size else {
            return ProblemDocument.gone(id.description, first: feed.base.size).response()
        }
        return .run { _, writer in
            let bytes = feed.frontier(at: size)?.bytes ?? []
            try await PublicHandler.send(ByteBuffer(bytes: bytes), bytesHead(CachePolicy.hashes), writer)
        }
    }

    private func unknown(_ feed: FeedID) -> RequestHandling {
        if served.knows(feed.region) { return ProblemDocument.unknownFeed(feed.description).response() }
        return ProblemDocument.unknownRegion(feed.region.code).response()
    }

    private func whole(
        _ body: ByteBuffer,
        tag: String,
        caching: String,
        _ type: String,
        _ request: RequestHead
    ) -> RequestHandling {
        if EntityTags.match(request.fields.values(of: "if-none-match"), tag) {
            return .respond(ResponseHead(status: 304, fields: ["etag": tag, "cache-control": caching]), nil)
        }
        let fields: HTTPFields = ["content-type": type, "etag": tag, "cache-control": caching]
        return .respond(ResponseHead(status: 200, fields: fields), body)
    }

    private func bytesHead(_ caching: String) -> ResponseHead {
        ResponseHead(status: 200, fields: ["content-type": "application/octet-stream", "cache-control": caching])
    }

    private static func send(_ body: ByteBuffer, _ head: ResponseHead, _ writer: ResponseWriter) async throws {
        var head = head
        head.fields["content-length"] = String(body.readableBytes)
        try await writer.send(head)
        try await writer.write(body)
        try await writer.finish()
    }
}

extension Batch {
    /// The publication interval of the batch that begins a range's body.
    static func publication(atStartOf body: ByteBuffer) -> Interval? {
        body.getInteger(at: body.readerIndex + 8, as: UInt32.self).map { Interval($0) }
    }
}
