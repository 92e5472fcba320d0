import ExposureKeys

/// The right edge of a Merkle tree (RFC 6962): the roots of the complete subtrees that cover its leaves, largest
/// first. Enough to append leaves and to compute every later root, in at most 17 hashes.
public struct Frontier: Equatable, Sendable {
    /// Number of leaves.
    public private(set) var size: UInt64
    /// One hash per set bit of `size`, from the highest bit down.
    public private(set) var hashes: [Hash256]

    /// The frontier of an empty tree.
    public init() {
        size = 0
        hashes = []
    }

    /// - Returns: nil unless there is one hash per set bit of `size`, at most 2^17.
    public init?(size: UInt64, hashes: [Hash256]) {
        guard size <= UInt64(FormatLimits.batchesPerFeed), hashes.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.hashes = hashes
    }

    /// The frontier after all of `leaves`.
    public init(leaves: some Sequence<Hash256>) {
        self.init()
        for leaf in leaves { append(leaf) }
    }

    /// Appends one leaf hash.
    public mutating func append(_ leaf: Hash256) {
        var hash = leaf
        for _ in 0..<(~size).trailingZeroBitCount {
            hash = Hash256(left: hashes.removeLast(), right: hash)
        }
        hashes.append(hash)
        size += 1
    }

    /// Root of the tree; of the empty tree SHA-256 of nothing.
    public var root: Hash256 {
        guard var root = hashes.last else { return Hash256(hashing: []) }
        for hash in hashes.dropLast().reversed() { root = Hash256(left: hash, right: root) }
        return root
    }

    /// 8 bytes of size, big-endian, then the hashes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: size)
        for hash in hashes { hash.append(to: &bytes) }
        return bytes
    }

    /// Reads what `bytes` gives.
    public init(bytes: ArraySlice<UInt8>) throws(FormatError) {
        var reader = ByteReader(bytes, reading: "frontier")
        let size = try reader.uint64()
        guard size <= UInt64(FormatLimits.batchesPerFeed) else {
            throw reader.error(
                .limitExceeded,
                "a feed of \(size.counted("batch")), more than \(FormatLimits.batchesPerFeed)"
            )
        }
        var hashes: [Hash256] = []
        for _ in 0..<size.nonzeroBitCount {
            if let hash = Hash256(bytes: try reader.take(32)) { hashes.append(hash) }
        }
        try reader.expectEnd()
        self.size = size
        self.hashes = hashes
    }
}
