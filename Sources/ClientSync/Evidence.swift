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
    }

    public let kind: Kind
    public let feed: FeedID
    /// Number of batches that both statements speak of.
    public let size: UInt64
    /// The region's checkpoint as held here; empty if the phone holds batches up to `size` without one.
    public let held: [UInt8]
    /// The other statement: a checkpoint, or the node's index.
    public let contradicting: [UInt8]
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
        found: Int64
    ) {
        self.kind = kind
        self.feed = feed
        self.size = size
        self.held = held
        self.contradicting = contradicting
        self.node = node
        self.found = found
    }

    /// What makes a second piece of evidence say nothing new.
    public struct Subject: Hashable, Sendable {
        public let kind: Kind
        public let feed: FeedID
        public let node: String
    }

    public var subject: Subject { Subject(kind: kind, feed: feed, node: node) }

    /// A store keeps this many of each kind and refuses more: enough to show, and bounded.
    public static let maximumCount = 256
}
