import Logging
import NIOCore
import NIOHTTP1

/// The server's end of an HTTP/1.1 connection: one request after the other, each given to the handler as HTTP/2 would
/// give it.
///
/// Parts of later requests, which a peer may send early, wait in `queue`, and nothing more is read meanwhile. Nor is
/// another request begun while the peer does not take the answers to earlier ones: a large answer goes to the channel
/// piece by piece, as that takes it.
final class HTTP1Handler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of a body written at once; a smaller body is written as it is.
    private static let pieceBytes = 64 * 1024
    /// Bytes after which a flush is due, even while more is being read: with TLS below, a channel counts only what was
    /// flushed.
    private static let flushBytes = ChannelOptions.Types.WriteBufferWaterMark.transport.high
    /// A head as it counts towards a flush, and a part of a later request towards what is held: more or less.
    private static let partBytes = 256

    let service: ServerService
    private let scheme: String
    private let connection: ConnectionInfo
    private let counter: HTTP1ByteCounter
    private let limits: ConnectionLimits
    private var requests = 0
    private var memory: MemoryShare?
    private var queue = CircularBuffer<HTTPServerRequestPart>()
    private var isProcessing = false
    private var isReadHeld = false
    private var isReading = false
    private var isPumping = false
    private var unflushedBytes = 0
    private var isDraining = false
    private var isEnded = false
    private var liveness: Liveness
    private var ticker: RepeatedTask?
    var context: ChannelHandlerContext?
    /// The request under way; nil between two.
    var current: HTTP1Request?

    /// - Parameter counter: stands before the parser.
    init(service: ServerService, scheme: String, connection: ConnectionInfo, counter: HTTP1ByteCounter) {
        self.service = service
        self.scheme = scheme
        self.connection = connection
        self.counter = counter
        var limits = service.limits
        limits.keepaliveInterval = nil
        self.limits = limits
        liveness = Liveness(limits: limits, now: .now())
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        memory = MemoryShare(service.memory, context.channel)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let tick = limits.tick
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in bound.value.tick() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isEnded else { return }
        isReading = true
        let part = unwrapInboundIn(data)
        switch part {
        case .head: counter.progress.headEnded()
        case .body(let bytes): counter.progress.bodyReceived(bytes.readableBytes)
        case .end: counter.progress.messageEnded()
        }
        queue.append(part)
        processQueue()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if counter.progress.isExcessive {
            exceeded(.framing)
        }
        flush()
        reportMemory()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        liveness.writabilityChanged(context.channel.isWritable)
        pump()
        processQueue()
        reportMemory()
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        service.logger.debug("HTTP/1.1 connection given up", metadata: ["error": "\(error)"])
        guard !isEnded, current == nil, let error = error as? HTTPParserError else {
            end()
            context.close(promise: nil)
            return
        }
        if error == .headerOverflow {
            service.exceeded(.headerList)
        }
        current = HTTP1Request(method: .GET, version: .http1_1, keepsAlive: false)
        respond(error == .headerOverflow ? .headerListTooLarge : .badRequest)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .giveUp? = event as? ConnectionCommand {
            exceeded(.memory)
        }
        if case .drain? = event as? ConnectionCommand {
            isDraining = true
            if current == nil, bufferedBytes > 0 {
                closeOutput()
            } else if current == nil {
                end()
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func end() {
        guard !isEnded else { return }
        isEnded = true
        memory?.end()
        memory = nil
        ticker?.cancel()
        queue.removeAll()
        current?.exchange?.fail(HTTPError(.connectionClosed, "the peer closed the connection"))
        current = nil
    }

    /// Later requests, what the task has not read, and what the channel does not take.
    private func reportMemory() {
        guard !isEnded, let memory else { return }
        var held = queue.count * Self.partBytes
        if let exchange = current?.exchange {
            held += exchange.inbound.heldBytes + exchange.outbound.streamedBytes
        }
        memory.report(own: held, shared: current?.whole?.hold(memory.account)?.bytes ?? 0)
    }

    /// Bytes that the channel holds for the kernel.
    private var bufferedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func tick() {
        guard !isEnded else { return }
        let now = NIODeadline.now()
        reportMemory()
        if current?.exchange?.inbound.checkStall(now: now, limits.progress) == true {
            service.exceeded(.progress)
        }
        let verdict = liveness.check(now: now, openStreams: current == nil ? 0 : 1, lastRequest: requests) {
            context?.channel.takenBytes() ?? 0
        }
        switch verdict {
        case .idle:
            exceeded(.idleTime)
        case .stalled, .dead:
            exceeded(.progress)
        case .fine, .ping:
            if counter.progress.isHeadOverdue(now: now, limit: limits.headerTimeout) {
                exceeded(.headerTime)
            } else if current?.isDrainStalled(now: now, limits.progress) == true {
                exceeded(.progress)
            }
        }
    }

    /// Closes the connection of a peer that exceeded `limit`.
    private func exceeded(_ limit: TransportLimit) {
        guard !isEnded, let context else { return }
        service.exceeded(limit)
        service.logger.debug("connection closed: its peer exceeded a limit", metadata: ["limit": "\(limit.rawValue)"])
        end()
        context.close(promise: nil)
    }
}

// MARK: Requests

extension HTTP1Handler {
    private var holdsReads: Bool {
        !queue.isEmpty || context?.channel.isWritable != true
            || (current?.exchange?.inbound.waitingBytes ?? 0) >= service.configuration.streamWindow
    }

    /// Goes on with what was received, as far as the response under way allows.
    private func processQueue() {
        guard !isProcessing else { return }
        isProcessing = true
        while !isEnded, let part = queue.first {
            if case .head = part, current != nil || context?.channel.isWritable != true { break }
            queue.removeFirst()
            switch part {
            case .head(let head):
                begin(head)
            case .body(let bytes):
                received(bytes)
            case .end:
                current?.isRequestEnded = true
                current?.exchange?.isRemoteEnded = true
                current?.exchange?.inbound.complete()
                completeIfDone()
            }
        }
        isProcessing = false
        if isReadHeld, !holdsReads, !isEnded {
            isReadHeld = false
            context?.read()
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        requests += 1
        if requests == 1, let context { service.connections.proved(context.channel) }
        let isLast = requests >= service.configuration.maxRequestsPerConnection
        if isLast {
            service.exceeded(.requestsPerConnection)
        }
        current = HTTP1Request(
            method: head.method,
            version: head.version,
            keepsAlive: head.isKeepAlive && !isDraining && !isLast
        )
        guard let request = RequestHead(head, scheme: scheme), !head.isFramingFaulty else {
            current?.keepsAlive = false
            respond(.badRequest)
            return
        }
        if let memory, !memory.admits {
            service.exceeded(.memory)
            current?.keepsAlive = false
            respond(.busy)
            return
        }
        let awaitsContinue = request.fields["expect"]?.lowercased() == "100-continue"
        switch service.handler.handle(request, on: connection) {
        case .respond(let response, let body):
            if awaitsContinue {
                // The peer may or may not send the body now: what follows cannot be told apart.
                current?.keepsAlive = false
            }
            respond(response, body)
        case .run(let answer):
            guard let context else { return }
            let exchange = Exchange(
                stream: 0,
                isHead: head.method == .HEAD,
                writeBuffer: limits.writeBuffer,
                memory: memory.map { ConnectionMemory($0) },
                carrier: self
            )
            current?.exchange = exchange
            if awaitsContinue {
                let head = HTTPResponseHead(version: head.version, status: .continue)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                flush()
            }
            exchange.start(on: context.eventLoop, tasks: service.tasks, answer)
        }
    }

    private func received(_ bytes: ByteBuffer) {
        if let exchange = current?.exchange, !exchange.isTaskOver {
            exchange.inbound.append(bytes)
            return
        }
        current?.drainedBytes += bytes.readableBytes
        if let current, current.drainedBytes > service.configuration.maxDrainedBody, current.isResponseEnded {
            service.exceeded(.drainedBody)
            closeOutput()
        }
    }

    private func completeIfDone() {
        guard let done = current, done.isResponseEnded else { return }
        if !done.keepsAlive || isDraining {
            closeOutput()
        } else if done.isRequestEnded {
            current = nil
            processQueue()
        }
    }

    private func closeOutput() {
        guard !isEnded, let context else { return }
        let written = context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))))
        context.channel.closeOutput(after: written, limit: limits.stallTimeout)
        end()
    }
}

// MARK: Responses

extension HTTP1Handler {
    private func flush() {
        guard !isReading else { return }
        unflushedBytes = 0
        context?.flush()
    }

    /// Counts bytes that were written; many of them are flushed at once, so that the channel says whether it takes more.
    private func written(_ count: Int) {
        unflushedBytes += count
        guard unflushedBytes >= Self.flushBytes else { return }
        unflushedBytes = 0
        context?.flush()
    }

    private func respond(_ problem: TransportProblem) {
        let (head, body) = problem.response
        respond(head, body)
    }

    private func respond(_ head: ResponseHead, _ body: ByteBuffer?) {
        let sendsBody: Bool
        do throws(HTTPError) {
            sendsBody = try writeHead(head.framed(bodyBytes: body?.readableBytes ?? 0))
        } catch {
            service.logger.error("a response could not be sent", metadata: ["error": "\(error)"])
            respond(.failed)
            return
        }
        guard sendsBody, let body, body.readableBytes > Self.pieceBytes else {
            if sendsBody, let body, body.readableBytes > 0 { writeBody(body) }
            return endResponse()
        }
        current?.whole = OutboundBody(whole: body)
        pump()
    }

    /// Writes a head; false when no body follows it.
    private func writeHead(_ head: ResponseHead) throws(HTTPError) -> Bool {
        try FieldRules.check(head)
        guard let context, current != nil else {
            throw HTTPError(.connectionClosed, "the connection is gone")
        }
        if isDraining {
            current?.keepsAlive = false
        }
        guard let (response, sendsBody) = current?.frame(head) else { return false }
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        written(Self.partBytes)
        return sendsBody
    }

    private func writeBody(_ bytes: ByteBuffer) {
        current?.sentBytes += bytes.readableBytes
        context?.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        written(bytes.readableBytes)
    }

    private func endResponse() {
        guard let context, let request = current, !request.isResponseEnded else { return }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        current?.isResponseEnded = true
        current?.whole = nil
        if !request.isLengthKept {
            current?.keepsAlive = false
        }
        flush()
        request.exchange?.outbound.left()
        completeIfDone()
    }

    /// Moves what is to be sent to the channel, as far as that takes it.
    private func pump() {
        // A flush may find the channel writable again, and come back here.
        guard !isPumping, !isEnded, let context, let outbound = current?.outbound else { return }
        isPumping = true
        var hasWritten = false
        while !isEnded, context.channel.isWritable, let piece = outbound.takePiece(atMost: Self.pieceBytes) {
            writeBody(piece)
            hasWritten = true
        }
        isPumping = false
        guard !isEnded else { return }
        if hasWritten {
            flush()
            outbound.wakeWriters()
        }
        if !isEnded, current?.outbound === outbound, outbound.isEnded, outbound.waitingBytes == 0 {
            endResponse()
        }
    }
}

extension HTTP1Handler: ExchangeCarrier {
    func send(_ head: ResponseHead, for exchange: Exchange) throws(HTTPError) -> Bool {
        guard current?.exchange === exchange else {
            throw HTTPError(.connectionClosed, "the connection is gone")
        }
        let sendsBody = try writeHead(head)
        flush()
        return sendsBody
    }

    func outboundChanged(_ exchange: Exchange) {
        guard current?.exchange === exchange else { return }
        pump()
    }

    func inboundTaken(_ count: Int, stream: Int32) {
        processQueue()
    }

    func taskEnded(_ exchange: Exchange, error: (any Error)?) {
        guard current?.exchange === exchange, let context else { return }
        if let error {
            service.log(error)
        }
        if !exchange.hasHead {
            exchange.answer(.failed)
        } else if error != nil, !exchange.outbound.isEnded {
            // The peer sees by the missing end that the body is not whole.
            end()
            context.close(promise: nil)
        } else {
            exchange.finish(nil)
        }
        processQueue()
    }
}
