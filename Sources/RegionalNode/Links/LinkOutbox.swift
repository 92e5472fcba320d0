package import HTTP2
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
    private let state = Mutex(State())
    private let limit: Int
    private let budget: OutboxBudget?

    private struct State {
        var queued = 0
        var isClosed = false
    }

    /// What one waiting frame costs beside its bytes, so that many small ones are bounded, too.
    private static let overhead = 128

    /// - Parameters:
    ///   - limit: bytes that may wait; by default a handful of the largest batches.
    ///   - budget: counts what waits on all links.
    package init(limit: Int = 32 << 20, budget: OutboxBudget? = nil) {
        self.limit = limit
        self.budget = budget
        (frames, framesEnd) = AsyncStream.makeStream()
        (closing, closingEnd) = AsyncStream.makeStream()
    }

    /// - Returns: false if the frame does not fit; the link must then be closed.
    package func enqueue(_ frame: LinkFrame) -> Bool {
        let bytes = ByteBuffer(bytes: frame.encoded())
        let cost = bytes.readableBytes + LinkOutbox.overhead
        let fits = state.withLock { state in
            guard state.queued + cost <= limit else { return false }
            // What comes after the end goes nowhere, and costs nothing.
            guard !state.isClosed else { return true }
            state.queued += cost
            budget?.add(cost)
            return true
        }
        if fits { framesEnd.yield(bytes) }
        return fits
    }

    /// Bytes that wait.
    package var queuedBytes: Int { state.withLock { $0.queued } }

    /// Ends the link: what waits may be lost, since a peer that does not read must not hold up the end.
    package func close() {
        state.withLock { state in
            if !state.isClosed { budget?.add(-state.queued) }
            state = State(queued: 0, isClosed: true)
        }
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
            let cost = bytes.readableBytes + LinkOutbox.overhead
            state.withLock { state in
                guard !state.isClosed else { return }
                state.queued -= cost
                budget?.add(-cost)
            }
        }
    }
}

/// What waits on all links together.
package final class OutboxBudget: Sendable {
    private let limit: Int
    private let memory: SharedMemory?
    private let queued = Mutex(0)

    /// - Parameters:
    ///   - limit: bytes; four links' worth by default.
    ///   - memory: of which they are a part.
    package init(limit: Int = 128 << 20, memory: SharedMemory? = nil) {
        self.memory = memory
        self.limit = min(limit, memory.map { $0.limit / 4 } ?? limit)
    }

    package func add(_ bytes: Int) {
        queued.withLock { $0 += bytes }
        memory?.add(bytes)
    }

    package var isExceeded: Bool { queued.withLock { $0 > limit } }
}
