internal import FeedFormat
internal import FeedStore
internal import HTTP2
internal import NIOCore
internal import Replication
internal import Synchronization

/// Answers a range from the store: piece by piece, so that a range of any size takes little memory; a small one is
/// kept for the next who asks.
struct RangeReader: Sendable {
    let feed: FeedID
    let range: FeedRange
    let queue: StoreQueue
    let cache: RangeCache
    /// Of the feeds, from before anything is read.
    let generation: UInt64
    let path: String
    let policy: CachePolicy
    let clock: NodeClock
    let readers: RangeReaders
    /// Who asks, as `ConnectionInfo` knows it.
    let client: Int?
    let care: StoreCare
    let raise: @Sendable (String) -> Void

    static let retryLater: HTTPFields = ["retry-after": "30"]
    static func damaged(_ feed: FeedID) -> ProblemDocument { .damaged(feed.description) }

    /// Bytes and batches read at once, more or less: how large the next batches are is not known before they are read.
    private static let stepBytes = 1 << 20
    private static let stepLimit: UInt64 = 16
    /// Larger bodies are streamed and not kept.
    private static let keptBytes = 2 << 20

    func answer(_ writer: ResponseWriter) async throws {
        guard let place = readers.enter(client) else {
            return try await ProblemDocument.busy.send(writer, ["retry-after": "1"])
        }
        try await answer(writer, place)
    }

    /// - Parameter place: given up as soon as there is something to send: from then on it is the memory of the
    ///   connections that is limited, and a reader that takes nothing keeps nobody from reading.
    private func answer(_ writer: ResponseWriter, _ place: ReaderPlace) async throws {
        var body = ByteBuffer()
        var headSent = false
        var position = range.lowerBound
        var step: UInt64 = 1
        while position < range.upperBound {
            let end = min(position + step, range.upperBound)
            let piece: ByteBuffer
            do {
                guard let batches = try await read(position..<end) else {
                    return try await fail(.gone(feed.description, first: range.upperBound), writer, headSent: headSent)
                }
                piece = batches
            } catch let error as StoreError {
                if error.code == .damaged { return try await failDamaged(position..<end, writer, headSent: headSent) }
                if !care.reports(error) { raise("a range could not be read: \(error)") }
                return try await fail(.storeFailed, writer, headSent: headSent)
            }
            let each = max(1, piece.readableBytes / Int(end - position))
            step = min(max(1, UInt64(RangeReader.stepBytes / each)), RangeReader.stepLimit)
            body.writeImmutableBuffer(piece)
            if body.readableBytes > RangeReader.keptBytes {
                if !headSent {
                    place.leave()
                    try await writer.send(head(body))
                    headSent = true
                }
                try await writer.write(body)
                body = ByteBuffer()
            }
            position = end
        }
        if headSent {
            try await writer.write(body)
        } else {
            if let publication = Batch.publication(atStartOf: body) {
                cache.insert(body, publication: publication, path: path, generation: generation)
            }
            place.leave()
            var head = head(body)
            head.fields["content-length"] = String(body.readableBytes)
            try await writer.send(head)
            try await writer.write(body)
        }
        try await writer.finish()
    }

    /// The batches with these numbers, and after the last of the range its checkpoint; nil if some are gone.
    private func read(_ numbers: Range<UInt64>) async throws -> ByteBuffer? {
        let (feed, range, care) = (feed, range, care)
        let batches = try await queue.run { storage in
            let batches = try storage.batches(feed, numbers)
            // The one checkpoint that is sent: whoever fetched it in vain would blame this node.
            if let last = batches.last, last.number + 1 == range.upperBound, !care.isWhole(last) {
                throw StoreError(.damaged, "the checkpoint of batch \(last.number) of \(feed) is damaged")
            }
            return batches
        }
        guard UInt64(batches.count) == numbers.upperBound - numbers.lowerBound else { return nil }
        var buffer = ByteBuffer()
        for batch in batches { buffer.writeBytes(batch.bytes) }
        if numbers.upperBound == range.upperBound, let last = batches.last { buffer.writeBytes(last.checkpoint) }
        return buffer
    }

    private func head(_ body: ByteBuffer) -> ResponseHead {
        let publication = Batch.publication(atStartOf: body) ?? clock.now.interval
        let caching = policy.range(publication: publication, now: clock.now)
        return ResponseHead(
            status: 200,
            fields: ["content-type": "application/octet-stream", "cache-control": caching.description]
        )
    }

    /// Batches were dropped between the look at the feed and the reading of it, or the store failed. A body that has
    /// begun is cut off, so that nobody takes it for complete.
    private func fail(
        _ problem: ProblemDocument,
        _ writer: ResponseWriter,
        _ fields: HTTPFields = [:],
        headSent: Bool
    ) async throws {
        guard !headSent else { throw NodeError(.store, "a range of \(feed) could not be sent to its end") }
        try await problem.send(writer, fields)
    }

    /// Finds out which of these batches are damaged, so that they are fetched again and the next who asks is told
    /// without a look at the disk.
    private func failDamaged(_ numbers: Range<UInt64>, _ writer: ResponseWriter, headSent: Bool) async throws {
        let (feed, care) = (feed, care)
        try await queue.run { try care.check(feed, numbers, in: $0) }
        try await fail(RangeReader.damaged(feed), writer, RangeReader.retryLater, headSent: headSent)
    }
}
