import NIOCore
import NIOPosix

/// Memory that the connections of one event loop use in turn, so that an idle one keeps none of it.
final class LoopScratch {
    /// Sendable: a box is reached only through the variable of the one thread that made it.
    private final class Box: @unchecked Sendable {
        let scratch = LoopScratch()
    }

    private static let boxes = ThreadSpecificVariable<Box>()

    /// That of the thread that asks.
    static var current: LoopScratch {
        if let box = boxes.currentValue { return box.scratch }
        let box = Box()
        boxes.currentValue = box
        return box.scratch
    }

    var heads = ReceivedHeads()
    var events = GrowingBuffer<SessionEvent>()
    private var output: ByteBuffer?

    /// A buffer in which output is put together. Large outputs take the buffer with them, so their bytes are not
    /// copied again; small ones are copied to a buffer of their size, so that what waits for a slow peer holds no more
    /// memory than it has bytes.
    func takeOutput(capacity: Int) -> ByteBuffer {
        output.take() ?? ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// What is to be sent, or nil if `buffer` is empty.
    func give(_ buffer: inout ByteBuffer) -> ByteBuffer? {
        let count = buffer.readableBytes
        if count * 2 >= buffer.capacity {
            return buffer
        }
        let copy = count > 0 ? ByteBuffer(buffer: buffer, exact: count) : nil
        buffer.clear()
        output = buffer
        return copy
    }
}

extension ByteBuffer {
    fileprivate init(buffer: ByteBuffer, exact count: Int) {
        self = ByteBufferAllocator().buffer(capacity: count)
        writeImmutableBuffer(buffer)
    }
}
