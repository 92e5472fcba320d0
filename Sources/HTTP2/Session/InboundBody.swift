import NIOCore

/// Who must know that the application took bytes: flow control gives them back to the peer.
protocol InboundSource: AnyObject {
    func inboundTaken(_ count: Int, stream: Int32)
}

/// The body that arrives on one stream, waiting to be taken. At most a flow-control window waits. Confined to the
/// event loop.
final class InboundBody {
    private enum End {
        case open
        case complete
        case failed(HTTPError)
    }

    let stream: Int32
    weak var source: (any InboundSource)?
    private var waiting = ByteBuffer()
    private var end = End.open
    private var reader: Waiter<ByteBuffer?>?
    private var isDiscarding = false
    /// The whole body is being waited for, so that it must go on arriving.
    private var isCollected = false
    private var receivedBytes = 0
    private var stall = ProgressWatch()

    init(stream: Int32, source: any InboundSource) {
        self.stream = stream
        self.source = source
    }

    /// Bytes that wait to be taken.
    var waitingBytes: Int { waiting.readableBytes }
    /// Bytes held for them.
    var heldBytes: Int { waiting.heldBytes }

    var isComplete: Bool {
        if case .complete = end { true } else { false }
    }

    /// Bytes arrived. They are copied, so that a few bytes do not keep a large read buffer alive.
    func append(_ bytes: ByteBuffer) {
        receivedBytes += bytes.readableBytes
        guard !isDiscarding else {
            source?.inboundTaken(bytes.readableBytes, stream: stream)
            return
        }
        waiting.writeImmutableBuffer(bytes)
        deliver()
    }

    /// The peer ended the body.
    func complete() {
        guard case .open = end else { return }
        end = .complete
        deliver()
    }

    /// The rest of the body will not come. What is there already can still be taken, then the error is thrown.
    func fail(_ error: HTTPError) {
        guard case .open = end else { return }
        end = .failed(error)
        deliver()
    }

    func collect() {
        isCollected = true
    }

    /// Fails a body that is being collected when it arrives too slowly; true when it does so now.
    func checkStall(now: NIODeadline, _ minimum: MinimumProgress) -> Bool {
        guard isCollected, case .open = end, reader != nil else {
            stall.rest()
            return false
        }
        guard stall.isStalled(progress: receivedBytes, due: .max, now: now, minimum) else { return false }
        fail(HTTPError(.timeout, "the peer does not go on with the body, or too slowly"))
        return true
    }

    /// Nobody will take anything any more.
    func discard() {
        isDiscarding = true
        let count = waiting.readableBytes
        waiting = ByteBuffer()
        if count > 0 {
            source?.inboundTaken(count, stream: stream)
        }
    }

    /// Gives the next bytes, or nil at the end, to `waiter`, as soon as there are any.
    func next(_ waiter: Waiter<ByteBuffer?>) {
        if let reader, !reader.isSettled {
            waiter.settle(.failure(HTTPError(.misuse, "two tasks read one body: only one may")))
            return
        }
        reader = waiter
        deliver()
    }

    private func deliver() {
        guard let reader else { return }
        let count = waiting.readableBytes
        if count > 0 {
            self.reader = nil
            // A reader that was cancelled takes nothing: the bytes wait for the next one.
            if reader.settle(.success(waiting)) {
                waiting = ByteBuffer()
                source?.inboundTaken(count, stream: stream)
            }
            return
        }
        switch end {
        case .open:
            return
        case .complete:
            reader.settle(.success(nil))
        case .failed(let error):
            reader.settle(.failure(error))
        }
        self.reader = nil
    }
}
