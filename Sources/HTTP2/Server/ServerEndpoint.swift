import Logging
import NIOCore

/// The server's end of an HTTP/2 connection: asks the handler what to do with each request, and sees to it that every
/// stream comes to an end.
///
/// A stream is answered at once (then only its body is in the session's care), or by a task through an `Exchange`.
/// When the answer is complete and the peer still sends, the stream is in `drains` until its body ends.
final class ServerEndpoint: HTTP2Endpoint {
    /// A request body that nobody wants.
    private struct Drain {
        var bytes = 0
        /// The answer is out, so that the stream may be closed.
        var isAnswered = false
        var stall = ProgressWatch()
    }

    /// Payload of the PING that goes with the announcement of a shutdown.
    private static let shutdownPing = UInt64.max

    private let session: NGHTTP2Session
    private let service: ServerService
    private let connection: ConnectionInfo
    private let eventLoop: any EventLoop
    private let needsFlush: () -> Void
    // Unchecked: one event loop reads and writes them, a statement at a time; nothing is called while one is changed.
    @exclusivity(unchecked) private var exchanges = StreamTable<Exchange>()
    @exclusivity(unchecked) private var drains = StreamTable<Drain>()
    private var isEnded = false
    private var isDraining = false
    private var requests = 0
    /// What this connection holds of the server's memory.
    var memory: MemoryShare?
    private var shutdownTimer: Scheduled<Void>?

    init(
        session: NGHTTP2Session,
        service: ServerService,
        connection: ConnectionInfo,
        eventLoop: any EventLoop,
        needsFlush: @escaping () -> Void
    ) {
        self.session = session
        self.service = service
        self.connection = connection
        self.eventLoop = eventLoop
        self.needsFlush = needsFlush
    }

    func handle(_ event: SessionEvent, input: ByteBuffer) {
        guard !isEnded else { return }
        switch event {
        case .head(let stream, let head, let isEnd):
            countRequest()
            if let memory, !memory.admits {
                refuse(stream)
            } else if isEnd, let answer = session.prepared(head, by: service.handler) {
                respond(answer, stream: stream)
            } else {
                received(session.request(head), stream: stream, isEnd: isEnd)
            }
        case .headTooLarge(let stream, let isTrailer):
            headTooLarge(stream, isTrailer: isTrailer)
        case .data(let stream, let offset, let count):
            received(input, offset: offset, count: count, stream: stream)
        case .remoteEnd(let stream):
            drains.remove(stream)
            if let exchange = exchanges[stream] {
                exchange.isRemoteEnded = true
                exchange.inbound.complete()
            }
        case .localEnd(let stream):
            exchanges[stream]?.outbound.left()
            if var drain = drains[stream] {
                drain.isAnswered = true
                drains.set(drain, for: stream)
                closeIfTooLong(stream)
            }
        case .closed(let stream, let code):
            closed(stream: stream, code)
        case .room(let stream):
            exchanges[stream]?.outbound.wakeWriters()
        case .pong(Self.shutdownPing):
            finishShutdown()
        case .pong, .goAway:
            break
        }
    }

    /// A request whose head is too large is answered. One whose trailers are has been answered, or is being: its stream
    /// is reset.
    private func headTooLarge(_ stream: Int32, isTrailer: Bool) {
        service.exceeded(.headerList)
        guard !isTrailer else {
            drains.remove(stream)
            exchanges[stream]?.fail(HTTPError(.headersTooLarge, "the request's trailers are larger than allowed"))
            session.reset(stream: stream, .enhanceYourCalm)
            return
        }
        drains.set(Drain(), for: stream)
        let (head, body) = TransportProblem.headerListTooLarge.response
        respond(head, body, isHead: false, stream: stream)
    }

    /// The server is full: whoever asks may ask again.
    private func refuse(_ stream: Int32) {
        service.exceeded(.memory)
        session.refuse(stream: stream)
    }

    func flushed() {
        guard !isEnded, let account = memory?.account else { return }
        let bodies = session.streamedBytes + exchanges.sum { $0.inbound.heldBytes }
        memory?.report(own: bodies + session.engineBytes, shared: session.holdWholeBodies(account))
    }

    private func countRequest() {
        requests += 1
        if requests == 1, let memory { service.connections.proved(memory.channel) }
        if requests == service.configuration.maxRequestsPerConnection {
            service.exceeded(.requestsPerConnection)
            drain()
        }
    }

    private func received(_ head: RequestHead, stream: Int32, isEnd: Bool) {
        let isHead = head.method == "HEAD"
        switch service.handler.handle(head, on: connection) {
        case .respond(let response, let body):
            if !isEnd {
                drains.set(Drain(), for: stream)
            }
            respond(response, body, isHead: isHead, stream: stream)
        case .run(let answer):
            let exchange = Exchange(
                stream: stream,
                isHead: isHead,
                writeBuffer: service.limits.writeBuffer,
                memory: memory.map { ConnectionMemory($0) },
                carrier: self
            )
            exchanges.set(exchange, for: stream)
            if isEnd {
                exchange.isRemoteEnded = true
                exchange.inbound.complete()
            } else if head.fields["expect"]?.lowercased() == "100-continue" {
                session.submitContinue(stream: stream)
            }
            exchange.start(on: eventLoop, tasks: service.tasks, answer)
        }
    }

    /// Answers a GET with what was at hand.
    private func respond(_ answer: PreparedResponse, stream: Int32) {
        let body = answer.body.flatMap { $0.readableBytes > 0 ? OutboundBody(whole: $0) : nil }
        do throws(HTTPError) {
            try session.submitResponse(answer.head, answer.freshness, body: body, stream: stream)
        } catch {
            service.logger.error("a response could not be sent", metadata: ["error": "\(error)"])
        }
    }

    private func respond(_ head: ResponseHead, _ body: ByteBuffer?, isHead: Bool, stream: Int32) {
        let count = body?.readableBytes ?? 0
        let sendsBody = count > 0 && !isHead && head.statusAllowsBody
        let outbound = sendsBody ? body.map { OutboundBody(whole: $0) } : nil
        do throws(HTTPError) {
            try session.submitResponse(head.framed(bodyBytes: count), body: outbound, stream: stream)
        } catch {
            service.logger.error("a response could not be sent", metadata: ["error": "\(error)"])
            if error.code == .invalidMessage {
                let (head, body) = TransportProblem.failed.response
                respond(head, body, isHead: isHead, stream: stream)
            }
        }
    }

    private func received(_ input: ByteBuffer, offset: Int, count: Int, stream: Int32) {
        if let exchange = exchanges[stream], !exchange.isTaskOver {
            if let bytes = input.getSlice(at: input.readerIndex + offset, length: count) {
                exchange.inbound.append(bytes)
            }
            return
        }
        guard var drain = drains[stream] else {
            session.consume(count, stream: stream)
            return
        }
        drain.bytes += count
        drains.set(drain, for: stream)
        if drain.bytes > service.configuration.maxDrainedBody {
            session.consumeForConnection(count)
            closeIfTooLong(stream)
        } else {
            session.consume(count, stream: stream)
        }
    }

    /// Closes a stream that brings more than is drained, but not before its answer is out: the answer stands, it is
    /// only the rest of the question that is not wanted (RFC 9113, 8.1).
    private func closeIfTooLong(_ stream: Int32) {
        guard let drain = drains[stream], drain.isAnswered, drain.bytes > service.configuration.maxDrainedBody else {
            return
        }
        drains.remove(stream)
        service.exceeded(.drainedBody)
        session.reset(stream: stream, .noError)
    }

    private func closed(stream: Int32, _ code: HTTP2ErrorCode) {
        drains.remove(stream)
        guard let exchange = exchanges.remove(stream) else { return }
        if !exchange.outbound.hasLeft || !exchange.isRemoteEnded {
            exchange.fail(.reset(code, "request on stream \(stream)"))
        }
    }
}

// MARK: Timers and ends

extension ServerEndpoint {
    func checkStalls(now: NIODeadline) {
        let minimum = service.limits.progress
        var stalled: [Int32] = []
        for (stream, body) in session.bodies {
            let isTaskAlive = exchanges[stream].map { !$0.isTaskOver } ?? false
            // Bytes wait for the peer, or, once it has them all, for it to end its own side.
            guard body.waitingBytes > 0 || (!isTaskAlive && drains[stream] != nil) else {
                body.stall.rest()
                continue
            }
            let due = body.waitingBytes > 0 ? body.waitingBytes : .max
            let progress = body.takenBytes + (drains[stream]?.bytes ?? 0)
            if body.stall.isStalled(progress: progress, due: due, now: now, minimum) {
                stalled.append(stream)
            }
        }
        for (_, exchange) in exchanges.entries where exchange.inbound.checkStall(now: now, minimum) {
            service.exceeded(.progress)
        }
        for (stream, var drain) in drains.entries where session.body(stream) == nil {
            if drain.stall.isStalled(progress: drain.bytes, due: .max, now: now, minimum) {
                stalled.append(stream)
            }
            drains.set(drain, for: stream)
        }
        for stream in stalled {
            service.exceeded(.progress)
            service.logger.debug("stream given up: its peer takes or sends too little")
            exchanges[stream]?.fail(HTTPError(.timeout, "the peer takes the response too slowly"))
            session.reset(stream: stream, .cancel)
        }
    }

    func drain() {
        guard !isDraining, !isEnded else { return }
        isDraining = true
        session.announceShutdown()
        session.ping(Self.shutdownPing)
        // A peer that never answers does not hold up the shutdown.
        shutdownTimer = eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { self.finishShutdown() }
        needsFlush()
    }

    private func finishShutdown() {
        guard isDraining, !isEnded, let timer = shutdownTimer else { return }
        timer.cancel()
        shutdownTimer = nil
        session.goAway()
        needsFlush()
    }

    func connectionEnded(_ error: HTTPError) {
        guard !isEnded else { return }
        isEnded = true
        shutdownTimer?.cancel()
        shutdownTimer = nil
        for (_, exchange) in exchanges.entries {
            exchange.fail(error)
        }
        exchanges.removeAll()
        drains.removeAll()
        session.releaseBodies()
        memory?.end()
        memory = nil
    }
}

// MARK: Exchanges

extension ServerEndpoint: ExchangeCarrier {
    func send(_ head: ResponseHead, for exchange: Exchange) throws(HTTPError) -> Bool {
        let sendsBody = !exchange.isHead && head.statusAllowsBody
        try session.submitResponse(head, body: sendsBody ? exchange.outbound : nil, stream: exchange.stream)
        needsFlush()
        return sendsBody
    }

    func outboundChanged(_ exchange: Exchange) {
        guard !isEnded else { return }
        session.resume(exchange.outbound, stream: exchange.stream)
        needsFlush()
    }

    func inboundTaken(_ count: Int, stream: Int32) {
        guard !isEnded else { return }
        session.consume(count, stream: stream)
        needsFlush()
    }

    func taskEnded(_ exchange: Exchange, error: (any Error)?) {
        guard !isEnded, exchanges[exchange.stream] === exchange else { return }
        if let error {
            service.log(error)
        }
        if !exchange.hasHead {
            exchange.answer(.failed)
        } else if let error {
            session.reset(stream: exchange.stream, error is CancellationError ? .cancel : .internalError)
        } else {
            exchange.finish(nil)
        }
        if !exchange.isRemoteEnded {
            drains.set(Drain(isAnswered: exchange.outbound.hasLeft), for: exchange.stream)
        }
        needsFlush()
    }
}
