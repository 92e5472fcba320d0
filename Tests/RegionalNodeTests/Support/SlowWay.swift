import NIOCore
import NIOPosix

/// A way to a listener on this host that takes time: whatever comes in on a port goes on to another one, and back, each
/// byte half a round trip later.
final class SlowWay: Sendable {
    private let server: any Channel

    /// - Parameters:
    ///   - port: of 127.0.0.1, to be connected to.
    ///   - target: the port of the listener.
    init(from port: Int, to target: Int, roundTrip: TimeAmount) async throws {
        let delay = TimeAmount.nanoseconds(roundTrip.nanoseconds / 2)
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                let outbound = ClientBootstrap(group: inbound.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: target)
                return outbound.flatMap { outbound in
                    inbound.eventLoop.makeCompletedFuture {
                        try inbound.pipeline.syncOperations.addHandler(Forwarding(to: outbound, delay: delay))
                        try outbound.pipeline.syncOperations.addHandler(Forwarding(to: inbound, delay: delay))
                    }
                }.flatMap {
                    inbound.setOption(.autoRead, value: true)
                }.flatMap {
                    outbound.flatMap { $0.setOption(.autoRead, value: true) }
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
    }

    func close() async {
        try? await server.close()
    }
}

/// Hands what comes on to another channel of the same event loop, later.
private final class Forwarding: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let delay: TimeAmount

    init(to other: any Channel, delay: TimeAmount) {
        self.other = other
        self.delay = delay
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let other = other
        context.eventLoop.scheduleTask(in: delay) { other.writeAndFlush(bytes, promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let other = other
        context.eventLoop.scheduleTask(in: delay) { other.close(promise: nil) }
    }
}
