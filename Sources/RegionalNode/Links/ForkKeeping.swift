internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Logging
internal import Replication
internal import Synchronization

/// The forks that no roster has settled, as a node shows them and acts on them.
final class KnownForks: Sendable {
    private let state = Mutex<[Region: Known]>([:])

    struct Known: Sendable {
        let proof: ForkProof
        /// By the node's clock.
        let found: Timestamp

        /// What the store keeps: when it was found, in milliseconds, and the proof.
        var bytes: [UInt8] {
            var bytes: [UInt8] = []
            bytes.append(bigEndian: UInt64(clamping: found.milliseconds))
            return bytes + proof.bytes
        }
    }

    /// Ascending by region.
    var all: [Known] { state.withLock { $0.values.sorted { $0.proof.feed < $1.proof.feed } } }

    func fork(of region: Region) -> Known? { state.withLock { $0[region] } }

    func add(_ fork: Known) { state.withLock { $0[fork.proof.feed.region] = fork } }

    /// - Returns: what was known; it stays in the store, where the next one takes its place.
    func remove(_ region: Region) -> Known? { state.withLock { $0.removeValue(forKey: region) } }
}

extension KnownForks.Known {
    private static func name(_ region: Region) -> String { "fork/\(region)" }

    /// The forks that a store keeps and that are open under a roster. On the store's thread.
    static func open(in storage: any FeedStorage, _ roster: Roster) throws(StoreError) -> [KnownForks.Known] {
        var open: [KnownForks.Known] = []
        for entry in roster.regions {
            guard let bytes = try storage.setting(name(entry.id)), bytes.count > 8,
                let proof = try? ForkProof(bytes.dropFirst(8), keys: { _ in entry.keys }), entry.isForked(by: proof)
            else { continue }
            let found = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            open.append(KnownForks.Known(proof: proof, found: Timestamp(milliseconds: Int64(clamping: found))))
        }
        return open
    }

    /// On the store's thread.
    func keep(in storage: any FeedStorage) throws(StoreError) {
        try storage.setSetting(Self.name(proof.feed.region), bytes)
    }
}

extension NodeContext {
    /// Why this region must not publish; nil if it may.
    var forkObstacle: String? {
        guard let fork = forks.fork(of: region) else { return nil }
        return
            "the key of \(region) has signed two histories of feed \(fork.proof.feed), so nobody takes what it signs; "
            + "make a new key, have a roster list it and close this one, then import again: see OPERATIONS.md, \"A fork\""
    }

    func alarm(of proof: ForkProof) -> ReplicaAlarm { .forked(proof.feed, isOwn: proof.feed.region == region) }

    /// A feed from `size` on, up to the newest batch that can be read; on the store's thread.
    func tail(of id: FeedID, from size: UInt64, _ storage: any FeedStorage) -> HeldTail? {
        guard let feed = served.feed(id), feed.isLiving, let frontier = feed.frontier(at: min(size, feed.count)),
            let number = feed.newestWhole(from: frontier.size),
            let leaves = feed.hashes(frontier.size..<number + 1),
            let last = try? storage.batch(id, number)
        else { return nil }
        return HeldTail(frontier: frontier, leaves: Array(leaves), checkpoint: last.checkpoint)
    }
}

extension ReplicationDriver {
    /// Keeps a proof for the next start. What cannot be kept is tried again; it counts meanwhile.
    func keep(_ proof: ForkProof, node: NodeContext) {
        let fork = KnownForks.Known(proof: proof, found: node.clock.now)
        node.forks.add(fork)
        save(fork, node: node)
    }

    private func save(_ fork: KnownForks.Known, node: NodeContext) {
        node.queue.submit { storage in
            do {
                try fork.keep(in: storage)
            } catch {
                node.care.failed(error)
                Task {
                    try? await Task.sleep(for: ReplicationDriver.savePause)
                    await self.save(fork, node: node)
                }
            }
        }
    }

    /// A roster has settled the fork: what it said is over.
    func settle(_ region: Region, node: NodeContext) {
        guard let fork = node.forks.remove(region) else { return }
        let alarm = node.alarm(of: fork.proof)
        if let (kind, about) = alarm.subject { node.alarms.end(kind, about: about) }
        node.logger.notice("a roster has settled a fork", metadata: ["feed": "\(fork.proof.feed)"])
    }

    private static let savePause = Duration.seconds(30)
}
