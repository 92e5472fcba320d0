import NIOCore

/// What a client connection does for its streams.
protocol ClientCarrier: InboundSource {
    func outboundChanged(_ exchange: ClientExchange)
    func reset(_ exchange: ClientExchange, _ code: HTTP2ErrorCode)
}

/// One request that a client made. Confined to the event loop of its connection.
final class ClientExchange {
    let stream: Int32
    let inbound: InboundBody
    let outbound: OutboundBody?
    /// The stream is over, or given up.
    private(set) var isOver = false
    private var head: Result<ResponseHead, any Error>?
    private var headWaiters: [Waiter<ResponseHead>] = []
    private weak var carrier: (any ClientCarrier)?

    init(stream: Int32, outbound: OutboundBody?, carrier: any ClientCarrier) {
        self.stream = stream
        self.outbound = outbound
        self.carrier = carrier
        inbound = InboundBody(stream: stream, source: carrier)
    }

    // MARK: What the connection says

    func received(_ head: ResponseHead) {
        settleHead(.success(head))
    }

    /// The stream ended with `code`; whatever is not complete never will be.
    func closed(_ code: HTTP2ErrorCode) {
        fail(.reset(code, "request on stream \(stream)"))
    }

    func fail(_ error: HTTPError) {
        isOver = true
        settleHead(.failure(error))
        inbound.fail(error)
        outbound?.fail(error)
    }

    private func settleHead(_ result: Result<ResponseHead, any Error>) {
        guard head == nil else { return }
        head = result
        let waiters = headWaiters
        headWaiters = []
        waiters.forEach { $0.settle(result) }
    }

    // MARK: What the application does

    func response(_ waiter: Waiter<ResponseHead>) {
        if let head {
            waiter.settle(head)
        } else {
            headWaiters.removeAll { $0.isSettled }
            headWaiters.append(waiter)
        }
    }

    func write(_ bytes: ByteBuffer, _ waiter: Waiter<Void>) {
        guard let outbound else {
            waiter.settle(.failure(HTTPError(.misuse, "bytes were written to a request without a body")))
            return
        }
        outbound.write(bytes, writer: waiter)
        carrier?.outboundChanged(self)
    }

    func finish(_ waiter: Waiter<Void>) {
        guard let outbound else {
            waiter.settle(.success(()))
            return
        }
        outbound.end(waiter)
        carrier?.outboundChanged(self)
    }

    /// Ends the stream at once, in both directions; `error` is what all who wait for it are told.
    func giveUp(_ code: HTTP2ErrorCode, _ error: HTTPError) {
        inbound.discard()
        guard !isOver else { return }
        fail(error)
        carrier?.reset(self, code)
    }
}
