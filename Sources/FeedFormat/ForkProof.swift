public import ExposureKeys

/// Two checkpoints of one feed that a region has signed and that cannot both be true: two roots of one size, or a root
/// and a later one whose tree begins otherwise. Anybody can check it who has the region's keys; nobody can make one
/// without them. docs/FEED-FORMAT.md, "Fork proof".
public struct ForkProof: Hashable, Sendable {
    public let feed: FeedID
    /// The one with fewer batches; of two of one size the one with the lesser root.
    public let older: SignedCheckpoint
    public let newer: SignedCheckpoint
    /// How the newer tree begins; nil if both have one size.
    public let beginning: Beginning?
    public let bytes: [UInt8]

    /// The tree that the newer checkpoint continues, of as many batches as the older one has.
    public struct Beginning: Hashable, Sendable {
        /// Another root than the older checkpoint's.
        public let root: Hash256
        /// From that root to the newer checkpoint's.
        public let path: ConsistencyPath

        public init(root: Hash256, path: ConsistencyPath) {
            self.root = root
            self.path = path
        }
    }

    /// Puts two checkpoints of one size together, in any order.
    /// - Throws: `.noContradiction` if both can be true or they are not of one feed and size.
    public init(_ one: SignedCheckpoint, _ other: SignedCheckpoint) throws(FormatError) {
        let isAscending = one.checkpoint.root.bytes.lexicographicallyPrecedes(other.checkpoint.root.bytes)
        try self.init(older: isAscending ? one : other, newer: isAscending ? other : one, beginning: nil)
    }

    /// Puts a checkpoint and a larger one together.
    /// - Parameters:
    ///   - frontier: of the larger one's tree, at the size of the smaller one.
    ///   - leaves: the leaf hashes that lead from there to the larger one.
    /// - Throws: `.rootMismatch` if they do not lead there, `.noContradiction` if both checkpoints can be true.
    public init(
        older: SignedCheckpoint,
        newer: SignedCheckpoint,
        frontier: Frontier,
        leaves: ArraySlice<Hash256>
    ) throws(FormatError) {
        guard frontier.size == older.checkpoint.size, let path = ConsistencyPath(from: frontier, through: leaves) else {
            throw FormatError(
                .rootMismatch,
                "there is no way from \(frontier.size.counted("batch")) over \(leaves.count) more"
            )
        }
        try self.init(older: older, newer: newer, beginning: Beginning(root: frontier.root, path: path))
    }

    private init(older: SignedCheckpoint, newer: SignedCheckpoint, beginning: Beginning?) throws(FormatError) {
        let (one, two) = (older.checkpoint, newer.checkpoint)
        guard one.region == two.region, one.epoch == two.epoch else {
            throw FormatError(.noContradiction, "two checkpoints of different feeds say nothing of each other")
        }
        feed = FeedID(region: one.region, epoch: one.epoch)
        guard one.size <= two.size, (one.size == two.size) == (beginning == nil) else {
            throw FormatError(.noContradiction, "\(feed): the smaller of two checkpoints stands first")
        }
        if let beginning {
            guard beginning.root != one.root else {
                throw FormatError(.noContradiction, "\(feed): the larger checkpoint continues the smaller one")
            }
            guard beginning.path.leads(from: beginning.root, at: one.size, to: two.root, at: two.size) else {
                throw FormatError(
                    .rootMismatch,
                    "\(feed): the hashes do not lead to the root over \(two.size.counted("batch"))"
                )
            }
        } else {
            guard one.root.bytes.lexicographicallyPrecedes(two.root.bytes) else {
                throw FormatError(
                    .noContradiction,
                    "\(feed): of two checkpoints of one size the lesser root stands first"
                )
            }
        }
        self.older = older
        self.newer = newer
        self.beginning = beginning
        bytes = ForkProof.encode(feed, older, newer, beginning)
    }

    private static func encode(
        _ feed: FeedID,
        _ older: SignedCheckpoint,
        _ newer: SignedCheckpoint,
        _ beginning: Beginning?
    ) -> [UInt8] {
        var bytes = magic
        feed.append(to: &bytes)
        for note in [older.bytes, newer.bytes] {
            bytes.append(varint: UInt64(note.count))
            bytes.append(contentsOf: note)
        }
        guard let beginning else { return bytes }
        beginning.root.append(to: &bytes)
        for hash in beginning.path.hashes { hash.append(to: &bytes) }
        return bytes
    }

    private static let magic: [UInt8] = Array("KTF1".utf8)
}

// MARK: - Reading

extension ForkProof {
    /// Reads and verifies a proof.
    /// - Parameters:
    ///   - bytes: at most `FormatLimits.forkProofBytes`.
    ///   - keys: the keys of a region, from the roster; nil if it is unknown.
    public init(_ bytes: ArraySlice<UInt8>, keys: (Region) -> [RosterRegion.Key]?) throws(FormatError) {
        var reader = try ForkProof.reader(bytes)
        let feed = try FeedID(from: &reader)
        guard let keys = keys(feed.region) else {
            throw FormatError(.missingSignature, "a fork of \(feed) is said, whose region the roster does not list")
        }
        let older = try ForkProof.checkpoint(of: feed, from: &reader, keys)
        let newer = try ForkProof.checkpoint(of: feed, from: &reader, keys)
        var beginning: Beginning?
        if older.checkpoint.size < newer.checkpoint.size {
            guard let root = Hash256(bytes: try reader.take(32)) else { throw reader.error(.truncated, "no hash") }
            var hashes: [Hash256] = []
            while reader.remaining > 0 {
                guard let hash = Hash256(bytes: try reader.take(32)) else { throw reader.error(.truncated, "no hash") }
                hashes.append(hash)
            }
            guard let path = ConsistencyPath(hashes: hashes) else {
                throw reader.error(.limitExceeded, "a path of \(hashes.count.counted("hash"))")
            }
            beginning = Beginning(root: root, path: path)
        }
        try reader.expectEnd()
        try self.init(older: older, newer: newer, beginning: beginning)
    }

    /// The feed that a proof speaks of; nothing is verified.
    public static func feed(in bytes: ArraySlice<UInt8>) throws(FormatError) -> FeedID {
        var reader = try ForkProof.reader(bytes)
        return try FeedID(from: &reader)
    }

    private static func reader(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> ByteReader {
        guard bytes.count <= FormatLimits.forkProofBytes else {
            throw FormatError(
                .limitExceeded,
                "a fork proof of \(bytes.count.counted("byte")), more than \(FormatLimits.forkProofBytes)"
            )
        }
        var reader = ByteReader(bytes, reading: "fork proof")
        guard try reader.take(4).elementsEqual(magic) else {
            throw reader.error(.unknownFormat, "these bytes do not begin with the mark of a fork proof, KTF1")
        }
        return reader
    }

    private static func checkpoint(
        of feed: FeedID,
        from reader: inout ByteReader,
        _ keys: [RosterRegion.Key]
    ) throws(FormatError) -> SignedCheckpoint {
        let size = try reader.varint(upTo: FormatLimits.checkpointBytes, "the size of a checkpoint")
        return try SignedCheckpoint(try reader.take(size), region: feed.region, epoch: feed.epoch, keys: keys)
    }
}

extension RosterRegion {
    /// Whether a proof is about keys of this region that count, both of them. If it is not, a roster has settled what
    /// stands.
    public func isForked(by proof: ForkProof) -> Bool {
        proof.feed.region == id && (try? ForkProof(proof.bytes[...]) { _ in keys }) != nil
    }
}
