import Logging
import NIOCore

/// One end of an HTTP/2 connection: what it makes of the session's events.
protocol HTTP2Endpoint: AnyObject {
    /// `input` holds the bytes that a `data` event names.
    func handle(_ event: SessionEvent, input: ByteBuffer)
    /// Gives up streams on which bytes have waited too long.
    func checkStalls(now: NIODeadline)
    /// All that could be sent was sent.
    func flushed()
    /// The node is stopping: take no more requests and let those under way finish.
    func drain()
    /// No byte will come or go any more.
    func connectionEnded(_ error: HTTPError)
}

/// Moves bytes between a channel and an nghttp2 session, and keeps the connection's timers. It does not know whether
/// TLS is below it.
///
/// A connection is `open` until the session wants neither to read nor to write or a timer ends it; then it is
/// `closing`: the output side is closed after the last byte and the peer has a second to close too; then `closed`.
final class HTTP2Handler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case open
        case closing
        case closed
    }

    /// Frames in the session's queue from which on nothing is read while the peer takes nothing.
    private static let queuedFramesLimit = 256
    /// Frames in the session's queue after one piece of input was read: far more than streams at once ask for.
    private static let queuedFramesMaximum = 2048

    /// Bytes after which a flush is due.
    private static let flushBytes = ChannelOptions.Types.WriteBufferWaterMark.transport.high

    let session: NGHTTP2Session
    private let endpoint: any HTTP2Endpoint
    private let limits: ConnectionLimits
    private let counters: TransportCounters?
    private let logger: Logger

    private var state = State.open
    private var context: ChannelHandlerContext?
    private var isReading = false
    private var isFlushing = false
    private var isFlushScheduled = false
    private var isReadHeld = false
    private var liveness: Liveness
    private var watch: FrameWatch
    /// The peer exceeded a limit: nothing more of what it sends is looked at.
    private var isExceeded = false
    /// One on which the peer has sent a frame after it ended it, in the bytes that are being read.
    private var doubtfulStream: UInt32?
    private var ticker: RepeatedTask?

    /// - Parameter counters: where transport bytes are counted, if anybody asks.
    init(
        session: NGHTTP2Session,
        endpoint: any HTTP2Endpoint,
        limits: ConnectionLimits,
        counters: TransportCounters? = nil,
        logger: Logger
    ) {
        self.session = session
        self.endpoint = endpoint
        self.limits = limits
        self.counters = counters
        self.logger = logger
        liveness = Liveness(limits: limits, now: .now())
        watch = FrameWatch(prefaceBytes: session.role == .server ? 24 : 0, now: .now())
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive {
            start(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(HTTPError(.connectionClosed, "the connection was taken apart"))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state == .open else { return }
        let input = unwrapInboundIn(data)
        counters?.received(input.readableBytes)
        let now = NIODeadline.now()
        liveness.received(now: now)
        isReading = true
        guard isWithinLimits(input, now: now) else { return }
        do throws(HTTPError) {
            try input.withUnsafeReadableBytes { bytes throws(HTTPError) in try session.receive(bytes) }
            dispatch(input)
            judgeDoubtfulStream()
        } catch {
            dispatch(input)
            if error.http2Code == .enhanceYourCalm {
                limits.onLimit?(.queuedFrames)
            }
            fail(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flush()
        chargeTally()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        liveness.writabilityChanged(context.channel.isWritable)
        flush()
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if state == .open, !context.channel.isWritable, session.queuedFrames > Self.queuedFramesLimit {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(HTTPError(.connectionClosed, "the peer closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(HTTPError(.connectionClosed, "the connection broke", cause: error))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .drain? = event as? ConnectionCommand {
            endpoint.drain()
            needsFlush()
        }
        if case .giveUp? = event as? ConnectionCommand {
            exceeded(.memory)
        }
        context.fireUserInboundEventTriggered(event)
    }
}

// MARK: Output

extension HTTP2Handler {
    /// Something was given to the session: it is sent at the end of this turn of the event loop, with all else.
    func needsFlush() {
        guard !isReading, !isFlushing, !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    private func flush() {
        guard state == .open, !isFlushing, let context else { return }
        isFlushing = true
        do throws(HTTPError) {
            while state == .open, try writeRound(context) {
                context.flush()
            }
        } catch {
            fail(error)
        }
        isFlushing = false
        endpoint.flushed()
        guard state == .open, context.channel.isWritable else { return }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
        if !session.wantsRead, !session.wantsWrite {
            closeOutput(endOfSession)
        }
    }

    /// Writes while the channel takes bytes, at most as much as it holds for the kernel: with TLS below, it counts only
    /// what was flushed. False when there was nothing to write.
    private func writeRound(_ context: ChannelHandlerContext) throws(HTTPError) -> Bool {
        var writtenBytes = 0
        while state == .open, context.channel.isWritable, writtenBytes < Self.flushBytes {
            let bytes = try session.nextOutput()
            dispatch(ByteBuffer())
            guard let bytes else { break }
            counters?.sent(bytes.readableBytes)
            watch.sent(bytes.readableBytes)
            context.write(wrapOutboundOut(bytes), promise: nil)
            writtenBytes += bytes.readableBytes
        }
        return writtenBytes > 0
    }

    private func dispatch(_ input: ByteBuffer) {
        var events = GrowingBuffer<SessionEvent>()
        while session.takeEvents(&events) {
            for position in 0..<events.count {
                let event = events[position]
                if case .pong(let payload) = event {
                    liveness.pong(payload)
                }
                endpoint.handle(event, input: input)
            }
            events.removeAll(keepingUpTo: .max)
        }
        session.finishEvents()
    }
}

// MARK: Beginning and end

extension HTTP2Handler {
    private func start(_ context: ChannelHandlerContext) {
        guard ticker == nil, state == .open else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: limits.tick, delay: limits.tick) { _ in
            bound.value.tick()
        }
        needsFlush()
    }

    private func tick() {
        guard state == .open else { return }
        let now = NIODeadline.now()
        endpoint.checkStalls(now: now)
        if watch.isOverdue(now: now, limit: limits.headerTimeout) {
            exceeded(.headerTime)
        }
        let verdict = liveness.check(now: now, openStreams: session.openStreams, lastRequest: session.lastRequest) {
            context?.channel.takenBytes() ?? 0
        }
        switch verdict {
        case .fine:
            break
        case .ping(let payload):
            session.ping(payload)
        case .idle:
            limits.onLimit?(.idleTime)
            session.terminate(.noError)
        case .stalled(let error):
            limits.onLimit?(.progress)
            fail(error)
        case .dead(let error):
            fail(error)
        }
        needsFlush()
    }

    /// Closes now: nothing that waits can be sent any more.
    func fail(_ error: HTTPError) {
        guard state == .open else { return }
        logger.debug("HTTP/2 connection given up", metadata: ["error": "\(error)"])
        if error.code == .protocolViolation {
            sendRest()
        }
        end(error)
        context?.close(promise: nil)
    }

    /// What the session has left to say, most of all the GOAWAY that names the fault.
    private func sendRest() {
        guard let context, context.channel.isWritable, let bytes = try? session.nextOutput() else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Closes once all that was written has left.
    private func closeOutput(_ error: HTTPError) {
        guard let context else { return }
        end(error)
        state = .closing
        let written = context.writeAndFlush(wrapOutboundOut(ByteBuffer()))
        context.channel.closeOutput(after: written, limit: limits.stallTimeout)
    }

    /// Why the session wants no more.
    private var endOfSession: HTTPError {
        if let code = session.complaint {
            return HTTPError(.protocolViolation, "the peer broke HTTP/2 and was told so", http2Code: code)
        }
        return HTTPError(.connectionClosed, "the connection ended as both sides agreed")
    }

    private func end(_ error: HTTPError) {
        guard state == .open else {
            state = .closed
            return
        }
        state = .closed
        ticker?.cancel()
        endpoint.connectionEnded(error)
    }
}

// MARK: Limits

extension HTTP2Handler {
    /// False when `input` is not to be looked at: the peer exceeds a limit with it, or has done so before.
    private func isWithinLimits(_ input: ByteBuffer, now: NIODeadline) -> Bool {
        guard !isExceeded else { return false }
        let limit = input.withUnsafeReadableBytes { watch.received($0, limits.frameRates, now: now) }
        if let limit {
            exceeded(limit)
        } else if let code = misplacedFrame() {
            violated(code)
            return false
        } else if session.queuedFrames > Self.queuedFramesMaximum {
            exceeded(.queuedFrames)
            return false
        }
        return limit == nil
    }

    /// The error that a frame costs which nghttp2 would pass over; nil if there is none.
    private func misplacedFrame() -> HTTP2ErrorCode? {
        guard let misplaced = watch.misplaced else { return nil }
        watch.forgive()
        switch misplaced {
        case .priorityOnConnection, .belowEarlier: return .protocolError
        case .afterEnd(let stream) where session.judges(stream):
            doubtfulStream = stream
            return nil
        case .afterEnd: return .streamClosed
        }
    }

    /// What was nghttp2's to judge when it came has been passed over, if nghttp2 has closed the stream before it.
    private func judgeDoubtfulStream() {
        guard let stream = doubtfulStream else { return }
        doubtfulStream = nil
        if !session.judges(stream) { violated(.streamClosed) }
    }

    /// Ends the connection of a peer that broke HTTP/2, and tells it.
    private func violated(_ code: HTTP2ErrorCode) {
        guard state == .open, !isExceeded else { return }
        isExceeded = true
        logger.debug("connection ended: its peer broke HTTP/2", metadata: ["code": "\(code)"])
        session.terminate(code)
        if context?.channel.isWritable != true {
            fail(HTTPError(.protocolViolation, "the peer sent a frame where it may not", http2Code: code))
        }
        needsFlush()
    }

    /// Charges the peer for what it made the session do.
    private func chargeTally() {
        guard !session.tally.isEmpty else { return }
        let tally = session.tally
        session.tally.clear()
        if tally.refusedStreams > 0 {
            limits.onLimit?(.concurrentStreams)
        }
        if let limit = watch.charge(tally, limits.frameRates, now: .now()) {
            exceeded(limit)
        }
    }

    /// Ends the connection of a peer that exceeded `limit`, and tells it.
    private func exceeded(_ limit: TransportLimit) {
        guard state == .open, !isExceeded else { return }
        isExceeded = true
        limits.onLimit?(limit)
        logger.debug("connection ended: its peer exceeded a limit", metadata: ["limit": "\(limit.rawValue)"])
        session.terminate(.enhanceYourCalm)
        if context?.channel.isWritable != true {
            fail(HTTPError(.protocolViolation, "the peer exceeded the limit \(limit.rawValue)"))
        }
        needsFlush()
    }
}
