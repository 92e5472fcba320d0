public import Logging
public import NIOCore

/// The handlers of one connection on a channel that somebody else made, without a listener: what fuzzing drives.
@_spi(Fuzzing)
public enum BareConnection {
    /// Adds what a cleartext listener adds to a connection that it accepts.
    public static func addServer(
        to channel: any Channel,
        configuration: ServerConfiguration,
        logger: Logger,
        handler: any RequestHandler
    ) throws {
        let service = ServerService(
            configuration: configuration,
            handler: handler,
            connections: ConnectionRegistry(configuration),
            tasks: TaskCount(),
            memory: MemoryAccount(limit: configuration.maxMemory),
            logger: logger
        )
        try ServerPipeline(service: service, tls: nil).accept(channel)
    }

    /// Adds what a client adds to a connection that it made, and makes `requests`, whose answers nobody takes.
    public static func addClient(
        to channel: any Channel,
        configuration: ClientConfiguration,
        logger: Logger,
        requests: [RequestHead]
    ) throws {
        let limits = ConnectionLimits(configuration)
        let session = try NGHTTP2Session(role: .client, limits: limits)
        let flush = FlushRequest()
        let endpoint = ClientEndpoint(
            session: session,
            limits: limits,
            status: ConnectionStatus(),
            needsFlush: { flush() }
        )
        let handler = HTTP2Handler(session: session, endpoint: endpoint, limits: limits, logger: logger)
        flush.handler = handler
        try channel.pipeline.syncOperations.addHandler(handler)
        for request in requests {
            let body = request.method == "POST" ? OutboundBody(whole: ByteBuffer(repeating: 1, count: 100_000)) : nil
            _ = try endpoint.open(request, body: body)
        }
    }
}
