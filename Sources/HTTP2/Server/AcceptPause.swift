import Glibc
import NIOCore

/// Stands on a listening socket. When there is no file, or no memory of the kernel, for one more connection, nothing is
/// accepted for a second: those who come wait in the kernel's queue.
///
/// NIO's own pause leaves the socket registered with the selector, which then reports it again at once, without an end:
/// the loop is busy and serves nobody.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// What passes by itself when something is closed (accept(2)).
    private static let shortages: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM]
    private static let pause = TimeAmount.seconds(1)

    private let service: ServerService
    private var resumption: Scheduled<Void>?

    init(service: ServerService) {
        self.service = service
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.shortages.contains(error.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        service.exceeded(.openFiles)
        guard resumption == nil else { return }
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let bound = NIOLoopBound((handler: self, channel: context.channel), eventLoop: context.eventLoop)
        resumption = context.eventLoop.scheduleTask(in: Self.pause) {
            bound.value.handler.resumption = nil
            // Fails only on a listener that was closed meanwhile.
            try? bound.value.channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        resumption?.cancel()
    }
}
