/// A Merkle consistency proof (RFC 9162, 2.1.4): the hashes that lead from the root over a tree's first leaves to the
/// root over all of them.
public struct ConsistencyPath: Hashable, Sendable {
    /// At most `FormatLimits.consistencyHashes`.
    public let hashes: [Hash256]

    /// - Returns: nil if there are more hashes than any two sizes of a feed need.
    public init?(hashes: [Hash256]) {
        guard hashes.count <= FormatLimits.consistencyHashes else { return nil }
        self.hashes = hashes
    }

    /// The path from the tree of `frontier` to the one that has `leaves` besides (RFC 9162, 2.1.4.1).
    /// - Parameters:
    ///   - frontier: not empty.
    ///   - leaves: the leaf hashes that follow it; not empty, and no more than a feed may have.
    /// - Returns: nil if either is not as said.
    public init?(from frontier: Frontier, through leaves: ArraySlice<Hash256>) {
        let size = frontier.size
        guard size > 0, !leaves.isEmpty, leaves.count <= FormatLimits.batchesPerFeed - Int(size) else { return nil }
        let end = size + UInt64(leaves.count)
        // The subtree that holds the last of the old leaves, and the one of the last new leaf, by level and position.
        var level = UInt64(size.trailingZeroBitCount)
        var node = (size - 1) >> level
        var last = (end - 1) >> level
        // To the left lie the complete subtrees of the frontier, largest first.
        var left = frontier.hashes
        var hashes: [Hash256] = []
        if node > 0, let hash = left.popLast() { hashes.append(hash) }
        while last > 0 {
            if node & 1 == 1 || node == last {
                if let hash = left.popLast() { hashes.append(hash) }
                while node & 1 == 0, node > 0 {
                    (level, node, last) = (level + 1, node >> 1, last >> 1)
                }
            } else {
                let from = (node + 1) << level
                let to = min(end, from + 1 << level)
                let start = leaves.startIndex - Int(size)
                hashes.append(Frontier(leaves: leaves[(start + Int(from))..<(start + Int(to))]).root)
            }
            (level, node, last) = (level + 1, node >> 1, last >> 1)
        }
        self.init(hashes: hashes)
    }

    /// Whether the tree with `root` over `size` leaves continues the one with `oldRoot` over `oldSize` (RFC 9162,
    /// 2.1.4.2).
    public func leads(from oldRoot: Hash256, at oldSize: UInt64, to root: Hash256, at size: UInt64) -> Bool {
        guard oldSize > 0, oldSize < size else { return false }
        var rest = hashes[...]
        // A complete tree is a node of the larger one, and is not repeated.
        guard let first = oldSize.nonzeroBitCount == 1 ? oldRoot : rest.popFirst() else { return false }
        let level = UInt64(oldSize.trailingZeroBitCount)
        var node = (oldSize - 1) >> level
        var last = (size - 1) >> level
        var (old, new) = (first, first)
        for hash in rest {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                old = Hash256(left: hash, right: old)
                new = Hash256(left: hash, right: new)
                while node & 1 == 0, node > 0 { (node, last) = (node >> 1, last >> 1) }
            } else {
                new = Hash256(left: new, right: hash)
            }
            (node, last) = (node >> 1, last >> 1)
        }
        return last == 0 && old == oldRoot && new == root
    }
}
