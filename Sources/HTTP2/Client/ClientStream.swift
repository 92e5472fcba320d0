public import NIOCore

/// One request that is being made, with both directions open: bytes can be written and read for as long as both sides
/// like. When the last reference goes, a stream that is not over is reset.
///
/// Methods throw `HTTPError` (`streamReset`, `refused`, `connectionClosed`), or `CancellationError` when their task is
/// cancelled; a cancelled wait loses nothing.
public final class ClientStream: Sendable {
    private let exchange: NIOLoopBound<ClientExchange>
    private let connection: HTTPConnection

    init(exchange: NIOLoopBound<ClientExchange>, connection: HTTPConnection) {
        self.exchange = exchange
        self.connection = connection
    }

    deinit {
        if !connection.isEnded {
            let exchange = exchange
            exchange.eventLoop.execute {
                exchange.value.giveUp(.cancel, HTTPError(.streamReset, "the stream was let go by its owner"))
            }
        }
    }

    /// Waits for the head of the response.
    public func response() async throws -> ResponseHead {
        let waiter = Waiter<ResponseHead>()
        let exchange = exchange
        exchange.eventLoop.execute { exchange.value.response(waiter) }
        return try await waiter.value()
    }

    /// Sends bytes; suspends while more than `writeBuffer` bytes wait for the peer.
    public func write(_ bytes: ByteBuffer) async throws {
        let waiter = Waiter<Void>()
        let exchange = exchange
        exchange.eventLoop.execute { exchange.value.write(bytes, waiter) }
        try await waiter.value()
    }

    /// Ends our side; returns when its last byte has been handed to the transport.
    public func finish() async throws {
        let waiter = Waiter<Void>()
        let exchange = exchange
        exchange.eventLoop.execute { exchange.value.finish(waiter) }
        try await waiter.value()
    }

    /// Ends the stream in both directions, with what waits unsent.
    public func reset(_ code: HTTP2ErrorCode = .cancel) {
        giveUp(code, HTTPError(.streamReset, "the stream was reset by its owner", http2Code: code))
    }

    func giveUp(_ code: HTTP2ErrorCode, _ error: HTTPError) {
        let exchange = exchange
        exchange.eventLoop.execute { exchange.value.giveUp(code, error) }
    }

    /// The body of the response. One task reads it, once.
    public var body: ResponseBody {
        ResponseBody(stream: self)
    }

    fileprivate func next() async throws -> ByteBuffer? {
        let waiter = Waiter<ByteBuffer?>()
        let exchange = exchange
        exchange.eventLoop.execute { exchange.value.inbound.next(waiter) }
        return try await waiter.value()
    }
}

/// The body of a response, as a sequence of pieces of any size. Bytes that are taken are given back to flow control.
public struct ResponseBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    fileprivate let stream: ClientStream

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(stream: stream)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let stream: ClientStream

        public mutating func next() async throws -> ByteBuffer? {
            try await stream.next()
        }
    }

    /// The whole body.
    /// - Throws: `bodyTooLarge` when it has more than `limit` bytes.
    /// - Parameter length: what the head says there is, 0 if nothing.
    public func collect(upTo limit: Int, expecting length: Int = 0) async throws -> ByteBuffer {
        try await HTTP2.collect(self, upTo: limit, expecting: length)
    }
}
