import NIOCore

/// HTTP/2 PING frames that find out whether a silent peer is still there (RFC 9113, 6.7).
public struct Keepalive: Sendable {
    /// Silence after which a PING is sent. Shorter finds a dead peer sooner and wakes more radios.
    public var interval: Duration
    /// Further silence after the PING until the connection counts as lost.
    public var timeout: Duration

    public init(interval: Duration, timeout: Duration) {
        self.interval = interval
        self.timeout = timeout
    }
}

/// Limits of a listener. Each bounds memory or time that a stranger can claim.
public struct ServerConfiguration: Sendable {
    /// Connections open at once over all event loops. A quarter is kept for those that have made a request. One more than
    /// there is room for takes the place of one that has made none: of the network that has most of these the oldest;
    /// if there is none, it is closed as soon as it is accepted. Default 10,000.
    public var maxConnections = 10_000
    /// The same from one IPv4 address, or one IPv6 network of 64 bits. Many phones may share one. Default 256.
    public var maxConnectionsPerAddress = 256
    /// Requests in progress on one HTTP/2 connection (SETTINGS_MAX_CONCURRENT_STREAMS). Default 100.
    public var maxConcurrentStreams = 100
    /// Requests that one connection may make; then it is ended as at a shutdown. Default 1,000,000.
    public var maxRequestsPerConnection = 1_000_000
    /// Bytes of a header list, 32 added for each field as RFC 9113, 6.5.2 counts; more is answered 431, and four times as
    /// much (64 KiB at least) ends the connection. Default 16 KiB.
    public var maxHeaderListSize = 16 * 1024
    /// Bytes of a request body that may wait for the handler, for each stream. Default 256 KiB.
    public var streamWindow = 256 * 1024
    /// The same over all streams of a connection: what one peer can make us hold. Default 1 MiB.
    public var connectionWindow = 1024 * 1024
    /// Bytes of a request body that are read and dropped when the handler answers without it; beyond, the stream (in
    /// HTTP/1.1 the connection) is closed. Default 64 KiB.
    public var maxDrainedBody = 64 * 1024
    /// Bytes of a streamed response that may wait for a peer until `write` suspends. Default 64 KiB.
    public var writeBuffer = 64 * 1024
    /// Time without any request after which a connection is closed. Default 60 s.
    public var idleTimeout = Duration.seconds(60)
    /// Time in which a connection must have shown whether it speaks HTTP/2 or HTTP/1.1, or have ended its TLS handshake.
    /// Default 10 s.
    public var prefaceDeadline = Duration.seconds(10)
    /// Time from the first byte of a head, or of any frame that is not DATA, to its last. Default 10 s.
    public var headerTimeout = Duration.seconds(10)
    /// Time for which bytes may wait for a peer that takes fewer than `minimumProgress` of them, before its stream or
    /// connection is given up; also for a peer that does not go on with a body that is dropped or collected whole.
    /// Default 60 s.
    public var stallTimeout = Duration.seconds(60)
    /// Bytes that must move in each `stallTimeout`, or all that wait when these are fewer. Default 16 KiB: 2 kbit/s.
    public var minimumProgress = 16 * 1024
    /// How often frames may come that carry nothing.
    public var frameRates = FrameRates()
    /// Bytes that may be held over all connections, by what is allocated: what each takes by itself, its HTTP/2 session,
    /// bodies in and out, what waits for the kernel, and what handlers have set aside. When it is full, requests are
    /// refused and the connection that holds most is ended; one that holds an eighth has its requests refused. A whole
    /// answer counts once for all streams that send it, and not at all up to 64 KiB. Default 512 MiB.
    public var maxMemory = 512 * 1024 * 1024
    /// What several servers may hold together; instead of `maxMemory`. Default nil.
    public var sharedMemory: SharedMemory?
    /// PINGs to silent peers; nil sends none. Default nil: the idle timeout serves requests, keepalive serves links.
    public var keepalive: Keepalive?
    /// Whether HTTP/1.1 is answered too. Default true.
    public var allowsHTTP1 = true
    /// Told of each limit that a peer runs into, on an event loop: it must not block. Default nil.
    public var onLimit: (@Sendable (TransportLimit) -> Void)?

    /// Bytes that a connection over TLS takes before it asks for anything, measured.
    public static let bytesPerConnection = 40 * 1024

    public init() {}
}

/// Limits of a client connection.
public struct ClientConfiguration: Sendable {
    /// Time to connect. Default 5 s.
    public var connectTimeout = Duration.seconds(5)
    /// Time for a whole `get` or `send`, to the last byte of its body. Default 30 s.
    public var requestTimeout = Duration.seconds(30)
    /// Bytes of a response's header list, 32 added for each field. Default 16 KiB.
    public var maxHeaderListSize = 16 * 1024
    /// Bytes of a response body that may wait to be taken, for each stream. Default 1 MiB.
    public var streamWindow = 1024 * 1024
    /// The same over all streams of the connection. Default 4 MiB.
    public var connectionWindow = 4 * 1024 * 1024
    /// Bytes of a streamed request body that may wait for the peer until `write` suspends. Default 64 KiB.
    public var writeBuffer = 64 * 1024
    /// Time from the first byte of a head, or of any frame that is not DATA, to its last. Default 10 s.
    public var headerTimeout = Duration.seconds(10)
    /// Time for which bytes may wait for a peer that takes fewer than `minimumProgress` of them, before the stream is
    /// given up. Default 60 s.
    public var stallTimeout = Duration.seconds(60)
    /// Bytes that must move in each `stallTimeout`, or all that wait when these are fewer. Default 16 KiB.
    public var minimumProgress = 16 * 1024
    /// How often frames may come that carry nothing.
    public var frameRates = FrameRates()
    /// PINGs to a silent peer; nil sends none. Default nil.
    public var keepalive: Keepalive?
    /// Told of each limit that the peer runs into, on an event loop: it must not block. Default nil.
    public var onLimit: (@Sendable (TransportLimit) -> Void)?

    public init() {}
}

/// Where a server listens.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name or address of this host, and a port; port 0 takes any free one.
    case tcp(String, Int)
    /// A path in a directory that only trusted users can write to. A socket file that nobody listens on is replaced.
    case unix(String, permissions: UInt32 = 0o600)

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path, _): "unix:\(path)"
        }
    }
}

/// Where a client connects to.
public enum ConnectAddress: Sendable, Hashable, CustomStringConvertible {
    case tcp(String, Int)
    case unix(String)

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The host that a server's certificate must be for; nil for a path.
    var host: String? {
        switch self {
        case .tcp(let host, _): host
        case .unix: nil
        }
    }

    /// The `:authority` of requests that name none.
    var authority: String {
        switch self {
        case .tcp: description
        case .unix: "localhost"
        }
    }
}

/// The limits that both ends of an HTTP/2 connection have in common.
struct ConnectionLimits {
    var maxConcurrentStreams: Int?
    var maxHeaderListSize: Int
    var streamWindow: Int
    var connectionWindow: Int
    var writeBuffer: Int
    var headerTimeout: TimeAmount
    var progress: MinimumProgress
    var frameRates: FrameRates
    var onLimit: (@Sendable (TransportLimit) -> Void)?
    /// Nil: a connection without streams may stay.
    var idleTimeout: TimeAmount?
    var keepaliveInterval: TimeAmount?
    var keepaliveTimeout: TimeAmount

    /// The largest window HTTP/2 has.
    private static let maxWindow = Int(Int32.max)

    init(_ server: ServerConfiguration) {
        maxConcurrentStreams = server.maxConcurrentStreams
        maxHeaderListSize = server.maxHeaderListSize
        streamWindow = min(max(server.streamWindow, 1), Self.maxWindow)
        connectionWindow = min(max(server.connectionWindow, 65_535), Self.maxWindow)
        writeBuffer = max(server.writeBuffer, 1)
        headerTimeout = TimeAmount(server.headerTimeout)
        progress = MinimumProgress(bytes: server.minimumProgress, interval: TimeAmount(server.stallTimeout))
        frameRates = server.frameRates
        onLimit = server.onLimit
        idleTimeout = TimeAmount(server.idleTimeout)
        keepaliveInterval = server.keepalive.map { TimeAmount($0.interval) }
        keepaliveTimeout = TimeAmount(server.keepalive?.timeout ?? .zero)
    }

    init(_ client: ClientConfiguration) {
        maxConcurrentStreams = nil
        maxHeaderListSize = client.maxHeaderListSize
        streamWindow = min(max(client.streamWindow, 1), Self.maxWindow)
        connectionWindow = min(max(client.connectionWindow, 65_535), Self.maxWindow)
        writeBuffer = max(client.writeBuffer, 1)
        headerTimeout = TimeAmount(client.headerTimeout)
        progress = MinimumProgress(bytes: client.minimumProgress, interval: TimeAmount(client.stallTimeout))
        frameRates = client.frameRates
        onLimit = client.onLimit
        idleTimeout = nil
        keepaliveInterval = client.keepalive.map { TimeAmount($0.interval) }
        keepaliveTimeout = TimeAmount(client.keepalive?.timeout ?? .zero)
    }

    var stallTimeout: TimeAmount { progress.interval }

    /// How often the timers are looked at: often enough that a deadline passes by no more than a quarter.
    var tick: TimeAmount {
        var shortest = min(stallTimeout, headerTimeout, idleTimeout ?? stallTimeout)
        if let keepaliveInterval {
            shortest = min(shortest, keepaliveInterval, keepaliveTimeout)
        }
        return .nanoseconds(max(shortest.nanoseconds / 4, 5_000_000))
    }
}
