import Logging
import NIOCore
import NIOHTTP1

/// What makes requests on a connection, whichever version of HTTP it speaks. Confined to the event loop.
protocol ClientTransport: AnyObject {
    /// Makes a request.
    /// - Parameter body: nil for none; one that has not ended yet is written to later.
    /// - Throws: `refused` or `connectionClosed` when the connection takes none; `invalidMessage`.
    func open(_ head: RequestHead, body: OutboundBody?) throws(HTTPError) -> ClientExchange
    /// Measures a round trip; nil if it cannot be measured, which `waiter` knows.
    func ping(_ waiter: Waiter<Duration>) -> UInt64?
    func giveUpPing(_ payload: UInt64, _ error: HTTPError)
    /// Ends the connection: requests under way are given up.
    func close()
}

/// The client's end of an HTTP/1.1 connection: one request after the other, in the order in which they were made.
///
/// What is given up while it is under way costs the connection; requests that wait behind it are told that they may be
/// made again.
final class HTTP1ClientEndpoint: ChannelDuplexHandler, ClientTransport {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private struct Pending {
        let head: HTTPRequestHead
        let exchange: ClientExchange
    }

    /// Bytes of a body written at once.
    private static let pieceBytes = 64 * 1024
    /// Requests that may wait; each is one of the application's own.
    private static let waitingLimit = 1024

    private let limits: ConnectionLimits
    private let counters: TransportCounters
    private let status: ConnectionStatus
    private let logger: Logger
    private var waiting = CircularBuffer<Pending>()
    private var current: Pending?
    private var isBodySent = false
    private var keepsAlive = true
    private var isReadHeld = false
    private var lastStream: Int32 = 0
    /// Why no more requests can be made.
    private var refusal: HTTPError?
    private var context: ChannelHandlerContext?

    init(limits: ConnectionLimits, counters: TransportCounters, status: ConnectionStatus, logger: Logger) {
        self.limits = limits
        self.counters = counters
        self.status = status
        self.logger = logger
    }

    /// Adds the endpoint and what it needs to a channel.
    func add(to channel: any Channel) throws {
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderListSize = limits.maxHeaderListSize
        decoderLimits.maxHeaderFieldSize = limits.maxHeaderListSize
        let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoderLimits)
        let operations = channel.pipeline.syncOperations
        try operations.addHandler(HTTP1TransportCounter(counters))
        try operations.addHandlers(HTTPRequestEncoder(), ByteToMessageHandler(decoder), self)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(HTTPError(.connectionClosed, "the connection was taken apart"))
        self.context = nil
    }

    // MARK: Requests

    func open(_ head: RequestHead, body: OutboundBody?) throws(HTTPError) -> ClientExchange {
        if let refusal { throw refusal }
        try FieldRules.check(head)
        guard waiting.count < Self.waitingLimit else {
            throw HTTPError(.refused, "too many requests wait on this connection: open another one")
        }
        lastStream &+= 1
        let exchange = ClientExchange(stream: lastStream, outbound: body, carrier: self)
        waiting.append(Pending(head: HTTPRequestHead(head, hasBody: body != nil), exchange: exchange))
        next()
        return exchange
    }

    func ping(_ waiter: Waiter<Duration>) -> UInt64? {
        waiter.settle(.failure(HTTPError(.refused, "HTTP/1.1 has no PING")))
        return nil
    }

    func giveUpPing(_ payload: UInt64, _ error: HTTPError) {}

    func close() {
        end(HTTPError(.connectionClosed, "the connection was closed by its owner"))
        context?.close(promise: nil)
    }

    private func next() {
        guard current == nil, refusal == nil, let context, let pending = waiting.popFirst() else { return }
        current = pending
        isBodySent = false
        context.write(wrapOutboundOut(.head(pending.head)), promise: nil)
        if pending.exchange.outbound == nil { endRequest(context) }
        pump()
    }

    private func endRequest(_ context: ChannelHandlerContext) {
        isBodySent = true
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Moves the body to the channel, as far as that takes it.
    private func pump() {
        guard !isBodySent, let context, let outbound = current?.exchange.outbound else { return }
        while context.channel.isWritable, let piece = outbound.takePiece(atMost: Self.pieceBytes) {
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(piece))), promise: nil)
        }
        context.flush()
        outbound.wakeWriters()
        if outbound.isEnded, outbound.waitingBytes == 0, !isBodySent {
            endRequest(context)
            outbound.left()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        context.fireChannelWritabilityChanged()
    }

    // MARK: Responses

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let exchange = current?.exchange else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            keepsAlive = head.isKeepAlive
            var fields = HTTPFields()
            for (name, value) in head.headers { fields.append(name, value) }
            exchange.received(ResponseHead(status: Int(head.status.code), fields: fields))
        case .body(let bytes):
            exchange.inbound.append(bytes)
        case .end:
            exchange.inbound.complete()
            exchange.closed(.noError)
            current = nil
            if keepsAlive, isBodySent {
                next()
            } else {
                end(HTTPError(.refused, "the server ends the connection after this answer: open another one"))
                context.close(promise: nil)
            }
        }
    }

    func read(context: ChannelHandlerContext) {
        if (current?.exchange.inbound.waitingBytes ?? 0) >= limits.streamWindow {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("HTTP/1.1 connection given up", metadata: ["error": "\(error)"])
        let parser = error as? HTTPParserError
        if parser == .headerOverflow { limits.onLimit?(.headerList) }
        end(
            parser == nil
                ? HTTPError(.connectionClosed, "the connection broke", cause: error)
                : HTTPError(.protocolViolation, "what the server sends is not HTTP/1.1", cause: error)
        )
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(HTTPError(.connectionClosed, "the server closed the connection"))
        context.fireChannelInactive()
    }

    /// What is under way fails with `error`; what waits was not begun and may be made again.
    private func end(_ error: HTTPError) {
        guard refusal == nil else { return }
        refusal = error
        status.closed()
        let failed = current?.exchange
        let unbegun = waiting
        current = nil
        waiting = CircularBuffer()
        failed?.fail(error)
        for pending in unbegun {
            pending.exchange.fail(HTTPError(.refused, "the request was not begun: open another connection"))
        }
    }
}

extension HTTP1ClientEndpoint: ClientCarrier {
    func outboundChanged(_ exchange: ClientExchange) {
        guard current?.exchange === exchange else { return }
        pump()
    }

    func reset(_ exchange: ClientExchange, _ code: HTTP2ErrorCode) {
        waiting.removeAll { $0.exchange === exchange }
        guard current?.exchange === exchange else { return }
        end(HTTPError(.refused, "a request was given up, and with it the connection: open another one"))
        context?.close(promise: nil)
    }

    func inboundTaken(_ count: Int, stream: Int32) {
        guard isReadHeld, (current?.exchange.inbound.waitingBytes ?? 0) < limits.streamWindow else { return }
        isReadHeld = false
        context?.read()
    }
}

/// Counts bytes on their way through an HTTP/1.1 client.
private final class HTTP1TransportCounter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let counters: TransportCounters

    init(_ counters: TransportCounters) {
        self.counters = counters
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        counters.received(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        counters.sent(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }
}

extension HTTPRequestHead {
    /// A request in the terms of HTTP/1.1 (RFC 9112, 3.2).
    fileprivate init(_ head: RequestHead, hasBody: Bool) {
        var headers = HTTPHeaders()
        headers.add(name: "host", value: head.authority)
        for (name, value) in head.fields where name != "host" && !FieldRules.isConnectionSpecific(name) {
            headers.add(name: name, value: value)
        }
        if hasBody, !head.fields.contains(lowercaseName: "content-length") {
            headers.add(name: "transfer-encoding", value: "chunked")
        }
        self.init(
            version: .http1_1,
            method: HTTPMethod(rawValue: head.method),
            uri: head.path,
            headers: headers
        )
    }
}
