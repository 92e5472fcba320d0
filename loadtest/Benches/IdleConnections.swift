import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// TLS connections that make one request each and then do nothing.
final class IdleConnections: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channels = Mutex<[any Channel]>([])
    private let port: Int
    private let request: [UInt8]
    private let context: NIOSSLContext

    /// Connections made at the same time.
    private static let atOnce = 32
    /// Connections from one address.
    private static let perAddress = 100

    init(to port: Int, path: String) throws {
        self.port = port
        request = FrameText.request(path: path, authority: "127.0.0.1:\(port)")
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = ["h2"]
        context = try NIOSSLContext(configuration: configuration)
    }

    /// Those that are open.
    var count: Int { channels.withLock { $0.count { $0.isActive } } }

    /// Opens more, and waits until each has its answer.
    func open(_ number: Int, bodyBytes: Int) async throws {
        let start = channels.withLock { $0.count }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for next in 0..<number {
                if next >= IdleConnections.atOnce { try await tasks.next() }
                tasks.addTask { try await self.open(from: (start + next) / IdleConnections.perAddress, bodyBytes) }
            }
            try await tasks.waitForAll()
        }
    }

    private func open(from address: Int, _ bodyBytes: Int) async throws {
        let source = try SocketAddress(ipAddress: "127.0.\(1 + address / 250).\(1 + address % 250)", port: 0)
        let answered = group.next().makePromise(of: Void.self)
        let exchange = FirstExchange(request: request, bodyBytes: bodyBytes, answered: answered)
        let channel = try await ClientBootstrap(group: group)
            .bind(to: source)
            .channelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try operations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    try operations.addHandler(exchange)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        channels.withLock { $0.append(channel) }
        try await answered.futureResult.get()
    }

    func close() async {
        for channel in channels.withLock({ $0 }) { channel.close(promise: nil) }
        try? await group.shutdownGracefully()
    }
}

/// Sends the request after the handshake and waits for the answer's bytes.
private final class FirstExchange: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: [UInt8]
    private let expected: Int
    private let answered: EventLoopPromise<Void>
    private let received = Atomic(0)

    init(request: [UInt8], bodyBytes: Int, answered: EventLoopPromise<Void>) {
        self.request = request
        expected = bodyBytes
        self.answered = answered
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request)), promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        if received.add(count, ordering: .relaxed).newValue >= expected { answered.succeed() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answered.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answered.fail(BenchError("a connection was closed"))
        context.fireChannelInactive()
    }
}
