import Logging
import NIOCore

/// Waits for the first bytes of a cleartext connection and chooses HTTP/2 if they are its preface (RFC 9113, 3.4), else
/// HTTP/1.1. The first byte that differs decides, so HTTP/1.1 waits no longer than that.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    private let pipeline: ServerPipeline
    private var seen = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var isDecided = false

    init(pipeline: ServerPipeline) {
        self.pipeline = pipeline
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let service = pipeline.service
        let limit = TimeAmount(pipeline.service.configuration.prefaceDeadline)
        deadline = context.eventLoop.scheduleTask(in: limit) {
            service.exceeded(.prefaceTime)
            service.logger.debug("connection closed: no protocol shown within the deadline")
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? ConnectionCommand {
        case .drain, .giveUp: context.close(promise: nil)
        case .judgePeer, nil: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided else {
            context.fireChannelRead(data)
            return
        }
        seen.writeImmutableBuffer(unwrapInboundIn(data))
        let count = min(seen.readableBytes, Self.preface.readableBytes)
        let isPreface = seen.readableBytesView.prefix(count) == Self.preface.readableBytesView.prefix(count)
        if isPreface, count < Self.preface.readableBytes {
            return
        }
        decide(context, isHTTP2: isPreface)
    }

    private func decide(_ context: ChannelHandlerContext, isHTTP2: Bool) {
        isDecided = true
        deadline?.cancel()
        do {
            if isHTTP2 {
                try pipeline.addHTTP2(to: context.channel)
            } else if pipeline.service.configuration.allowsHTTP1 {
                try pipeline.addHTTP1(to: context.channel)
            } else {
                context.close(promise: nil)
                return
            }
        } catch {
            pipeline.service.logger.error("connection closed", metadata: ["error": "\(error)"])
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(wrapInboundOut(seen))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
