import ExposureKeys
import FeedFormat

/// Batches that are left out for now, known by their leaf hashes.
struct SkippedBatches: Sendable {
    /// Before the first of them.
    private let start: Frontier
    let leaves: [Hash256]
    /// Behind the last of them, if the hashes are theirs.
    let end: Frontier

    /// - Parameter leaves: at most `Replica.skipLimit`.
    init(after start: Frontier, leaves: [Hash256]) {
        self.start = start
        self.leaves = leaves
        var end = start
        for leaf in leaves { end.append(leaf) }
        self.end = end
    }

    /// Each of them with the root behind it. A root takes several times as long as a step of the frontier, so this is for
    /// hashes that are proven: others cost too little to hold up what else is to be done.
    func batches() -> [DamagedBatch] {
        var frontier = start
        return leaves.map { leaf in
            frontier.append(leaf)
            return DamagedBatch(number: frontier.size - 1, leaf: leaf, root: frontier.root)
        }
    }
}
