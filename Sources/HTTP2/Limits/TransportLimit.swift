/// The limits that a peer can run into, by the names that metrics give them. docs/HTTP-API.md says what follows each.
public enum TransportLimit: String, CaseIterable, Sendable {
    /// Connections of the server, all together.
    case connections
    /// Connections without a request that gave way to others, as places were scarce.
    case waitingConnections = "waiting_connections"
    /// Files that the process may have open, or memory that the kernel has for sockets: accepting pauses.
    case openFiles = "open_files"
    /// Connections of one address.
    case connectionsPerAddress = "connections_per_address"
    /// Requests that one connection may make.
    case requestsPerConnection = "requests_per_connection"
    /// Requests in progress at once.
    case concurrentStreams = "concurrent_streams"
    /// Bytes of a header list, or of an HTTP/1.1 request line and fields.
    case headerList = "header_list"
    /// CONTINUATION frames of one header list.
    case continuations
    /// RST_STREAM frames from the peer.
    case resets
    /// RST_STREAM frames that the peer's mistakes made us send.
    case provokedResets = "provoked_resets"
    /// PING frames, and their acknowledgements.
    case pings
    /// SETTINGS frames, or entries in one.
    case settings
    /// DATA, HEADERS and CONTINUATION frames that carry and end nothing.
    case emptyFrames = "empty_frames"
    case priorities
    /// WINDOW_UPDATE frames beyond what the bytes sent give a reason for.
    case windowUpdates = "window_updates"
    /// Frames of kinds that have no meaning here.
    case unknownFrames = "unknown_frames"
    /// Responses of status 1xx.
    case informational
    /// Frames that wait because the peer does not read.
    case queuedFrames = "queued_frames"
    /// HTTP/1.1 bytes around a body that are more than the body gives a reason for.
    case framing
    /// Bytes of a body that nobody wants.
    case drainedBody = "drained_body"
    /// Time to show a protocol.
    case prefaceTime = "preface_time"
    /// Time from the first byte of a head to its last.
    case headerTime = "header_time"
    /// Time without a request.
    case idleTime = "idle_time"
    /// Bytes that must be taken or sent in a time.
    case progress
    /// Bytes that wait in the server, all together, or for one connection.
    case memory
}
