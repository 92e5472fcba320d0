import ExposureKeys
import FeedFormat
import Replication

/// Forks, as a node's shell handles them: the end of a feed is read for the replica, proofs outlive the process.
extension Simulation {
    func readTail(_ request: RequestID, _ feed: FeedID, from size: UInt64, at index: Int) {
        let event = ReplicaEvent.tailRead(request, nodes[index].disk.feeds[feed]?.tail(from: size))
        agenda.add(at: now + 1000, .answer(node: index, generation: nodes[index].generation, event))
    }

    /// A proof of something that nobody has done is a false one.
    func keep(_ proof: ForkProof, at index: Int) {
        reach(.provedFork)
        note(index, "has a proof that \(proof.feed) is forked")
        if !truth.isForked(proof.feed) {
            violate(
                .forks,
                index,
                "believes that the key of \(proof.feed.region) has signed two histories of \(proof.feed)"
            )
        }
        if options.planted == .losesForkProofs, index == 1 { return }
        nodes[index].disk.forks[proof.feed.region] = proof
    }

    /// A fork of which running nodes hold both sides, with signatures that can be read, or that one of them has proven, and
    /// a node without a proof of it; nil if there is none. An older release knows no proofs.
    func unprovenFork() -> String? {
        let running = nodes.filter { $0.process != nil && $0.release != .older }
        for feed in truth.histories.keys where truth.isForked(feed) && isOpenlyForked(feed.region) {
            let held = running.compactMap { $0.disk.feeds[feed]?.shownFrontier }
            let isProven = running.contains { $0.disk.forks[feed.region]?.feed == feed }
            guard isProven || !truth.haveOneHistory(held, of: feed) else { continue }
            if let without = running.first(where: { $0.disk.forks[feed.region] == nil }) {
                return "\(without.region) has no proof that \(feed) is forked"
            }
        }
        return nil
    }
}

extension StoredFeed {
    /// From a size on, or from the end if that comes first, up to the newest batch that can be read; nil if none can be.
    func tail(from size: UInt64) -> HeldTail? {
        let start = min(size, count)
        guard isLiving, let frontier = frontier(at: start), let last = newestWhole(from: start) else { return nil }
        return HeldTail(frontier: frontier, leaves: leaves(start..<last.number + 1), checkpoint: last.checkpoint)
    }

    /// What can be shown to be signed by what is held.
    var shownFrontier: Frontier? { newestWhole(from: 0).flatMap { frontier(at: $0.number + 1) } }

    private func newestWhole(from size: UInt64) -> ProvenBatch? {
        for number in (max(first, max(1, size) - 1)..<max(first, count)).reversed() {
            if let batch = batch(number) { return batch }
        }
        return nil
    }
}
