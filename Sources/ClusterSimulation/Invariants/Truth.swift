import ExposureKeys
import FeedFormat
import Replication

/// What really happened, as nobody inside a simulation knows it: what regions signed, and what was ever held.
struct Truth {
    /// Leaf hashes of what each feed's region signed, by number.
    private(set) var signed = SortedMap<FeedID, [Hash256]>()
    /// The signed batches, one copy of the bytes for all nodes.
    private var batches: [Hash256: ProvenBatch] = [:]
    /// Publications that were acknowledged: at which node's disk, in which life of it.
    private(set) var count = 0

    /// Notes what a region signs.
    /// - Returns: false if it has signed another batch with that number before.
    mutating func sign(_ batch: ProvenBatch) -> Bool {
        var leaves = signed[batch.feed] ?? []
        if batch.number < UInt64(leaves.count) { return leaves[Int(batch.number)] == batch.leaf }
        guard batch.number == UInt64(leaves.count) else { return false }
        leaves.append(batch.leaf)
        signed[batch.feed] = leaves
        batches[batch.leaf] = batch
        count += 1
        return true
    }

    /// The one copy of a batch that was signed with this content, at this place; nil if none was.
    func genuine(_ batch: ProvenBatch) -> ProvenBatch? {
        guard let known = batches[batch.leaf], known.feed == batch.feed, known.number == batch.number else {
            return nil
        }
        return known
    }
}
