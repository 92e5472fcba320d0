internal import ExposureKeys
internal import HTTP2

/// A node at one moment, as status and metrics show it.
struct NodeObservation: Sendable {
    /// What is held of one region.
    struct RegionState: Sendable {
        let region: Region
        /// Living feeds.
        var feeds = 0
        /// Batches in them that are still held.
        var batches: UInt64 = 0
        /// Unix seconds; 0 if nothing is held.
        var lastPublication: Int64 = 0
        /// The most batches by which a neighbour is ahead in one feed.
        var lag: UInt64 = 0
        /// Its key has signed two histories, and no roster has settled that.
        var isForked = false
    }

    struct Neighbour: Sendable {
        let region: Region
        let isLinked: Bool
        /// Microseconds; nil if it is not known.
        let roundTrip: Int64?
    }

    /// One for each region of the roster and each of which something is held, ascending.
    var regions: [RegionState]
    var neighbours: [Neighbour]
    var alarms: Int
    var isHealthy: Bool
    var disk: DiskUsage
    var process: ProcessUsage
    /// Unix seconds; nil while there is none.
    var indexTime: Int64?
    /// Seconds by which this node's clock is ahead of the median of its neighbours'; nil if that is not known.
    var clockDifference: Int64?
    /// Whether what has expired by this node's clock is dropped.
    var mayDrop: Bool
    var rosterVersion: UInt64
    /// Unix seconds.
    var rosterExpiry: Int64
    /// Keys that wait for their time to be published.
    var heldKeys: Int
    var publicConnections: Int
    var peerConnections: Int
    /// Connections that the listeners take at once.
    var publicPlaces: Int
    var peerPlaces: Int
    /// Bytes that connections, links and imports hold, and may hold.
    var heldMemory: Int
    var memoryLimit: Int
    /// Files that the process may have open; nil for any number.
    var maxFiles: Int?
    /// Since the start, of all listeners with TLS.
    var tls: TLSServer.Counts
    /// Frames of peers beyond what a link may cause, since the start.
    var framesPassedOver: Int
    /// Since the start, on connections that this node opened.
    var linkBytes: (received: Int, sent: Int)
}
