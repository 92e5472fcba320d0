package import NIOCore

/// Judges the bytes of an HTTP/1.1 connection against what they turn out to be: whether a head takes too long, and
/// whether there is too much around a body (chunk extensions, RFC 9112, 7.1.1, which no parser's limit counts).
package struct HTTP1Progress {
    /// Bytes around a body that need no reason.
    package static let framingAllowance = 64 * 1024

    private var isInMessage = false
    private var headSince: NIODeadline?
    private var excess = 0

    package init() {}

    /// Bytes came, not parsed yet.
    package mutating func received(_ count: Int, now: NIODeadline) {
        if isInMessage {
            excess += count
        } else {
            headSince = headSince ?? now
        }
    }

    /// A head is complete; what came with it is not counted.
    package mutating func headEnded() {
        isInMessage = true
        headSince = nil
        excess = 0
    }

    /// A piece of the body is there. A chunk's size and line ends, and as much again as its bytes, are no excess.
    package mutating func bodyReceived(_ count: Int) {
        excess = max(0, excess - 2 * count - 16)
    }

    /// The message is complete.
    package mutating func messageEnded() {
        isInMessage = false
        excess = 0
    }

    package var isExcessive: Bool { excess > Self.framingAllowance }

    package func isHeadOverdue(now: NIODeadline, limit: TimeAmount) -> Bool {
        headSince.map { now - $0 >= limit } ?? false
    }
}

/// Counts bytes on their way to the parser of HTTP/1.1.
final class HTTP1ByteCounter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    var progress = HTTP1Progress()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        progress.received(unwrapInboundIn(data).readableBytes, now: .now())
        context.fireChannelRead(data)
    }
}
