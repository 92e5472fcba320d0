import NIOCore
import Synchronization

/// The open connections of a server: how many, and which, to tell them of a shutdown.
final class ConnectionRegistry: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var quota: AddressQuota
        var isDraining = false
        var waiters: [Waiter<Void>] = []
    }

    private enum Admission {
        case admitted
        case draining
        case exceeds(TransportLimit)
    }

    private let limit: Int
    private let onLimit: (@Sendable (TransportLimit) -> Void)?
    private let state: Mutex<State>

    init(_ configuration: ServerConfiguration) {
        limit = configuration.maxConnections
        onLimit = configuration.onLimit
        state = Mutex(State(quota: AddressQuota(limit: configuration.maxConnectionsPerAddress)))
    }

    /// Takes up a connection; false when there are too many, in all or of its address, or the server is stopping.
    func admit(_ channel: any Channel) -> Bool {
        let network = channel.remoteAddress.flatMap { PeerNetwork($0) }
        switch take(channel, of: network) {
        case .admitted:
            channel.closeFuture.whenComplete { _ in self.remove(channel, of: network) }
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
            guard state.channels.count < limit else { return .exceeds(.connections) }
            if let network, !state.quota.admit(network) {
                return .exceeds(.connectionsPerAddress)
            }
            state.channels[ObjectIdentifier(channel)] = channel
            return .admitted
        }
    }

    private func remove(_ channel: any Channel, of network: PeerNetwork?) {
        let waiters = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            if let network {
                state.quota.release(network)
            }
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
