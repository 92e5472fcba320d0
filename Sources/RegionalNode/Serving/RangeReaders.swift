internal import Synchronization

/// Counts the ranges being read from the store, each of which takes a few megabytes until it is handed to its
/// connection, in all and for each client.
package final class RangeReaders: Sendable {
    private struct State {
        var count = 0
        var clients: [Int: Int] = [:]
    }

    private let limit: Int
    private let clientLimit: Int
    private let state = Mutex(State())

    /// - Parameter limit: ranges at once; half as many for one client.
    package init(limit: Int) {
        self.limit = limit
        clientLimit = max(1, limit / 2)
    }

    /// - Parameter client: nil for one that is not limited by itself.
    /// - Returns: nil if there are too many.
    package func enter(_ client: Int?) -> ReaderPlace? {
        let isIn = state.withLock { state in
            guard state.count < limit else { return false }
            if let client {
                guard state.clients[client, default: 0] < clientLimit else { return false }
                state.clients[client, default: 0] += 1
            }
            state.count += 1
            return true
        }
        return isIn ? ReaderPlace(self, client) : nil
    }

    fileprivate func leave(_ client: Int?) {
        state.withLock { state in
            state.count -= 1
            guard let client, let count = state.clients[client] else { return }
            state.clients[client] = count > 1 ? count - 1 : nil
        }
    }
}

/// A place among the readers, until it is given up or forgotten.
package final class ReaderPlace: Sendable {
    private let readers: RangeReaders
    private let client: Int?
    private let hasLeft = Atomic(false)

    fileprivate init(_ readers: RangeReaders, _ client: Int?) {
        self.readers = readers
        self.client = client
    }

    deinit {
        leave()
    }

    /// A second time does nothing.
    package func leave() {
        if !hasLeft.exchange(true, ordering: .relaxed) { readers.leave(client) }
    }
}
