internal import Foundation

/// How the files that this process may have open are shared out. Each listener has a part that no other can take, so that
/// the operator and other nodes get in when phones have taken all of theirs.
package struct FileBudget: Sendable, Equatable {
    /// What the process may have open, in all.
    package let limit: Int
    /// Connections that the listeners take at once.
    package let publicConnections: Int
    package let peerConnections: Int
    package let adminConnections: Int
    package let monitorConnections: Int

    /// With fewer connections than these, over all listeners, a node is of no use.
    package static let fewestConnections = 64
    /// No listener takes more, whatever there is: the limit of memory follows.
    package static let mostConnections = 10_000
    /// The listeners, the store with its log and its lock, connections to other nodes, files being read.
    private static let ownFiles = 48
    /// The selector of each event loop, what wakes it, and its timer.
    private static let filesPerLoop = 3

    /// - Parameters:
    ///   - limit: files that the process may have open; nil for any number.
    ///   - inUse: files open already.
    ///   - loops: event loops.
    /// - Throws: `NodeError` with `limits` if there is no room for listeners, store and 64 connections.
    package init(limit: Int?, inUse: Int, loops: Int) throws(NodeError) {
        let limit = limit ?? .max
        let own = inUse + FileBudget.ownFiles + loops * FileBudget.filesPerLoop
        let rest = limit - own
        guard rest >= FileBudget.fewestConnections else {
            throw NodeError(
                .limits,
                "this process may have \(limit) files open, and a node needs \(own + FileBudget.fewestConnections): for its "
                    + "listeners, its store and at least \(FileBudget.fewestConnections) connections. Raise LimitNOFILE= in its "
                    + "systemd unit, or the limit of its shell (ulimit -n)"
            )
        }
        func part(_ divisor: Int, least: Int) -> Int { min(max(rest / divisor, least), FileBudget.mostConnections) }
        self.limit = limit
        peerConnections = part(8, least: 16)
        adminConnections = part(64, least: 8)
        monitorConnections = part(64, least: 4)
        publicConnections = min(
            rest - peerConnections - adminConnections - monitorConnections,
            FileBudget.mostConnections
        )
    }

    /// What holds for this process now.
    static func ofThisProcess(loops: Int) throws(NodeError) -> FileBudget {
        try FileBudget(
            limit: ProcessLimits.soft(.openFiles),
            inUse: ProcessUsage.now().openFiles,
            loops: loops
        )
    }
}
