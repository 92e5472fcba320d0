import Logging
import NIOCore

/// The client's end of an HTTP/2 connection: makes requests and hands what comes back to those who made them.
final class ClientEndpoint: HTTP2Endpoint, ClientTransport {
    private let session: NGHTTP2Session
    private let limits: ConnectionLimits
    private let status: ConnectionStatus
    private let needsFlush: () -> Void
    private var exchanges: [Int32: ClientExchange] = [:]
    private var pings = ClientPings()
    /// Why no more requests can be made.
    private var refusal: HTTPError?

    init(
        session: NGHTTP2Session,
        limits: ConnectionLimits,
        status: ConnectionStatus,
        needsFlush: @escaping () -> Void
    ) {
        self.session = session
        self.limits = limits
        self.status = status
        self.needsFlush = needsFlush
    }

    /// Makes a request.
    /// - Parameter body: nil for none; one that has not ended yet is written to later.
    /// - Throws: `refused` or `connectionClosed` when the connection takes none; `invalidMessage`.
    func open(_ head: RequestHead, body: OutboundBody?) throws(HTTPError) -> ClientExchange {
        if let refusal {
            throw refusal
        }
        let stream = try session.submitRequest(head, body: body)
        let exchange = ClientExchange(stream: stream, outbound: body, carrier: self)
        exchanges[stream] = exchange
        needsFlush()
        return exchange
    }

    /// Sends a PING, and tells `waiter` how long its answer took.
    /// - Returns: what names it, to give it up; nil if it was not sent, which `waiter` knows.
    func ping(_ waiter: Waiter<Duration>) -> UInt64? {
        if let refusal {
            waiter.settle(.failure(refusal))
            return nil
        }
        guard let payload = pings.begin(waiter, now: .now()) else { return nil }
        session.ping(payload)
        needsFlush()
        return payload
    }

    func giveUpPing(_ payload: UInt64, _ error: HTTPError) {
        pings.giveUp(payload, error)
    }

    /// Ends the connection: streams under way are given up.
    func close() {
        guard refusal?.code != .connectionClosed else { return }
        refuse(HTTPError(.connectionClosed, "the connection was closed by its owner"))
        session.terminate(.noError)
        needsFlush()
    }

    private func refuse(_ error: HTTPError) {
        refusal = error
        status.closed()
    }

    func handle(_ event: SessionEvent, input: ByteBuffer) {
        switch event {
        case .head(let stream, let head, let isEnd):
            exchanges[stream]?.received(session.response(head))
            if isEnd {
                exchanges[stream]?.inbound.complete()
            }
        case .headTooLarge(let stream, _):
            limits.onLimit?(.headerList)
            let reason = "the response's header list is larger than \(limits.maxHeaderListSize) bytes"
            exchanges[stream]?.giveUp(.cancel, HTTPError(.headersTooLarge, reason))
        case .data(let stream, let offset, let count):
            if let bytes = input.getSlice(at: input.readerIndex + offset, length: count),
                let exchange = exchanges[stream]
            {
                exchange.inbound.append(bytes)
            } else {
                session.consume(count, stream: stream)
            }
        case .remoteEnd(let stream):
            exchanges[stream]?.inbound.complete()
        case .localEnd(let stream):
            exchanges[stream]?.outbound?.left()
        case .closed(let stream, let code):
            exchanges.removeValue(forKey: stream)?.closed(code)
        case .room(let stream):
            exchanges[stream]?.outbound?.wakeWriters()
        case .goAway(_, let code):
            if refusal == nil {
                refuse(HTTPError(.refused, "the peer takes no more requests: open another connection", http2Code: code))
            }
        case .pong(let payload):
            pings.answered(payload, now: .now())
        }
    }

    func checkStalls(now: NIODeadline) {
        for exchange in Array(exchanges.values) {
            guard let outbound = exchange.outbound, outbound.waitingBytes > 0 else {
                exchange.outbound?.stall.rest()
                continue
            }
            let (taken, waiting) = (outbound.takenBytes, outbound.waitingBytes)
            if outbound.stall.isStalled(progress: taken, due: waiting, now: now, limits.progress) {
                limits.onLimit?(.progress)
                exchange.giveUp(.cancel, HTTPError(.timeout, "the peer takes the request's body too slowly"))
            }
        }
    }

    func flushed() {}

    func drain() {
        close()
    }

    func connectionEnded(_ error: HTTPError) {
        if refusal?.code != .connectionClosed {
            refuse(HTTPError(.connectionClosed, "the connection is closed: \(error.reason)", cause: error.cause))
        }
        pings.failAll(error)
        let open = exchanges.values
        exchanges = [:]
        for exchange in open {
            exchange.fail(error)
        }
    }
}

extension ClientEndpoint: ClientCarrier {
    func outboundChanged(_ exchange: ClientExchange) {
        guard !exchange.isOver, let outbound = exchange.outbound else { return }
        session.resume(outbound, stream: exchange.stream)
        needsFlush()
    }

    func reset(_ exchange: ClientExchange, _ code: HTTP2ErrorCode) {
        exchanges[exchange.stream] = nil
        session.reset(stream: exchange.stream, code)
        needsFlush()
    }

    func inboundTaken(_ count: Int, stream: Int32) {
        session.consume(count, stream: stream)
        needsFlush()
    }
}
