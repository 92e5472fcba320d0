internal import ExposureKeys
internal import ExposureNotification
internal import FeedFormat
internal import Replication

/// What became of the keys of one imported archive.
public struct ImportReport: Codable, Sendable {
    /// Entries of the archive.
    public var keys: Int
    /// Published now.
    public var published: Int
    /// Left out: ended 15 days ago or earlier.
    public var expired: Int
    /// Left out: still in use.
    public var notYetEnded: Int
    /// Left out: no valid keys.
    public var malformed: Int
    /// Left out: published before, with the same or a higher report.
    public var duplicates: Int
    /// Batches in which they were published.
    public var batches: Int
    /// Encoded bytes of those batches and their checkpoints.
    public var bytes: Int
    /// The feed, `region/epoch`; nil if nothing was published.
    public var feed: String?
    /// Batches of that feed now.
    public var feedCount: UInt64?

    init(_ export: ExportArchive, _ publication: RegionPublisher.Publication) {
        keys = export.keys.count + export.rejected.count
        published = publication.published
        expired = publication.expired
        notYetEnded = publication.notYetEnded
        malformed = export.rejected.count
        duplicates = publication.duplicates
        batches = publication.batches.count
        bytes = publication.batches.reduce(0) { $0 + $1.bytes.count + $1.checkpoint.count }
        feed = publication.batches.last?.feed.description
        feedCount = publication.batches.last.map { $0.number + 1 }
    }
}

/// What a node says of itself to its operator.
public struct NodeStatus: Codable, Sendable {
    public struct Feed: Codable, Sendable {
        public var feed: String
        public var first: UInt64
        public var count: UInt64
        /// Merkle root at `count`, hexadecimal.
        public var root: String
        /// Publication interval of the newest batch.
        public var lastPublication: UInt32
        /// Numbers of batches that are damaged on the disk and not served; nil if there are none.
        public var damaged: [UInt64]?
    }

    public struct Arrival: Codable, Sendable {
        public var feed: String
        public var count: UInt64
        /// Unix time of this machine's clock in milliseconds, whatever the node's own clock was set to.
        public var milliseconds: Int64
    }

    public struct Alarm: Codable, Sendable {
        public var what: String
        public var times: Int
        /// Unix seconds by the node's clock.
        public var last: Int64
        /// Unix seconds at which what it says ended; nil while it may go on.
        public var ended: Int64?
    }

    public var region: String
    /// Unix seconds by the node's clock.
    public var time: Int64
    public var feeds: [Feed]
    /// Neighbours with a link.
    public var links: [String]
    /// The most batches by which a neighbour is ahead of this node in one feed.
    public var lag: UInt64
    public var alarms: [Alarm]
    public var trouble: String?
    /// When feeds grew here, the last thousand times.
    public var arrivals: [Arrival]
    /// Transport bytes on connections that this node opened to others.
    public var wireBytesReceived: Int
    public var wireBytesSent: Int
    /// Keys in this region's own merged state.
    public var ownKeys: Int

    init(_ node: NodeContext, links status: (peers: [Region], lag: UInt64)) {
        region = node.region.code
        time = node.clock.seconds
        feeds = node.served.all.map { feed in
            Feed(
                feed: feed.feed.description,
                first: feed.first,
                count: feed.count,
                root: feed.root.hexadecimal,
                lastPublication: feed.lastPublication.number,
                damaged: feed.damaged.isEmpty ? nil : feed.damaged
            )
        }
        links = status.peers.map(\.code)
        lag = status.lag
        alarms = node.health.alarms.map { alarm in
            Alarm(
                what: alarm.text,
                times: alarm.count,
                last: alarm.last.milliseconds / 1000,
                ended: alarm.ended.map { $0.milliseconds / 1000 }
            )
        }
        trouble = node.health.trouble
        arrivals = node.recentArrivals.map { arrival in
            Arrival(feed: arrival.feed.description, count: arrival.count, milliseconds: arrival.milliseconds)
        }
        (wireBytesReceived, wireBytesSent) = node.wire.totals
        ownKeys = node.publisher.keyCount
    }
}
