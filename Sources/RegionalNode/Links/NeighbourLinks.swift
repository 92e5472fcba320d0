internal import ExposureKeys
internal import FeedFormat
internal import Replication

/// Keeps links with a node's neighbours, also when they or the roster change while the node runs. Links that others
/// want come to the peer listener, and stay for as long as they want them.
struct NeighbourLinks: Sendable {
    let neighbourhood: NodeNeighbourhood
    let connections: PeerConnections
    let driver: ReplicationDriver
    let node: NodeContext

    private struct Dialled {
        let entry: RosterRegion
        let task: Task<Void, Never>
    }

    func run() async {
        var dialled: [Region: Dialled] = [:]
        for await _ in neighbourhood.changes {
            let roster = node.roster
            let wanted = neighbourhood.neighbours.compactMap { roster.region($0) }
            for (peer, dialer) in dialled where !wanted.contains(where: { $0.isReached(as: dialer.entry) }) {
                dialer.task.cancel()
                await dialer.task.value
                // Fetches may go on over the connection where it still leads, whoever opened the link.
                if roster.region(peer)?.isReached(as: dialer.entry) != true { await connections.forget(peer) }
                dialled[peer] = nil
            }
            for entry in wanted where dialled[entry.id] == nil {
                let dialer = LinkDialer(peer: entry.id, connections: connections, driver: driver, node: node)
                dialled[entry.id] = Dialled(entry: entry, task: Task { await dialer.run() })
            }
        }
        for dialer in dialled.values { dialer.task.cancel() }
        for dialer in dialled.values { await dialer.task.value }
    }
}

extension RosterRegion {
    /// Whether a connection to the region under another roster is one under this roster too.
    fileprivate func isReached(as other: RosterRegion) -> Bool {
        id == other.id && peerEndpoint == other.peerEndpoint && certificates == other.certificates
    }
}
