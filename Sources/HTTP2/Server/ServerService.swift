import Logging
import Synchronization

/// What all connections of a server share.
struct ServerService: Sendable {
    let configuration: ServerConfiguration
    let handler: any RequestHandler
    let connections: ConnectionRegistry
    let tasks: TaskCount
    let memory: MemoryAccount
    let logger: Logger

    var limits: ConnectionLimits { ConnectionLimits(configuration) }

    /// A peer ran into a limit.
    func exceeded(_ limit: TransportLimit) {
        configuration.onLimit?(limit)
    }

    /// Logs why a handler's task threw: loudly only when it was the handler's doing.
    func log(_ error: any Error) {
        if error is CancellationError || error is HTTPError {
            logger.debug("a request was not answered to its end", metadata: ["error": "\(error)"])
        } else {
            logger.error("a request handler failed", metadata: ["error": "\(error)"])
        }
    }
}

/// Counts the tasks that answer requests, so that a shutdown can wait for them.
final class TaskCount: Sendable {
    private struct State {
        var count = 0
        var waiters: [Waiter<Void>] = []
    }

    private let state = Mutex(State())

    func started() {
        state.withLock { $0.count += 1 }
    }

    func ended() {
        let waiters = state.withLock { state in
            state.count -= 1
            guard state.count == 0 else { return [Waiter<Void>]() }
            return state.waiters.takeAll()
        }
        waiters.forEach { $0.settle(.success(())) }
    }

    var count: Int { state.withLock { $0.count } }

    /// Settles `waiter` when no task is left.
    func whenNone(_ waiter: Waiter<Void>) {
        let isNone = state.withLock { state in
            if state.count > 0 {
                state.waiters.append(waiter)
            }
            return state.count == 0
        }
        if isNone {
            waiter.settle(.success(()))
        }
    }
}

extension Array {
    mutating func takeAll() -> [Element] {
        defer { self = [] }
        return self
    }
}
