public import FeedFormat

/// Two statements about one feed that cannot both be true, as bytes that anybody can check.
public struct Evidence: Sendable, Equatable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// Two checkpoints of one size, both signed by the region: it, or whoever has its key, shows two faces. The feed
        /// is followed no more.
        case fork = 1
        /// A node's signed index gives another root than the region's checkpoint, and the node could not show the
        /// region's signature for it. The feed is not followed at that node; other nodes may go on.
        case indexClaim = 2
        /// A node's signed index lacks what the region has signed (`held`, a checkpoint of this size or a later one) and
        /// what another node's index (`witness`) listed an hour before. Both indexes are in the form of
        /// `IndexStatement.bytes`. Other reasons than ill will are a full disk, or a fork that stops the region.
        case withheld = 3
        /// A node passed off an index (`contradicting`) as new that was signed far earlier than one seen before (`held`;
        /// empty if the phone keeps it no more). The region is that of the index, the epoch 0. It proves to this phone
        /// alone which of them came later.
        case replay = 4
    }

    public let kind: Kind
    public let feed: FeedID
    /// Number of batches that both statements speak of.
    public let size: UInt64
    /// The region's checkpoint as held here; empty if the phone holds batches up to `size` without one.
    public let held: [UInt8]
    /// The other statement: a checkpoint, or the node's index.
    public let contradicting: [UInt8]
    /// What another node said before; empty unless the kind says otherwise.
    public let witness: [UInt8]
    /// Base URL of the node it came from.
    public let node: String
    /// Unix seconds at which it was found.
    public let found: Int64

    public init(
        kind: Kind,
        feed: FeedID,
        size: UInt64,
        held: [UInt8],
        contradicting: [UInt8],
        node: String,
        found: Int64,
        witness: [UInt8] = []
    ) {
        self.kind = kind
        self.feed = feed
        self.size = size
        self.held = held
        self.contradicting = contradicting
        self.node = node
        self.found = found
        self.witness = witness
    }

    /// Bytes of the statements.
    public var byteCount: Int { held.count + contradicting.count + witness.count }

    /// What makes a second piece of evidence say nothing new.
    public struct Subject: Hashable, Sendable {
        public let kind: Kind
        public let feed: FeedID
        public let node: String
    }

    public var subject: Subject { Subject(kind: kind, feed: feed, node: node) }

    /// A store keeps this many of each kind and refuses more: enough to show, and bounded.
    public static let maximumCount = 256
    /// All evidence together takes no more bytes than this: 64 MiB.
    public static let maximumBytes = 64 << 20
}
