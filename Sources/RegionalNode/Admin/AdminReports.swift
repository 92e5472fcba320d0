internal import ExposureKeys
internal import FeedFormat
internal import Replication

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

    /// One of those that this node keeps a link with, or that has a link with it.
    public struct Neighbour: Codable, Sendable {
        public var region: String
        public var isLinked: Bool
        /// Seconds to it and back, the least of the newest measurements; nil while there is none.
        public var roundTrip: Double?
    }

    /// Batches of one region that a neighbour has and this node lacks, in the feed that lacks most.
    public struct Lag: Codable, Sendable {
        public var region: String
        public var batches: UInt64
    }

    /// A region whose key has signed two histories of one feed; nothing new of it is taken until a roster settles it.
    public struct Fork: Codable, Sendable {
        public var feed: String
        /// Unix seconds by the node's clock.
        public var found: Int64
        /// Batches of the two checkpoints and their roots, hexadecimal.
        public var olderSize: UInt64
        public var olderRoot: String
        public var newerSize: UInt64
        public var newerRoot: String
        /// The proof that anybody can check, base64: docs/FEED-FORMAT.md, "Fork proof".
        public var proof: String

        init(_ fork: KnownForks.Known) {
            feed = fork.proof.feed.description
            found = fork.found.milliseconds / 1000
            let (older, newer) = (fork.proof.older.checkpoint, fork.proof.newer.checkpoint)
            (olderSize, olderRoot) = (older.size, older.root.hexadecimal)
            (newerSize, newerRoot) = (newer.size, newer.root.hexadecimal)
            proof = Base64.encode(fork.proof.bytes)
        }
    }

    public var region: String
    /// Unix seconds by the node's clock.
    public var time: Int64
    public var feeds: [Feed]
    /// Neighbours with a link.
    public var links: [String]
    public var neighbours: [Neighbour]
    /// The most batches by which a neighbour is ahead of this node in one feed.
    public var lag: UInt64
    /// Regions of which something is missing.
    public var lags: [Lag]
    /// At most one of each region.
    public var forks: [Fork]
    /// Size of the store and of its log.
    public var storeBytes: Int64
    /// Bytes that the node may still write to the store's disk.
    public var diskFreeBytes: Int64
    public var residentBytes: Int
    public var publicConnections: Int
    public var peerConnections: Int
    public var rosterVersion: UInt64
    /// Unix seconds.
    public var rosterExpires: Int64
    /// Unix seconds; nil while no index is signed.
    public var indexTime: Int64?
    /// Seconds by which this node's clock is ahead of the median of its neighbours'; nil if that is not known.
    public var clockDifference: Int64?
    /// Whether what has expired is kept, because clocks differ or are yet to be compared.
    public var keepsExpired: Bool
    public var alarms: [Alarm]
    public var trouble: String?
    /// When feeds grew here, the last thousand times.
    public var arrivals: [Arrival]
    /// Transport bytes on connections that this node opened to others.
    public var wireBytesReceived: Int
    public var wireBytesSent: Int
    /// Keys in this region's own merged state.
    public var ownKeys: Int
    /// Keys that wait for their time to be published.
    public var heldKeys: Int

    init(_ node: NodeContext, _ observation: NodeObservation) {
        region = node.region.code
        time = node.clock.seconds
        feeds = node.served.all.map { feed in
            Feed(
                feed: feed.feed.description,
                first: feed.shown,
                count: feed.count,
                root: feed.root.hexadecimal,
                lastPublication: feed.lastPublication.number,
                damaged: feed.damaged.isEmpty ? nil : feed.damaged
            )
        }
        neighbours = observation.neighbours.map { neighbour in
            Neighbour(
                region: neighbour.region.code,
                isLinked: neighbour.isLinked,
                roundTrip: neighbour.roundTrip.map { Double($0) / 1e6 }
            )
        }
        links = neighbours.filter(\.isLinked).map(\.region)
        lags = observation.regions.filter { $0.lag > 0 }.map { Lag(region: $0.region.code, batches: $0.lag) }
        lag = lags.map(\.batches).max() ?? 0
        forks = node.forks.all.map(Fork.init)
        storeBytes = observation.disk.storeBytes
        diskFreeBytes = observation.disk.freeBytes
        residentBytes = observation.process.residentBytes
        publicConnections = observation.publicConnections
        peerConnections = observation.peerConnections
        rosterVersion = observation.rosterVersion
        rosterExpires = observation.rosterExpiry
        indexTime = observation.indexTime
        clockDifference = observation.clockDifference
        keepsExpired = !observation.mayDrop
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
        (wireBytesReceived, wireBytesSent) = observation.linkBytes
        ownKeys = node.publisher.keyCount
        heldKeys = observation.heldKeys
    }
}
