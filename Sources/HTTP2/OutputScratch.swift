import NIOCore
import NIOPosix

/// A buffer for each thread in which output is put together. Large outputs take the buffer with them, so their bytes
/// are not copied again; small ones are copied to a buffer of their size, so that what waits for a slow peer holds no
/// more memory than it has bytes.
enum OutputScratch {
    /// Sendable: a box is reached only through the variable of the one thread that made it.
    private final class Box: @unchecked Sendable {
        var buffer: ByteBuffer?
    }

    private static let boxes = ThreadSpecificVariable<Box>()

    static func take(capacity: Int) -> ByteBuffer {
        let kept = boxes.currentValue?.buffer.take()
        return kept ?? ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// What is to be sent, or nil if `buffer` is empty.
    static func give(_ buffer: inout ByteBuffer) -> ByteBuffer? {
        let count = buffer.readableBytes
        if count * 2 >= buffer.capacity {
            return buffer
        }
        let copy = count > 0 ? ByteBuffer(buffer: buffer, exact: count) : nil
        buffer.clear()
        if let box = boxes.currentValue {
            box.buffer = buffer
        } else {
            let box = Box()
            box.buffer = buffer
            boxes.currentValue = box
        }
        return copy
    }
}

extension ByteBuffer {
    fileprivate init(buffer: ByteBuffer, exact count: Int) {
        self = ByteBufferAllocator().buffer(capacity: count)
        writeImmutableBuffer(buffer)
    }
}
