internal import FeedFormat
internal import FeedStore
internal import HTTP2
internal import NIOCore
internal import Replication

/// Answers a range from the store: piece by piece, so that a range of any size takes little memory; a small one is
/// kept for the next who asks.
struct RangeReader: Sendable {
    let feed: FeedID
    let range: FeedRange
    let queue: StoreQueue
    let cache: RangeCache
    let policy: CachePolicy
    let clock: NodeClock
    let health: NodeHealth

    /// Batches read at once.
    private static let step: UInt64 = 16
    /// Larger bodies are streamed and not kept.
    private static let keptBytes = 2 << 20

    func answer(_ writer: ResponseWriter) async throws {
        var body = ByteBuffer()
        var headSent = false
        var position = range.lowerBound
        while position < range.upperBound {
            let end = min(position + RangeReader.step, range.upperBound)
            let (piece, complete): (ByteBuffer, Bool)
            do {
                (piece, complete) = try await read(position..<end)
            } catch let error as StoreError {
                _ = health.raise("batches could not be read: \(error)", at: clock.now)
                guard !headSent else { throw error }
                return try await send(.storeFailed, writer)
            }
            guard complete else { return try await fail(writer, headSent: headSent) }
            body.writeImmutableBuffer(piece)
            if body.readableBytes > RangeReader.keptBytes {
                if !headSent {
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
            cache.insert(body, feed, range)
            var head = head(body)
            head.fields["content-length"] = String(body.readableBytes)
            try await writer.send(head)
            try await writer.write(body)
        }
        try await writer.finish()
    }

    /// The batches with these numbers, and after the last of the range its checkpoint.
    private func read(_ numbers: Range<UInt64>) async throws -> (ByteBuffer, complete: Bool) {
        let feed = feed
        let batches = try await queue.run { try $0.batches(feed, numbers) }
        var buffer = ByteBuffer()
        for batch in batches { buffer.writeBytes(batch.bytes) }
        if numbers.upperBound == range.upperBound, let last = batches.last { buffer.writeBytes(last.checkpoint) }
        return (buffer, UInt64(batches.count) == numbers.upperBound - numbers.lowerBound)
    }

    private func head(_ body: ByteBuffer) -> ResponseHead {
        let publication = Batch.publication(atStartOf: body) ?? clock.now.interval
        let caching = policy.range(publication: publication, now: clock.now)
        return ResponseHead(
            status: 200,
            fields: ["content-type": "application/octet-stream", "cache-control": caching]
        )
    }

    /// Batches were dropped between the look at the feed and the reading of it.
    private func fail(_ writer: ResponseWriter, headSent: Bool) async throws {
        guard !headSent else {
            throw NodeError(.store, "batches of \(feed) were dropped while they were being sent")
        }
        try await send(.gone(feed.description, first: range.upperBound), writer)
    }

    private func send(_ problem: ProblemDocument, _ writer: ResponseWriter) async throws {
        try await writer.send(problem.head())
        try await writer.write(problem.body)
        try await writer.finish()
    }
}
