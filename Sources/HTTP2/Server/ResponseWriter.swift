public import NIOCore

/// Writes one response: the head, then bytes, then the end.
///
/// Every method throws `HTTPError` when the stream was reset or the connection lost (`streamReset`,
/// `connectionClosed`), when called out of order (`misuse`), and `CancellationError` when its task is cancelled.
public struct ResponseWriter: Sendable {
    let exchange: NIOLoopBound<Exchange>
    /// Nil where nobody counts it.
    let memory: ConnectionMemory?

    /// Sets memory of the server aside for work on this answer, beside what is written: a connection that holds some and
    /// takes nothing gives it up when others need it.
    /// - Returns: nil if there is no room for it now.
    public func reserve(_ bytes: Int) -> MemoryReservation? {
        guard let memory else { return nil }
        return memory.account.reserve(bytes, for: memory.channel)
    }

    /// Sends the head. `content-length` is sent only if given.
    /// - Throws: `invalidMessage` when a field may not be sent.
    public func send(_ head: ResponseHead) async throws {
        try await onLoop { exchange, waiter in exchange.send(head, waiter) }
    }

    /// Sends bytes; suspends while more than `writeBuffer` bytes wait for the peer.
    public func write(_ bytes: ByteBuffer) async throws {
        try await onLoop { exchange, waiter in exchange.write(bytes, waiter) }
    }

    /// Ends the body; returns when its last byte has been handed to the transport.
    public func finish() async throws {
        try await onLoop { exchange, waiter in exchange.finish(waiter) }
    }

    /// The status sent so far, nil if none was, and the bytes of the body that were handed to the transport.
    public var outcome: (status: Int?, bytes: Int) {
        get async {
            let waiter = Waiter<(status: Int?, bytes: Int)>()
            let exchange = exchange
            exchange.eventLoop.execute {
                waiter.settle(.success((exchange.value.status, exchange.value.outbound.takenBytes)))
            }
            // A cancelled task is told nothing more.
            return (try? await waiter.value()) ?? (nil, 0)
        }
    }

    private func onLoop(_ action: @escaping @Sendable (Exchange, Waiter<Void>) -> Void) async throws {
        let waiter = Waiter<Void>()
        let exchange = exchange
        exchange.eventLoop.execute { action(exchange.value, waiter) }
        try await waiter.value()
    }
}
