import Logging
import NIOCore
import NIOHTTP1

/// Puts together what is above the socket of an accepted connection. A connection counts, and is limited, from its first
/// byte on, the handshake included.
struct ServerPipeline: Sendable {
    let service: ServerService
    /// Nil for cleartext.
    let tls: TLSServer?

    /// Bytes that a connection takes before it asks for anything, measured: sessions of TLS and HTTP/2, buffers, tasks.
    private var base: Int { tls == nil ? 16 * 1024 : ServerConfiguration.bytesPerConnection }

    /// `http` or `https`.
    private var scheme: String { tls == nil ? "http" : "https" }

    /// Accepts a connection; what it speaks is negotiated by TLS, or shown by the first bytes of cleartext.
    func accept(_ channel: any Channel) throws {
        guard service.connections.admit(channel) else {
            service.logger.debug("connection refused: too many are open, or the server is stopping")
            channel.close(promise: nil)
            return
        }
        // Nobody's in particular: to give up a connection that holds nothing else would help little.
        service.memory.add(base)
        channel.closeFuture.whenComplete { [memory = service.memory, base] _ in memory.add(-base) }
        let operations = channel.pipeline.syncOperations
        if let tls {
            let hello = ClientHelloWatch()
            let gate = TLSServerGate(pipeline: self, tls: tls, hello: hello)
            try operations.addHandlers(hello, tls.makeHandler(service.logger), gate)
        } else {
            try operations.addHandler(ProtocolDetector(pipeline: self))
        }
    }

    func addHTTP2(to channel: any Channel, _ connection: ConnectionInfo = ConnectionInfo()) throws {
        let limits = service.limits
        let session = try NGHTTP2Session(role: .server, limits: limits)
        let flush = FlushRequest()
        let endpoint = ServerEndpoint(
            session: session,
            service: service,
            connection: connection.of(channel),
            eventLoop: channel.eventLoop,
            needsFlush: { flush() }
        )
        endpoint.memory = MemoryShare(service.memory, channel)
        let handler = HTTP2Handler(session: session, endpoint: endpoint, limits: limits, logger: service.logger)
        flush.handler = handler
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    func addHTTP1(to channel: any Channel, _ connection: ConnectionInfo = ConnectionInfo()) throws {
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderListSize = service.configuration.maxHeaderListSize
        decoderLimits.maxHeaderFieldSize = service.configuration.maxHeaderListSize
        var framing = HTTPResponseEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        let operations = channel.pipeline.syncOperations
        let counter = HTTP1ByteCounter()
        try operations.addHandler(counter)
        try operations.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withErrorHandling: false,
            withOutboundHeaderValidation: false,
            withEncoderConfiguration: framing,
            withDecoderLimitConfiguration: decoderLimits
        )
        let handler = HTTP1Handler(
            service: service,
            scheme: scheme,
            connection: connection.of(channel),
            counter: counter
        )
        try operations.addHandler(handler)
    }
}

/// Lets an endpoint ask its handler for a flush without holding on to it.
final class FlushRequest {
    weak var handler: HTTP2Handler?

    func callAsFunction() {
        handler?.needsFlush()
    }
}
