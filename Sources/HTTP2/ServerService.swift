import Logging
import NIOCore
import Synchronization

/// What all connections of a server share.
struct ServerService: Sendable {
    let configuration: ServerConfiguration
    let handler: any RequestHandler
    let connections: ConnectionRegistry
    let tasks: TaskCount
    let logger: Logger

    var limits: ConnectionLimits { ConnectionLimits(configuration) }

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

/// The open connections of a server: how many, and which, to tell them of a shutdown.
final class ConnectionRegistry: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
        var waiters: [Waiter<Void>] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes up a connection; false when there are too many or the server is stopping.
    func admit(_ channel: any Channel) -> Bool {
        let isAdmitted = state.withLock { state in
            guard !state.isDraining, state.channels.count < limit else { return false }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
        if isAdmitted {
            channel.closeFuture.whenComplete { _ in self.remove(channel) }
        }
        return isAdmitted
    }

    private func remove(_ channel: any Channel) {
        let waiters = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            return state.channels.isEmpty ? state.waiters.takeAll() : []
        }
        waiters.forEach { $0.settle(.success(())) }
    }

    var count: Int { state.withLock { $0.channels.count } }

    /// Tells all connections to finish what is under way, and admits no more.
    func drain() {
        state.withLock { $0.isDraining = true }
        tell(.drain)
    }

    /// Passes a command to all connections.
    func tell(_ command: ConnectionCommand) {
        let channels = state.withLock { Array($0.channels.values) }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(command)
        }
    }

    func closeAll() {
        let channels = state.withLock { Array($0.channels.values) }
        channels.forEach { $0.close(promise: nil) }
    }

    /// Settles `waiter` when no connection is left.
    func whenNone(_ waiter: Waiter<Void>) {
        let isNone = state.withLock { state in
            if !state.channels.isEmpty {
                state.waiters.append(waiter)
            }
            return state.channels.isEmpty
        }
        if isNone {
            waiter.settle(.success(()))
        }
    }
}

extension Array {
    fileprivate mutating func takeAll() -> [Element] {
        defer { self = [] }
        return self
    }
}
