public import Logging
public import NIOCore
import NIOPosix
import Synchronization

/// A listener: HTTP/2 and HTTP/1.1 on the same address, over TLS or, HTTP/2 by prior knowledge, in cleartext. It runs until
/// `shutdown`.
public final class HTTPServer: Sendable {
    /// Time that tasks have to end after their connections were cut.
    private static let taskGrace = TimeAmount.seconds(5)

    /// The address listened on, with the port that port 0 stood for.
    public let localAddress: SocketAddress
    private let listener: any Channel
    private let service: ServerService
    private let address: ListenAddress
    private let isClosed = Atomic(false)

    private init(listener: any Channel, localAddress: SocketAddress, service: ServerService, address: ListenAddress) {
        self.listener = listener
        self.localAddress = localAddress
        self.service = service
        self.address = address
    }

    /// Begins to listen.
    /// - Parameter tls: nil for cleartext.
    /// - Throws: `HTTPError` with `addressInUse` when somebody else listens there, `addressUnavailable` when the address
    ///   is not one of this host or not permitted.
    public static func bind(
        _ address: ListenAddress,
        configuration: ServerConfiguration = ServerConfiguration(),
        group: any EventLoopGroup,
        logger: Logger,
        tls: TLSServer? = nil,
        handler: any RequestHandler
    ) async throws -> HTTPServer {
        let service = ServerService(
            configuration: configuration,
            handler: handler,
            connections: ConnectionRegistry(configuration),
            tasks: TaskCount(),
            memory: configuration.sharedMemory?.account ?? MemoryAccount(limit: configuration.maxMemory),
            logger: logger
        )
        let pipeline = ServerPipeline(service: service, tls: tls)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(service: service))
                }
            }
            .childChannelOption(.writeBufferWaterMark, value: .transport)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try pipeline.accept(channel) }
            }
        let listener = try await listen(bootstrap, address)
        guard let localAddress = listener.localAddress else {
            try? await listener.close()
            throw HTTPError(.addressUnavailable, "\(address) was closed while it was being opened")
        }
        return HTTPServer(listener: listener, localAddress: localAddress, service: service, address: address)
    }

    private static func listen(_ bootstrap: ServerBootstrap, _ address: ListenAddress) async throws -> any Channel {
        switch address {
        case .tcp(let host, let port):
            do {
                return try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port).get()
            } catch {
                throw ListenFailure.explain(error, address)
            }
        case .unix(let path, let permissions):
            let descriptor = try UnixSocket.open(path: path, permissions: permissions)
            do {
                // NIO closes the descriptor if it cannot take it over.
                return try await bootstrap.withBoundSocket(descriptor).get()
            } catch {
                throw ListenFailure.explain(error, address)
            }
        }
    }

    /// Connections open at present.
    public var connectionCount: Int { service.connections.count }

    /// Asks anew about the certificates of all peers that showed one, and closes the connections of those that are
    /// refused now. To be called when what the judge goes by has changed.
    public func judgePeersAgain() {
        service.connections.tell(.judgePeer)
    }

    /// Stops accepting, tells peers (GOAWAY in two steps, `Connection: close`), lets requests under way finish for up
    /// to `grace`, then closes what is left and cancels its tasks. A second call waits only.
    public func shutdown(grace: Duration) async throws {
        if !isClosed.exchange(true, ordering: .relaxed) {
            try? await listener.close()
            if case .unix(let path, _) = address {
                UnixSocket.remove(path: path)
            }
        }
        service.connections.drain()
        await wait(TimeAmount(grace)) { [service] in service.connections.whenNone($0) }
        service.connections.closeAll()
        await wait(Self.taskGrace) { [service] in service.connections.whenNone($0) }
        await wait(Self.taskGrace) { [service] in service.tasks.whenNone($0) }
        if service.tasks.count > 0 {
            let metadata: Logger.Metadata = ["tasks": "\(service.tasks.count)"]
            service.logger.error("request handlers still run after they were cancelled", metadata: metadata)
        }
    }

    /// Waits for what `register` is told of, at most `limit`.
    private func wait(_ limit: TimeAmount, _ register: (Waiter<Void>) -> Void) async {
        let waiter = Waiter<Void>()
        register(waiter)
        let deadline = listener.eventLoop.scheduleTask(in: limit) { _ = waiter.settle(.success(())) }
        try? await waiter.value()
        deadline.cancel()
    }
}
