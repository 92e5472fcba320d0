internal import NIOCore
internal import Replication
internal import Synchronization

/// Frames waiting to leave on one link, bounded in bytes: a peer that does not read costs this much memory, then its
/// link.
final class LinkOutbox: Sendable {
    private let stream: AsyncStream<ByteBuffer>
    private let continuation: AsyncStream<ByteBuffer>.Continuation
    private let queued = Mutex(0)

    /// Bytes that may wait: a handful of the largest batches.
    private static let limit = 32 << 20

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
    }

    /// - Returns: false if the frame does not fit; the link must then be closed.
    func enqueue(_ frame: LinkFrame) -> Bool {
        let bytes = ByteBuffer(bytes: frame.encoded())
        let fits = queued.withLock { queued in
            guard queued + bytes.readableBytes <= LinkOutbox.limit else { return false }
            queued += bytes.readableBytes
            return true
        }
        if fits { continuation.yield(bytes) }
        return fits
    }

    /// Ends `drain` once what waits has left.
    func close() { continuation.finish() }

    /// Writes frames as they come, until the outbox is closed or writing fails.
    func drain(_ write: @Sendable (ByteBuffer) async throws -> Void) async throws {
        for await bytes in stream {
            try await write(bytes)
            queued.withLock { $0 -= bytes.readableBytes }
        }
    }
}
