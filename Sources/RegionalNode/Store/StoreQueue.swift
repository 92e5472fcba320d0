internal import FeedStore
internal import NIOPosix

/// The one thread on which a node touches its store and signs, so that neither ever runs on an event loop and calls
/// happen in the order in which they were made.
final class StoreQueue: Sendable {
    private let pool: NIOThreadPool
    let storage: any FeedStorage

    init(_ storage: any FeedStorage) {
        self.storage = storage
        pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
    }

    /// Runs `body` after everything asked for before.
    func run<Result: Sendable>(_ body: @escaping @Sendable (any FeedStorage) throws -> Result) async throws -> Result {
        let storage = storage
        return try await pool.runIfActive { try body(storage) }
    }

    /// Puts `body` in the queue and returns at once; keeps the caller's order.
    func submit(_ body: @escaping @Sendable (any FeedStorage) -> Void) {
        let storage = storage
        pool.submit { state in
            if state == .active { body(storage) }
        }
    }

    func shutdown() async throws {
        try await pool.shutdownGracefully()
    }
}
