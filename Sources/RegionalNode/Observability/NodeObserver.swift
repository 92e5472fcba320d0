internal import ExposureKeys
internal import FeedFormat
internal import HTTP2
internal import Replication
internal import Synchronization

/// Looks at all parts of a node, for its operator and for monitors.
struct NodeObserver: Sendable {
    let node: NodeContext
    let driver: ReplicationDriver
    let connections: PeerConnections
    let listeners: ListenerLoad
    let certificates: NodeCertificates
    let storePath: String
    let neighbourhood: NodeNeighbourhood
    let resources: NodeResources

    func observe() async -> NodeObservation {
        await connections.settleCounters()
        let status = await driver.status
        let roster = node.roster
        return NodeObservation(
            regions: regions(lags: status.lags, roster: roster),
            neighbours: linked(status.peers),
            alarms: node.health.alarms.count { $0.ended == nil },
            isHealthy: node.health.trouble == nil,
            disk: DiskUsage(storePath: storePath),
            process: ProcessUsage.now(),
            indexTime: node.served.index?.index.time,
            clockDifference: node.clockDifference,
            mayDrop: node.mayDrop,
            rosterVersion: roster.version,
            rosterExpiry: roster.expires,
            heldKeys: node.heldKeyCount,
            publicConnections: listeners.publicConnections,
            peerConnections: listeners.peerConnections,
            publicPlaces: resources.publicPlaces,
            peerPlaces: resources.files.peerConnections,
            heldMemory: resources.shared.total,
            memoryLimit: resources.shared.limit,
            maxFiles: ProcessLimits.soft(.openFiles),
            tls: certificates.tlsCounts,
            framesPassedOver: await driver.framesPassedOver,
            linkBytes: node.wire.totals
        )
    }

    private func regions(
        lags: [(region: Region, batches: UInt64)],
        roster: Roster
    ) -> [NodeObservation.RegionState] {
        var states: [Region: NodeObservation.RegionState] = [:]
        for region in roster.regions { states[region.id] = NodeObservation.RegionState(region: region.id) }
        for feed in node.served.all where feed.isLiving {
            let region = feed.feed.region
            var state = states[region] ?? NodeObservation.RegionState(region: region)
            state.feeds += 1
            state.batches += feed.held
            state.lastPublication = max(state.lastPublication, feed.lastPublication.unixSeconds)
            states[region] = state
        }
        for (region, batches) in lags { states[region]?.lag = batches }
        for fork in node.forks.all { states[fork.proof.feed.region]?.isForked = true }
        return states.values.sorted { $0.region < $1.region }
    }

    /// Those that this node wants a link with, and others that have one.
    private func linked(_ peers: [Region]) -> [NodeObservation.Neighbour] {
        Set(neighbourhood.neighbours + peers).sorted().map { region in
            NodeObservation.Neighbour(
                region: region,
                isLinked: peers.contains(region),
                roundTrip: neighbourhood.roundTrip(of: region)
            )
        }
    }
}

/// Open connections of the listeners, which are opened after their handlers are made.
final class ListenerLoad: Sendable {
    private let servers = Mutex<(open: HTTPServer?, peers: HTTPServer?)>((nil, nil))

    func opened(publicServer: HTTPServer, peerServer: HTTPServer) {
        servers.withLock { $0 = (publicServer, peerServer) }
    }

    var publicConnections: Int { servers.withLock { $0.open }?.connectionCount ?? 0 }
    var peerConnections: Int { servers.withLock { $0.peers }?.connectionCount ?? 0 }
}
