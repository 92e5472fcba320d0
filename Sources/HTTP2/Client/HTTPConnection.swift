public import Logging
public import NIOCore
import NIOPosix
import Synchronization

/// A client's connection, HTTP/2 over TLS or with prior knowledge, or HTTP/1.1 over TLS where that is allowed
/// (`TLSClient`). It makes any number of requests at once; those beyond what the peer allows, in HTTP/1.1 all but one,
/// wait inside. It is not opened again when it is lost: make another one.
///
/// A connection stays open until `close`, the peer's end, or until nobody holds it or a stream of it any more.
public final class HTTPConnection: Sendable {
    private let channel: any Channel
    private let endpoint: NIOLoopBound<any ClientTransport>
    private let counters: TransportCounters
    private let status: ConnectionStatus
    private let tls: TLSClient.Session?
    private let configuration: ClientConfiguration
    private let scheme: String
    private let authority: String

    private init(_ parts: Parts, configuration: ClientConfiguration, scheme: String, authority: String) {
        channel = parts.channel
        endpoint = parts.endpoint
        counters = parts.counters
        status = parts.status
        tls = parts.tls
        self.configuration = configuration
        self.scheme = scheme
        self.authority = authority
    }

    deinit {
        if !status.isEnded {
            channel.eventLoop.execute { [endpoint] in endpoint.value.close() }
        }
    }

    private struct Parts: Sendable {
        let channel: any Channel
        let endpoint: NIOLoopBound<any ClientTransport>
        let counters: TransportCounters
        let status: ConnectionStatus
        /// Nil for cleartext.
        let tls: TLSClient.Session?
    }

    /// A channel whose handshake may be under way: what is above TLS is there when that is done.
    private struct Opening: Sendable {
        let channel: any Channel
        let tls: TLSClient.Session?
        let transport: NIOLoopBound<TransportBox>
        let counters: TransportCounters
        let status: ConnectionStatus
    }

    /// Confined to the event loop.
    private final class TransportBox {
        var transport: (any ClientTransport)?
    }

    /// Connects. Over cleartext the peer is not asked whether it speaks HTTP/2: if it does not, the first request fails.
    /// - Parameter tls: nil for cleartext.
    /// - Throws: `connectFailed`; `certificate` when that of the server was not accepted; `timeout`.
    public static func connect(
        to address: ConnectAddress,
        configuration: ClientConfiguration = ClientConfiguration(),
        group: any EventLoopGroup,
        logger: Logger,
        tls: TLSClient? = nil
    ) async throws -> HTTPConnection {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.writeBufferWaterMark, value: .transport)
        let make: @Sendable (any Channel) -> EventLoopFuture<Opening> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try begin(on: channel, address, configuration: configuration, logger: logger, tls)
            }
        }
        do {
            let opening =
                switch address {
                case .tcp(let host, let port):
                    try await bootstrap.connect(host: host, port: port, channelInitializer: make)
                case .unix(let path):
                    try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: make)
                }
            if let session = opening.tls {
                let limit = configuration.connectTimeout
                try await finish(session.handshake, on: opening.channel, address, within: limit)
            }
            let parts = try await opened(opening)
            let scheme = tls == nil ? "http" : "https"
            return HTTPConnection(parts, configuration: configuration, scheme: scheme, authority: address.authority)
        } catch let error as HTTPError {
            throw error
        } catch let error as ChannelError {
            if case .connectTimeout = error {
                throw HTTPError(.timeout, "\(address) did not answer in \(configuration.connectTimeout)", cause: error)
            }
            throw HTTPError(.connectFailed, "could not connect to \(address)", cause: error)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ConnectFailure.explain(error, address)
        }
    }

    /// Waits for the handshake; closes the channel if it fails or takes too long.
    private static func finish(
        _ handshake: EventLoopFuture<Void>,
        on channel: any Channel,
        _ address: ConnectAddress,
        within limit: Duration
    ) async throws {
        let waiter = Waiter<Void>()
        handshake.whenComplete { _ = waiter.settle($0) }
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) {
            _ = waiter.settle(.failure(HTTPError(.timeout, "\(address) did not end the TLS handshake in \(limit)")))
        }
        defer { deadline.cancel() }
        do {
            try await waiter.value()
        } catch {
            channel.close(promise: nil)
            if error is CancellationError { throw error }
            if let error = error as? HTTPError { throw HTTPError(error.code, "\(address): \(error.reason)") }
            throw HTTPError(.connectFailed, "no TLS connection with \(address) came about", cause: error)
        }
    }

    /// Adds TLS, and above it what the handshake shows; without TLS HTTP/2.
    private static func begin(
        on channel: any Channel,
        _ address: ConnectAddress,
        configuration: ClientConfiguration,
        logger: Logger,
        _ tls: TLSClient?
    ) throws -> Opening {
        let (counters, status, box) = (TransportCounters(), ConnectionStatus(), TransportBox())
        let limits = ConnectionLimits(configuration)
        channel.closeFuture.whenComplete { _ in status.ended() }
        let install: (SpokenVersion) throws -> Void = { version in
            switch version {
            case .http2: box.transport = try addHTTP2(to: channel, limits, counters, status, logger)
            case .http1:
                let endpoint = HTTP1ClientEndpoint(limits: limits, counters: counters, status: status, logger: logger)
                try endpoint.add(to: channel)
                box.transport = endpoint
            }
        }
        let session = try tls?.add(to: channel, host: address.host, install: install)
        if session == nil { try install(.http2) }
        return Opening(
            channel: channel,
            tls: session,
            transport: NIOLoopBound(box, eventLoop: channel.eventLoop),
            counters: counters,
            status: status
        )
    }

    private static func opened(_ opening: Opening) async throws -> Parts {
        try await opening.channel.eventLoop.submit {
            guard let transport = opening.transport.value.transport else {
                throw HTTPError(.connectionClosed, "the connection was closed while it was being opened")
            }
            return Parts(
                channel: opening.channel,
                endpoint: NIOLoopBound(transport, eventLoop: opening.channel.eventLoop),
                counters: opening.counters,
                status: opening.status,
                tls: opening.tls
            )
        }.get()
    }

    private static func addHTTP2(
        to channel: any Channel,
        _ limits: ConnectionLimits,
        _ counters: TransportCounters,
        _ status: ConnectionStatus,
        _ logger: Logger
    ) throws -> ClientEndpoint {
        let session = try NGHTTP2Session(role: .client, limits: limits)
        let flush = FlushRequest()
        let endpoint = ClientEndpoint(session: session, limits: limits, status: status, needsFlush: { flush() })
        let handler = HTTP2Handler(
            session: session,
            endpoint: endpoint,
            limits: limits,
            counters: counters,
            logger: logger
        )
        flush.handler = handler
        try channel.pipeline.syncOperations.addHandler(handler)
        return endpoint
    }
}

// MARK: Requests

extension HTTPConnection {
    /// Gets `path` (with its query); the whole response.
    /// - Throws: as `send`.
    public func get(
        _ path: String,
        fields: HTTPFields = [:],
        maxBody: Int
    ) async throws -> (ResponseHead, ByteBuffer) {
        try await send(RequestHead(path: path, fields: fields), body: nil, maxBody: maxBody)
    }

    /// Makes a request with a whole body, if any; the whole response. An empty authority becomes that of the address.
    /// - Throws: `HTTPError`: `bodyTooLarge` beyond `maxBody` bytes, `timeout` after `requestTimeout`, `refused` when
    ///   it may be sent again on another connection, `streamReset`, `connectionClosed`, `invalidMessage`.
    public func send(
        _ head: RequestHead,
        body: ByteBuffer?,
        maxBody: Int
    ) async throws -> (ResponseHead, ByteBuffer) {
        var head = head
        if let body, head.fields["content-length"] == nil {
            head.fields.append(lowercaseName: "content-length", String(body.readableBytes))
        }
        let stream = try await open(head, body: body.map { .whole($0) } ?? .none)
        let limit = configuration.requestTimeout
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) {
            stream.giveUp(.cancel, HTTPError(.timeout, "no complete response within \(limit)"))
        }
        defer { deadline.cancel() }
        let response = try await stream.response()
        let length = response.fields["content-length"].flatMap { Int($0) } ?? 0
        // Not worth the first byte, if the peer says so itself.
        guard length <= maxBody else {
            let error = HTTPError(.bodyTooLarge, "the body is larger than the \(maxBody) bytes allowed for it")
            stream.giveUp(.cancel, error)
            throw error
        }
        return (response, try await stream.body.collect(upTo: maxBody, expecting: length))
    }

    /// Opens a stream whose request body is written in pieces, for as long as both sides like.
    /// - Throws: `refused`, `connectionClosed`, `invalidMessage`.
    public func open(_ head: RequestHead) async throws -> ClientStream {
        try await open(head, body: .streamed)
    }

    private enum Body: Sendable {
        case none
        case whole(ByteBuffer)
        case streamed
    }

    private func open(_ head: RequestHead, body: Body) async throws -> ClientStream {
        var head = head
        if head.scheme == "http" {
            head.scheme = scheme
        }
        if head.authority.isEmpty {
            head.authority = authority
        }
        let waiter = Waiter<ClientStream>()
        let writeBuffer = configuration.writeBuffer
        channel.eventLoop.execute { [endpoint, head] in
            let outbound: OutboundBody? =
                switch body {
                case .none: nil
                case .whole(let bytes): OutboundBody(whole: bytes)
                case .streamed: OutboundBody(limit: writeBuffer)
                }
            do throws(HTTPError) {
                let exchange = try endpoint.value.open(head, body: outbound)
                let bound = NIOLoopBound(exchange, eventLoop: endpoint.eventLoop)
                waiter.settle(.success(ClientStream(exchange: bound, connection: self)))
            } catch {
                waiter.settle(.failure(error))
            }
        }
        return try await waiter.value()
    }
}

// MARK: Round trips

extension HTTPConnection {
    /// Time from a PING to its answer, which a server gives without looking at requests: the way there and back.
    /// - Throws: `HTTPError`: `timeout` after `limit`, `refused` while eight wait, `connectionClosed`.
    public func roundTrip(within limit: Duration) async throws -> Duration {
        let waiter = Waiter<Duration>()
        channel.eventLoop.execute { [endpoint, eventLoop = channel.eventLoop] in
            guard let payload = endpoint.value.ping(waiter) else { return }
            eventLoop.scheduleTask(in: TimeAmount(limit)) {
                endpoint.value.giveUpPing(payload, HTTPError(.timeout, "no answer to a PING within \(limit)"))
            }
        }
        return try await waiter.value()
    }
}

// MARK: State

extension HTTPConnection {
    /// False once no more requests can be made: closed, lost, or the peer said that it will stop.
    public var isOpen: Bool { status.isOpen }

    /// The channel is closed.
    var isEnded: Bool { status.isEnded }

    /// Transport bytes received so far.
    public var bytesReceived: Int { counters.received }

    /// Transport bytes sent so far.
    public var bytesSent: Int { counters.sent }

    /// What the judge of the server's certificate says of it now; true where there is no judge (`TLSClient.Trust`).
    public var isPeerStillAccepted: Bool { tls?.isStillAccepted() ?? true }

    /// The peer's address.
    public var remoteAddress: SocketAddress? { channel.remoteAddress }

    /// Gives up all streams and closes; returns when closed.
    public func close() async {
        if !status.isEnded {
            channel.eventLoop.execute { [endpoint] in endpoint.value.close() }
        }
        await waitUntilClosed()
    }

    /// Returns when the connection is closed, by whomever. A cancelled wait returns at once.
    public func waitUntilClosed() async {
        let waiter = Waiter<Void>()
        channel.closeFuture.whenComplete { _ in waiter.settle(.success(())) }
        try? await waiter.value()
    }
}

/// What is known of a connection from any thread.
final class ConnectionStatus: Sendable {
    private let canOpen = Atomic(true)
    private let hasEnded = Atomic(false)

    var isOpen: Bool { canOpen.load(ordering: .relaxed) }
    /// The channel is closed.
    var isEnded: Bool { hasEnded.load(ordering: .relaxed) }

    func closed() {
        canOpen.store(false, ordering: .relaxed)
    }

    func ended() {
        canOpen.store(false, ordering: .relaxed)
        hasEnded.store(true, ordering: .relaxed)
    }
}

extension ChannelOptions.Types.WriteBufferWaterMark {
    /// Bytes that wait inside for the kernel: beyond the upper mark nothing more is taken from streams.
    static let transport = Self(low: 32 * 1024, high: 64 * 1024)
}
