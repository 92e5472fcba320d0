public import NIOCore

/// The body of a request, as a sequence of pieces of any size. Bytes that are taken are given back to flow control, so
/// a client sends no faster than they are taken. One task reads it, once.
///
/// Reading throws `HTTPError` (`streamReset`, `connectionClosed`) when the rest will not come, and `CancellationError`
/// when the reading task is cancelled; nothing is lost then, and another task may go on.
public struct RequestBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    let exchange: NIOLoopBound<Exchange>

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(exchange: exchange)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let exchange: NIOLoopBound<Exchange>

        public mutating func next() async throws -> ByteBuffer? {
            let waiter = Waiter<ByteBuffer?>()
            let exchange = exchange
            exchange.eventLoop.execute { exchange.value.inbound.next(waiter) }
            return try await waiter.value()
        }
    }

    /// The whole body.
    /// - Throws: `bodyTooLarge` when it has more than `limit` bytes, `timeout` when nothing arrives for the server's
    ///   `stallTimeout` (which reading piece by piece does not throw: a link may be silent). An answer can still be
    ///   given.
    public func collect(upTo limit: Int) async throws -> ByteBuffer {
        exchange.eventLoop.execute { [exchange] in exchange.value.inbound.collect() }
        return try await HTTP2.collect(self, upTo: limit)
    }
}

/// Puts the pieces of a body together.
/// - Parameter length: what the peer says there is; so much is set aside, so that the whole is not copied as it grows.
func collect(
    _ body: some AsyncSequence<ByteBuffer, any Error>,
    upTo limit: Int,
    expecting length: Int = 0
) async throws -> ByteBuffer {
    var whole = ByteBuffer()
    for try await piece in body {
        guard whole.readableBytes + piece.readableBytes <= limit else {
            throw HTTPError(.bodyTooLarge, "the body is larger than the \(limit) bytes allowed for it")
        }
        if whole.readableBytes == 0, piece.readableBytes >= length {
            whole = piece
        } else {
            if whole.readableBytes == 0 { whole.reserveCapacity(min(length, limit)) }
            whole.writeImmutableBuffer(piece)
        }
    }
    return whole
}
