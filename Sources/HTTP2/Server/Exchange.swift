import Logging
import NIOCore

/// A connection that carries exchanges, whichever version of HTTP it speaks.
protocol ExchangeCarrier: InboundSource {
    /// Sends the head; false when the answer has no body, so that what is written goes nowhere.
    func send(_ head: ResponseHead, for exchange: Exchange) throws(HTTPError) -> Bool
    /// The exchange's outbound body has bytes, or its end, to send.
    func outboundChanged(_ exchange: Exchange)
    /// The task is over; what it left open is to be ended.
    func taskEnded(_ exchange: Exchange, error: (any Error)?)
}

/// Where the memory that a request takes is counted.
struct ConnectionMemory: Sendable {
    let account: MemoryAccount
    let channel: any Channel

    init(_ share: MemoryShare) {
        account = share.account
        channel = share.channel
    }
}

/// One request that a task answers. Confined to the event loop of its connection; the task holds it through
/// `RequestBody` and `ResponseWriter`.
final class Exchange {
    let stream: Int32
    let isHead: Bool
    let inbound: InboundBody
    let outbound: OutboundBody
    private(set) var hasHead = false
    /// Of the head that was sent.
    private(set) var status: Int?
    private(set) var isTaskOver = false
    /// The peer has ended its side.
    var isRemoteEnded = false
    /// Set when the stream or connection ended before its messages were complete.
    private(set) var failure: HTTPError?
    private weak var carrier: (any ExchangeCarrier)?
    private let memory: ConnectionMemory?
    private var task: Task<Void, Never>?

    /// - Parameter memory: nil where nobody counts it.
    init(
        stream: Int32,
        isHead: Bool,
        writeBuffer: Int,
        memory: ConnectionMemory?,
        carrier: any ExchangeCarrier
    ) {
        self.memory = memory
        self.stream = stream
        self.isHead = isHead
        self.carrier = carrier
        inbound = InboundBody(stream: stream, source: carrier)
        outbound = OutboundBody(limit: writeBuffer)
    }

    /// Starts the task that answers.
    func start(
        on eventLoop: any EventLoop,
        tasks: TaskCount,
        _ body: @escaping @Sendable (RequestBody, ResponseWriter) async throws -> Void
    ) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let memory = memory
        tasks.started()
        task = Task {
            var failure: (any Error)?
            do {
                try await body(RequestBody(exchange: bound), ResponseWriter(exchange: bound, memory: memory))
            } catch {
                failure = error
            }
            let outcome = failure
            eventLoop.execute { bound.value.taskEnded(outcome) }
            tasks.ended()
        }
    }

    private func taskEnded(_ error: (any Error)?) {
        isTaskOver = true
        task = nil
        inbound.discard()
        guard failure == nil else { return }
        carrier?.taskEnded(self, error: error)
    }

    /// The stream ended before its messages were complete, or the connection was lost.
    func fail(_ error: HTTPError) {
        guard failure == nil else { return }
        failure = error
        inbound.fail(error)
        outbound.fail(error)
        task?.cancel()
    }

    // MARK: What the task does

    func send(_ head: ResponseHead, _ waiter: Waiter<Void>) {
        do throws(HTTPError) {
            try send(head)
            waiter.settle(.success(()))
        } catch {
            waiter.settle(.failure(error))
        }
    }

    func send(_ head: ResponseHead) throws(HTTPError) {
        if let failure {
            throw failure
        }
        guard !hasHead else {
            throw HTTPError(.misuse, "the head of the response was sent twice")
        }
        guard let carrier else {
            throw HTTPError(.connectionClosed, "the connection is gone")
        }
        outbound.isDropped = try !carrier.send(head, for: self)
        hasHead = true
        status = head.status
    }

    /// Answers with a problem where the task gave no answer.
    func answer(_ problem: TransportProblem) {
        let (head, body) = problem.response
        // Fails only if the stream is gone, which an event tells.
        guard (try? send(head.framed(bodyBytes: body.readableBytes))) != nil else { return }
        write(body, Waiter())
        finish(nil)
    }

    func write(_ bytes: ByteBuffer, _ waiter: Waiter<Void>) {
        guard hasHead || failure != nil else {
            waiter.settle(.failure(HTTPError(.misuse, "bytes were written before the head of the response")))
            return
        }
        outbound.write(bytes, writer: waiter)
        carrier?.outboundChanged(self)
    }

    func finish(_ waiter: Waiter<Void>?) {
        guard hasHead || failure != nil else {
            waiter?.settle(.failure(HTTPError(.misuse, "the response was ended before its head was sent")))
            return
        }
        outbound.end(waiter)
        carrier?.outboundChanged(self)
    }
}
