package import ExposureKeys
internal import Replication

/// What fetches from other nodes may take together, whoever advertised what. A fetch ends when the replica gives it up,
/// whether it ran or waited: the rest of it would bring nothing.
package struct FetchLimits: Sendable {
    /// Fetches at a time.
    private let fetches = WorkSlots(limit: 16, perPeer: 4)
    /// Requests for batches at a time, each of which may bring the largest one.
    private let batches = WorkSlots(limit: 32, perPeer: 16)
    private let deadline: Duration

    /// - Parameter deadline: from being asked for to being given up; the replica's by default.
    package init(deadline: Duration = .milliseconds(ReplicationSettings().fetchDeadline)) {
        self.deadline = deadline
    }

    /// - Returns: nil if the fetch came to no end in time; what it had is then lost.
    package func fetch<Result: Sendable>(
        from peer: Region,
        _ body: @escaping @Sendable () async -> Result
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { await fetches.run(for: peer) { await FetchMemory.ofOneFetch(body) } }
            group.addTask {
                try? await Task.sleep(for: deadline)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// - Returns: nil if the task was cancelled before there was room.
    func batch<Result: Sendable>(from peer: Region, _ body: @Sendable () async -> Result) async -> Result? {
        await batches.run(for: peer, body)
    }
}
