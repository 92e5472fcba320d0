import ExposureKeys
import FeedFormat
import Replication

extension InMemoryNetwork {
    /// What a node's shell does when a replica looks for the end of a feed: reads it behind all stores under way.
    func readTail(_ request: RequestID, _ feed: FeedID, from size: UInt64, at index: Int) {
        let generation = nodes[index].generation
        after(options.storeDelay.upperBound + 1) { [self] in
            guard nodes[index].generation == generation else { return }
            dispatch(.tailRead(request, nodes[index].disk[feed]?.tail(from: size)), to: index)
        }
    }

    func keep(_ proof: ForkProof, at index: Int) {
        if !isReal(proof) { violate("node \(index) believes in a fork of \(proof.feed) that is none") }
        if nodes[index].forks[proof.feed.region] != nil { violate("node \(index) keeps a second proof of one region") }
        nodes[index].forks[proof.feed.region] = proof
    }

    func settle(_ region: Region, at index: Int) {
        if nodes[index].forks[region] == nil { violate("node \(index) settles what it does not keep") }
        nodes[index].forks[region] = nil
    }

    /// Whether the key of a region has signed both roots, for histories that part.
    private func isReal(_ proof: ForkProof) -> Bool {
        let (older, newer) = (proof.older.checkpoint, proof.newer.checkpoint)
        return [(truth, thefts), (thefts, truth)].contains { one, other in
            let histories = (one[proof.feed]?.frontiers, other[proof.feed]?.frontiers)
            return histories.0?[older.size]?.root == older.root && histories.1?[newer.size]?.root == newer.root
                && histories.1?[older.size]?.root != older.root
        }
    }

    /// Nodes that hold histories of one feed of which neither continues the other.
    func contradictions(among honest: some Sequence<Int>) -> [FeedID] {
        let honest = Array(honest)
        let feeds = Set(honest.flatMap { nodes[$0].disk.keys }).sorted()
        return feeds.filter { feed in
            let held = honest.compactMap { nodes[$0].disk[feed] }
            return held.contains { one in
                held.contains { other in
                    let size = min(one.frontier.size, other.frontier.size)
                    return one.frontiers[size] != other.frontiers[size]
                }
            }
        }
    }
}

extension StoredFeed {
    func tail(from size: UInt64) -> HeldTail? {
        let start = min(size, frontier.size)
        guard start >= base.size, first < frontier.size, let last = batches[frontier.size - 1] else { return nil }
        var from = base
        for leaf in leaves.prefix(Int(start - base.size)) { from.append(leaf) }
        return HeldTail(
            frontier: from,
            leaves: Array(leaves.dropFirst(Int(start - base.size))),
            checkpoint: last.checkpoint
        )
    }
}

/// A line of honest nodes, the region at one end and at the other somebody with its key. In the middle the line can be
/// cut, so that one half holds what the region published and the other what the thief did.
struct ForkedLine {
    let network: InMemoryNetwork
    let honest: Range<Int>
    var thief: Int { honest.upperBound }
    /// The cut is between this node and the one before.
    let middle: Int
    let feed: FeedID
    /// Where the histories part.
    let pen: FeedWriter

    /// - Parameters:
    ///   - shared: batches that both histories begin with, at least 1.
    ///   - published, stolen: how many more each side has.
    init(_ count: Int, shared: Int = 3, published: Int, stolen: Int, seed: UInt64 = 1) throws {
        var options = NetworkOptions.line(count, seed: seed)
        options.nodes = count + 1
        options.copies = [count: 0]
        options.edges.append(.init(dialler: count, other: count - 1))
        network = try InMemoryNetwork(options)
        honest = 0..<count
        middle = max(1, count / 2)
        for index in honest { try network.start(index) }
        for index in honest { network.connect(index) }
        network.run(for: 500)
        try network.publish(0, batches: shared)
        guard let pen = network.nodes[0].writer else { throw InMemoryNetwork.NetworkError.setup }
        self.pen = pen
        feed = pen.feed
        network.run(for: 5000)
        network.cut(middle - 1, middle)
        if published > 0 { try network.publish(0, batches: published) }
        network.run(for: 5000)
        // While the region's node is there, fetches meant for the thief would end at it.
        network.crash(0)
        network.nodes[thief].isThief = true
        network.nodes[thief].disk = network.nodes[count - 1].disk
        try network.start(thief, linked: true)
        network.nodes[thief].writer = pen
        if stolen > 0 { try network.publish(thief, batches: stolen) }
        network.run(for: 60_000)
        network.crash(thief)
        try network.start(0, linked: true)
        network.run(for: 5000)
    }

    /// Joins the halves again.
    func heal() throws {
        for index in honest { try network.signIndex(index) }
        network.heal(middle - 1, middle)
        network.run(for: 20_000)
    }

    /// Honest nodes that hold the proof.
    var knowing: [Int] { honest.filter { network.nodes[$0].replica?.openForks.map(\.feed) == [feed] } }
    var isAccused: Bool {
        honest.contains { network.nodes[$0].hasAlarm { if case .rejected = $0 { true } else { false } } }
    }
}
