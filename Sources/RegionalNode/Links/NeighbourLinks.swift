internal import ExposureKeys
internal import FeedFormat
internal import Replication

/// Keeps links with the neighbours that the roster gives, also when it changes while the node runs.
struct NeighbourLinks: Sendable {
    let region: Region
    /// Those that the operator names; nil for those of the roster's ring.
    let configured: [Region]?
    let connections: PeerConnections
    let driver: ReplicationDriver
    let node: NodeContext

    private struct Dialled {
        let entry: RosterRegion
        let task: Task<Void, Never>
    }

    /// Neighbours under a roster, whether this node dials them or they dial it.
    static func neighbours(of region: Region, configured: [Region]?, in roster: Roster) -> [Region] {
        guard let configured else { return roster.neighbours(of: region) }
        return configured.filter { $0 != region && roster.region($0) != nil }
    }

    func run() async {
        var dialled: [Region: Dialled] = [:]
        for await roster in node.rosters.updates() {
            // Of two neighbours the one that sorts first dials.
            let wanted = NeighbourLinks.neighbours(of: region, configured: configured, in: roster)
                .filter { region < $0 }.compactMap { roster.region($0) }
            for (peer, dialer) in dialled where !wanted.contains(where: { $0.isReached(as: dialer.entry) }) {
                dialer.task.cancel()
                await dialer.task.value
                await connections.forget(peer)
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
