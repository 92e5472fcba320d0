import NIOCore
import Synchronization

/// The open connections of a server: how many, and which, to tell them of a shutdown.
///
/// A quarter of the places is kept for connections that have made a request. When the others are taken, or all are, one
/// that has made none gives way to the next who comes (`WaitingConnections`).
final class ConnectionRegistry: Sendable {
    private struct Entry {
        let channel: any Channel
        let network: PeerNetwork?
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var waiting = WaitingConnections<ObjectIdentifier>()
        var quota: AddressQuota
        var isDraining = false
        var waiters: [Waiter<Void>] = []

        mutating func remove(_ id: ObjectIdentifier) -> Entry? {
            guard let entry = entries.removeValue(forKey: id) else { return nil }
            waiting.remove(id)
            if let network = entry.network { quota.release(network) }
            return entry
        }
    }

    private enum Admission {
        case admitted
        /// Another connection has lost its place.
        case replaces(any Channel)
        case draining
        case exceeds(TransportLimit)
    }

    private let limit: Int
    private let waitingLimit: Int
    private let onLimit: (@Sendable (TransportLimit) -> Void)?
    private let state: Mutex<State>

    init(_ configuration: ServerConfiguration) {
        limit = configuration.maxConnections
        waitingLimit = max(1, limit - limit / 4)
        onLimit = configuration.onLimit
        state = Mutex(State(quota: AddressQuota(limit: configuration.maxConnectionsPerAddress)))
    }

    /// Takes up a connection; false when there are too many, in all or of its address, or the server is stopping.
    func admit(_ channel: any Channel) -> Bool {
        let network = channel.remoteAddress.flatMap { PeerNetwork($0) }
        switch take(channel, of: network) {
        case .admitted:
            channel.closeFuture.whenComplete { _ in self.remove(channel) }
            return true
        case .replaces(let other):
            onLimit?(.waitingConnections)
            other.closeWithoutFarewell()
            channel.closeFuture.whenComplete { _ in self.remove(channel) }
            return true
        case .draining:
            return false
        case .exceeds(let limit):
            onLimit?(limit)
            return false
        }
    }

    private func take(_ channel: any Channel, of network: PeerNetwork?) -> Admission {
        state.withLock { state in
            guard !state.isDraining else { return .draining }
            if let network, !state.quota.admit(network) {
                return .exceeds(.connectionsPerAddress)
            }
            var loser: (any Channel)?
            if state.entries.count >= limit || state.waiting.count >= waitingLimit {
                loser = state.waiting.giveWay().flatMap { state.remove($0) }?.channel
            }
            guard state.entries.count < limit else {
                if let network { state.quota.release(network) }
                return .exceeds(.connections)
            }
            let id = ObjectIdentifier(channel)
            state.entries[id] = Entry(channel: channel, network: network)
            if let network { state.waiting.insert(id, of: network) }
            return loser.map { .replaces($0) } ?? .admitted
        }
    }

    /// The connection has made a request: it gives way to nobody any more.
    func proved(_ channel: any Channel) {
        state.withLock { $0.waiting.remove(ObjectIdentifier(channel)) }
    }

    private func remove(_ channel: any Channel) {
        let waiters = state.withLock { state in
            _ = state.remove(ObjectIdentifier(channel))
            return state.entries.isEmpty ? state.waiters.takeAll() : []
        }
        waiters.forEach { $0.settle(.success(())) }
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// Tells all connections to finish what is under way, and admits no more.
    func drain() {
        state.withLock { $0.isDraining = true }
        tell(.drain)
    }

    /// Passes a command to all connections.
    func tell(_ command: ConnectionCommand) {
        let channels = state.withLock { $0.entries.values.map(\.channel) }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(command)
        }
    }

    func closeAll() {
        let channels = state.withLock { $0.entries.values.map(\.channel) }
        channels.forEach { $0.close(promise: nil) }
    }

    /// Settles `waiter` when no connection is left.
    func whenNone(_ waiter: Waiter<Void>) {
        let isNone = state.withLock { state in
            if !state.entries.isEmpty {
                state.waiters.append(waiter)
            }
            return state.entries.isEmpty
        }
        if isNone {
            waiter.settle(.success(()))
        }
    }
}
