import NIOCore

/// The body that leaves on one stream. The application puts bytes in, the connection takes them out as flow control
/// allows; a writer suspends while more than a limit waits. Confined to the event loop.
final class OutboundBody {
    private var current: ByteBuffer
    private var queued: CircularBuffer<ByteBuffer>?
    private(set) var waitingBytes: Int
    /// The application has given its last byte.
    private(set) var isEnded: Bool
    private(set) var failure: HTTPError?
    /// Bytes taken so far, by which a stall is noticed.
    private(set) var takenBytes = 0
    /// nghttp2 was told to come back only when it is called (NGHTTP2_ERR_DEFERRED).
    var isDeferred = false
    /// Bodies of answers to HEAD and the like: taken and dropped.
    var isDropped = false
    /// The last byte has been handed to the transport.
    private(set) var hasLeft = false
    var stall = ProgressWatch()

    private let limit: Int
    private var writers: [Waiter<Void>] = []
    private var finisher: Waiter<Void>?

    /// A body that the application will write in pieces; `limit` is the count of bytes from which writers suspend.
    init(limit: Int) {
        current = ByteBuffer()
        waitingBytes = 0
        isEnded = false
        self.limit = limit
    }

    /// A body that is known whole.
    init(whole bytes: ByteBuffer) {
        current = bytes
        waitingBytes = bytes.readableBytes
        isEnded = true
        limit = 0
    }

    var hasWriters: Bool { !writers.isEmpty }

    /// Adds bytes; `writer` is settled when there is room for more.
    func write(_ bytes: ByteBuffer, writer: Waiter<Void>) {
        if let failure {
            writer.settle(.failure(failure))
            return
        }
        guard !isEnded else {
            writer.settle(.failure(HTTPError(.misuse, "bytes were written after the end of the body")))
            return
        }
        if !isDropped, bytes.readableBytes > 0 {
            if waitingBytes == 0 {
                current = bytes
            } else {
                queued = queued ?? CircularBuffer(initialCapacity: 4)
                queued?.append(bytes)
            }
            waitingBytes += bytes.readableBytes
        }
        if waitingBytes < limit {
            writer.settle(.success(()))
        } else {
            writers.append(writer)
        }
    }

    /// Ends the body; `finisher` is settled when the last byte has been handed to the transport.
    func end(_ finisher: Waiter<Void>?) {
        if let failure {
            finisher?.settle(.failure(failure))
            return
        }
        isEnded = true
        if hasLeft || isDropped {
            hasLeft = true
            finisher?.settle(.success(()))
        } else {
            self.finisher = finisher ?? self.finisher
        }
    }

    /// Moves `count` bytes, which must be waiting, to the end of `output`.
    func take(_ count: Int, into output: inout ByteBuffer) {
        precondition(count <= waitingBytes)
        var rest = count
        while rest > 0 {
            let piece = min(rest, current.readableBytes)
            current.withUnsafeReadableBytes { bytes in
                _ = output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<piece]))
            }
            current.moveReaderIndex(forwardBy: piece)
            rest -= piece
            if current.readableBytes == 0 {
                current = queued?.popFirst() ?? ByteBuffer()
            }
        }
        waitingBytes -= count
        takenBytes += count
    }

    /// Takes the next piece without copying it, for a transport that keeps references; nil when none waits.
    func takePiece(atMost limit: Int) -> ByteBuffer? {
        guard waitingBytes > 0, let piece = current.readSlice(length: min(limit, current.readableBytes)) else {
            return nil
        }
        if current.readableBytes == 0 {
            current = queued?.popFirst() ?? ByteBuffer()
        }
        waitingBytes -= piece.readableBytes
        takenBytes += piece.readableBytes
        return piece
    }

    /// Lets suspended writers go on if there is room.
    func wakeWriters() {
        guard waitingBytes <= limit / 2, !writers.isEmpty else { return }
        let woken = writers
        writers.removeAll(keepingCapacity: true)
        for writer in woken {
            writer.settle(.success(()))
        }
    }

    /// The last byte was handed to the transport.
    func left() {
        hasLeft = true
        finisher?.settle(.success(()))
        finisher = nil
    }

    /// What was not sent never will be.
    func fail(_ error: HTTPError) {
        guard failure == nil, !hasLeft else { return }
        failure = error
        current = ByteBuffer()
        queued = nil
        waitingBytes = 0
        for writer in writers {
            writer.settle(.failure(error))
        }
        writers = []
        finisher?.settle(.failure(error))
        finisher = nil
    }
}
