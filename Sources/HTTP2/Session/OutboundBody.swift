import NIOCore

/// The body that leaves on one stream. The application puts bytes in, the connection takes them out as flow control
/// allows; a writer suspends while more than a limit waits. Confined to the event loop.
final class OutboundBody {
    /// A body that is known whole: it stays as it is, and `takenBytes` says how far it was taken.
    private let whole: ByteBuffer?
    private var current = ByteBuffer()
    private var queued: CircularBuffer<ByteBuffer>?
    private(set) var waitingBytes: Int
    /// Bytes allocated for what was written in pieces and has not been taken.
    private var heldBytes = 0
    /// The application has given its last byte.
    private(set) var isEnded: Bool
    private(set) var failure: HTTPError?
    /// Bytes taken so far, by which a stall is noticed.
    private(set) var takenBytes = 0
    /// Bytes of a DATA frame that nghttp2 has announced and not sent yet: whatever happens, they are taken.
    var announcedBytes = 0
    /// nghttp2 was told to come back only when it is called (NGHTTP2_ERR_DEFERRED).
    var isDeferred = false
    /// Bodies of answers to HEAD and the like: taken and dropped.
    var isDropped = false
    /// The last byte has been handed to the transport.
    private(set) var hasLeft = false
    var stall = ProgressWatch()

    private let limit: Int
    // Unchecked: `hasWriters` only looks, and one event loop does all the rest.
    @exclusivity(unchecked) private var writers: [Waiter<Void>] = []
    private var finisher: Waiter<Void>?

    /// A body that the application will write in pieces; `limit` is the count of bytes from which writers suspend.
    init(limit: Int) {
        whole = nil
        waitingBytes = 0
        isEnded = false
        self.limit = limit
    }

    /// A body that is known whole.
    init(whole bytes: ByteBuffer) {
        whole = bytes
        waitingBytes = bytes.readableBytes
        isEnded = true
        limit = 0
    }

    /// Whole bodies up to this size are not counted as held.
    private static let uncountedBytes = 64 * 1024
    private var bufferHold: BufferHold?

    /// Bytes held for what waits, where nobody else holds it.
    var streamedBytes: Int { heldBytes }

    /// Counts a whole body as held, from now until it is sent.
    /// - Returns: where it is and how large, if it is large.
    func hold(_ account: MemoryAccount) -> (place: UInt, bytes: Int)? {
        guard let whole, whole.readableBytes > Self.uncountedBytes else { return nil }
        guard waitingBytes > 0 else {
            bufferHold = nil
            return nil
        }
        let place = whole.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        if bufferHold == nil {
            bufferHold = BufferHold(account, place, bytes: whole.heldBytes)
        }
        return (place, whole.heldBytes)
    }

    func release() {
        bufferHold = nil
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
            heldBytes += bytes.heldBytes
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

    /// Moves bytes, as many as must be waiting, to `output`.
    func take(into output: UnsafeMutableRawBufferPointer) {
        let count = output.count
        precondition(count <= waitingBytes)
        if let whole {
            let place = takenBytes..<takenBytes + count
            whole.withUnsafeReadableBytes { output.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[place])) }
        } else {
            takeQueued(into: output)
        }
        waitingBytes -= count
        takenBytes += count
        announcedBytes = 0
        if failure != nil { drop() }
    }

    private func takeQueued(into output: UnsafeMutableRawBufferPointer) {
        var taken = 0
        while taken < output.count {
            let piece = min(output.count - taken, current.readableBytes)
            current.withUnsafeReadableBytes { bytes in
                let target = UnsafeMutableRawBufferPointer(rebasing: output[taken..<taken + piece])
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<piece]))
            }
            current.moveReaderIndex(forwardBy: piece)
            taken += piece
            if current.readableBytes == 0 { nextPiece() }
        }
    }

    private func nextPiece() {
        heldBytes -= current.storageCapacity
        current = queued?.popFirst() ?? ByteBuffer()
    }

    /// Takes the next piece without copying it, for a transport that keeps references; nil when none waits.
    func takePiece(atMost limit: Int) -> ByteBuffer? {
        if let whole {
            let count = min(limit, waitingBytes)
            guard count > 0, let piece = whole.getSlice(at: whole.readerIndex + takenBytes, length: count) else {
                return nil
            }
            waitingBytes -= count
            takenBytes += count
            return piece
        }
        guard waitingBytes > 0, let piece = current.readSlice(length: min(limit, current.readableBytes)) else {
            return nil
        }
        if current.readableBytes == 0 { nextPiece() }
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
        if announcedBytes == 0 { drop() }
        for writer in writers {
            writer.settle(.failure(error))
        }
        writers = []
        finisher?.settle(.failure(error))
        finisher = nil
    }

    /// The stream is over: not even the frame that was announced will be sent.
    func streamClosed() {
        announcedBytes = 0
        if failure != nil { drop() }
    }

    private func drop() {
        current = ByteBuffer()
        queued = nil
        waitingBytes = 0
        heldBytes = 0
    }
}
