package import NIOCore
package import Replication
internal import Synchronization

/// Frames waiting to leave on one link, bounded in bytes: a peer that does not read costs this much memory, then its
/// link.
package final class LinkOutbox: Sendable {
    private let frames: AsyncStream<ByteBuffer>
    private let framesEnd: AsyncStream<ByteBuffer>.Continuation
    /// Carries nothing; its end is the news.
    private let closing: AsyncStream<Never>
    private let closingEnd: AsyncStream<Never>.Continuation
    private let queued = Mutex(0)
    private let limit: Int

    /// What one waiting frame costs beside its bytes, so that many small ones are bounded, too.
    private static let overhead = 128

    /// - Parameter limit: bytes that may wait; by default a handful of the largest batches.
    package init(limit: Int = 32 << 20) {
        self.limit = limit
        (frames, framesEnd) = AsyncStream.makeStream()
        (closing, closingEnd) = AsyncStream.makeStream()
    }

    /// - Returns: false if the frame does not fit; the link must then be closed.
    package func enqueue(_ frame: LinkFrame) -> Bool {
        let bytes = ByteBuffer(bytes: frame.encoded())
        let cost = bytes.readableBytes + LinkOutbox.overhead
        let fits = queued.withLock { queued in
            guard queued + cost <= limit else { return false }
            queued += cost
            return true
        }
        if fits { framesEnd.yield(bytes) }
        return fits
    }

    /// Ends the link: what waits may be lost, since a peer that does not read must not hold up the end.
    package func close() {
        framesEnd.finish()
        closingEnd.finish()
    }

    /// Returns when the outbox is closed or the task cancelled. One task waits, once.
    package func waitUntilClosed() async {
        for await _ in closing {}
    }

    /// Writes frames as they come, until the outbox is closed or writing fails.
    package func drain(_ write: @Sendable (ByteBuffer) async throws -> Void) async throws {
        for await bytes in frames {
            try await write(bytes)
            queued.withLock { $0 -= bytes.readableBytes + LinkOutbox.overhead }
        }
    }
}
