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
    /// Bytes of a streamed body that are handed over at once.
    private static let blockBytes = 64 << 10
    /// Enough of a batch to see when it was published.
    private static let headBytes = 64
    /// For how long a range waits for memory: two seconds. A connection that holds some and takes nothing has a second.
    private static let memoryAttempts = 20
    private static let memoryPause = Duration.milliseconds(100)

    func answer(_ writer: ResponseWriter) async throws {
        guard let place = readers.enter(client) else {
            return try await ProblemDocument.busy.send(writer, ["retry-after": "1"])
        }
        try await answer(writer, place)
    }

    /// - Parameter place: given up as soon as there is something to send: from then on it is the memory of the
    ///   connections that is limited, and a reader that takes nothing keeps nobody from reading.
    private func answer(_ writer: ResponseWriter, _ place: ReaderPlace) async throws {
        var pieces: [Piece] = []
        var bytes = 0
        var headSent = false
        var position = range.lowerBound
        var step: UInt64 = 1
        while position < range.upperBound {
            let end = min(position + step, range.upperBound)
            let piece: Piece
            do {
                guard let found = try await read(position..<end, writer) else {
                    return try await fail(.gone(feed.description, first: range.upperBound), writer, headSent: headSent)
                }
                piece = found
            } catch let error as StoreError {
                if error.code == .damaged { return try await failDamaged(position..<end, writer, headSent: headSent) }
                if !care.reports(error) { raise("a range could not be read: \(error)") }
                return try await fail(.storeFailed, writer, headSent: headSent)
            } catch let error as NodeError where error.code == .limits {
                return try await fail(.busy, writer, ["retry-after": "5"], headSent: headSent)
            }
            step = min(
                max(1, UInt64(RangeReader.stepBytes * Int(end - position) / max(1, piece.bytes))),
                RangeReader.stepLimit
            )
            bytes += piece.bytes
            pieces.append(piece)
            if headSent || bytes > RangeReader.keptBytes {
                if !headSent {
                    place.leave()
                    try await writer.send(head(pieces))
                    headSent = true
                }
                try await write(&pieces, writer)
            }
            position = end
        }
        if !headSent {
            let body = RangeReader.whole(pieces, bytes: bytes)
            if let publication = Batch.publication(atStartOf: body) {
                cache.insert(body, publication: publication, path: path, generation: generation)
            }
            place.leave()
            var head = head(pieces)
            head.fields["content-length"] = String(bytes)
            // From here on the connection counts the body as its own.
            pieces = []
            try await writer.send(head)
            try await writer.write(body)
        }
        try await writer.finish()
    }

    /// What was read from the store at once, and the memory that is set aside for it.
    private struct Piece: Sendable {
        var parts: [[UInt8]]
        let bytes: Int
        let memory: MemoryReservation
    }

    /// Writes pieces in blocks of their own, so that what waits for a slow peer is a block and what follows it here, and
    /// nothing that was sent is held any longer.
    private func write(_ pieces: inout [Piece], _ writer: ResponseWriter) async throws {
        while !pieces.isEmpty {
            var piece = pieces.removeFirst()
            while !piece.parts.isEmpty {
                let part = piece.parts.removeFirst()
                for start in stride(from: 0, to: part.count, by: RangeReader.blockBytes) {
                    let block = part[start..<min(start + RangeReader.blockBytes, part.count)]
                    try await writer.write(ByteBuffer(bytes: block))
                }
            }
        }
    }

    /// All in one buffer, which is made as large as it must be and no larger.
    private static func whole(_ pieces: [Piece], bytes: Int) -> ByteBuffer {
        var body = ByteBufferAllocator().buffer(capacity: bytes)
        for piece in pieces {
            for part in piece.parts { body.writeBytes(part) }
        }
        return body
    }

    /// The batches with these numbers, and after the last of the range its checkpoint; nil if some are gone.
    /// - Throws: `StoreError`; `NodeError` with `limits` if there is no memory for them, also after a while.
    private func read(_ numbers: Range<UInt64>, _ writer: ResponseWriter) async throws -> Piece? {
        // How much it takes shows when it is read for the first time; it is read again when there is room.
        var needed: Int?
        for _ in 0..<RangeReader.memoryAttempts {
            let memory = needed.flatMap { writer.reserve($0) }
            if needed == nil || memory != nil {
                switch try await readOnce(numbers, writer, memory) {
                case .read(let piece): return piece
                case .gone: return nil
                case .noMemory(let bytes): needed = bytes
                }
            }
            try await Task.sleep(for: RangeReader.memoryPause)
        }
        throw NodeError(.limits, "there is no memory for a range of \(feed)")
    }

    private enum Reading: Sendable {
        case read(Piece)
        case gone
        case noMemory(Int)
    }

    /// - Parameter memory: what is set aside already, for all of it.
    private func readOnce(
        _ numbers: Range<UInt64>,
        _ writer: ResponseWriter,
        _ memory: MemoryReservation?
    ) async throws -> Reading {
        let (feed, range, care) = (feed, range, care)
        return try await queue.run { storage in
            let batches = try storage.batches(feed, numbers)
            // The one checkpoint that is sent: whoever fetched it in vain would blame this node.
            if let last = batches.last, last.number + 1 == range.upperBound, !care.isWhole(last) {
                throw StoreError(.damaged, "the checkpoint of batch \(last.number) of \(feed) is damaged")
            }
            guard UInt64(batches.count) == numbers.upperBound - numbers.lowerBound else { return .gone }
            var parts = batches.map(\.bytes)
            if numbers.upperBound == range.upperBound, let last = batches.last { parts.append(last.checkpoint) }
            let bytes = parts.reduce(0) { $0 + $1.count }
            // On the store's thread, where one after the other reads: what is read before there is room is never more
            // than this.
            guard let memory = memory ?? writer.reserve(bytes) else { return .noMemory(bytes) }
            return .read(Piece(parts: parts, bytes: bytes, memory: memory))
        }
    }

    private func head(_ pieces: [Piece]) -> ResponseHead {
        let start = ByteBuffer(bytes: (pieces.first?.parts.first ?? []).prefix(RangeReader.headBytes))
        let publication = Batch.publication(atStartOf: start) ?? clock.now.interval
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
