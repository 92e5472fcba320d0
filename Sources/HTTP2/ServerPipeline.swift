import Logging
import NIOCore
import NIOHTTP1

/// Puts together what is above the byte stream of an accepted connection. Whether that stream comes from a socket or
/// from TLS is not known here: with TLS, the protocol is what was negotiated instead of what is detected.
struct ServerPipeline: Sendable {
    let service: ServerService
    /// `http` or `https`.
    let scheme: String

    /// Accepts a connection whose protocol its first bytes show.
    func accept(_ channel: any Channel) throws {
        guard service.connections.admit(channel) else {
            service.logger.debug("connection refused: too many are open, or the server is stopping")
            channel.close(promise: nil)
            return
        }
        try channel.pipeline.syncOperations.addHandler(ProtocolDetector(pipeline: self))
    }

    func addHTTP2(to channel: any Channel) throws {
        let limits = service.limits
        let session = try NGHTTP2Session(role: .server, limits: limits)
        let flush = FlushRequest()
        let endpoint = ServerEndpoint(
            session: session,
            service: service,
            eventLoop: channel.eventLoop,
            needsFlush: { flush() }
        )
        let handler = HTTP2Handler(session: session, endpoint: endpoint, limits: limits, logger: service.logger)
        flush.handler = handler
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    func addHTTP1(to channel: any Channel) throws {
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
        try operations.addHandler(HTTP1Handler(service: service, scheme: scheme, counter: counter))
    }
}

/// Lets an endpoint ask its handler for a flush without holding on to it.
final class FlushRequest {
    weak var handler: HTTP2Handler?

    func callAsFunction() {
        handler?.needsFlush()
    }
}
