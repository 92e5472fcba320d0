public import ExposureKeys
public import FeedFormat

/// What a sync has to say of its node in the light of its witnesses.
public struct WitnessReport: Sendable {
    /// How many distinct operators the phone wants; 0 if it wants none.
    public var wanted: Int
    /// Those whose indexes it has, none of them older than two publication slots; in the order in which it drew them.
    public var present: [Region] = []
    /// At most `maximumFindings`.
    public private(set) var findings: [WitnessFinding] = []

    public init(wanted: Int = 0) {
        self.wanted = wanted
    }

    public var isWitnessed: Bool { wanted > 0 && present.count >= wanted }

    mutating func note(_ finding: WitnessFinding) {
        if findings.count < WitnessReport.maximumFindings { findings.append(finding) }
    }

    public static let maximumFindings = 64
}

/// One thing that does not fit. With `evidence` it is proven by bytes that the store keeps; without, it is one word
/// against another.
public struct WitnessFinding: Sendable, Equatable {
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// Proven: the node lacks what its region has signed and what the node itself had passed on, an hour before, as
        /// a witness's index.
        public static let withheld = Kind("withheld")
        /// The same, but nobody has shown the region's signature: the node withholds, or the witness invents.
        public static let notShown = Kind("notShown")
        /// The node lacks what a witness had an hour before, but may not know that: it may be cut off.
        public static let behind = Kind("behind")
        /// A witness could not show what it claims, or stands alone with it. It is a witness no more for a day.
        public static let unshownClaim = Kind("unshownClaim")
        /// Proven: a witness gives a root that the region has not signed. It is a witness no more for 15 days.
        public static let falseClaim = Kind("falseClaim")
        /// Proven: the region has signed the root that a witness gives, and another one of that size.
        public static let fork = Kind("fork")
        /// Several operators' indexes give other roots than the one that this phone was shown.
        public static let anotherHistory = Kind("anotherHistory")
        /// An hour after this node listed it, no witness does.
        public static let onlyHere = Kind("onlyHere")
        /// Proven to this phone: an index far older than one seen before was passed off as new.
        public static let replayed = Kind("replayed")
        /// The node's own index is older than two publication slots and counts as none.
        public static let stale = Kind("stale")
    }

    public let kind: Kind
    /// What it is about; nil if it is about an index as a whole.
    public let feed: FeedID?
    public let size: UInt64?
    /// The other node that it rests on, or that it accuses.
    public let witness: Region?
    public let evidence: Evidence?
    /// What happened, where, what to do.
    public let reason: String

    init(
        _ kind: Kind,
        feed: FeedID? = nil,
        size: UInt64? = nil,
        witness: Region? = nil,
        evidence: Evidence? = nil,
        _ reason: String
    ) {
        self.kind = kind
        self.feed = feed
        self.size = size
        self.witness = witness
        self.evidence = evidence
        self.reason = reason
    }
}

extension WitnessFinding: CustomStringConvertible {
    public var description: String { "\(kind): \(reason)" }
}
