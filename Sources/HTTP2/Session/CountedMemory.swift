internal import CNghttp2
import Glibc

/// The memory of one nghttp2 session: the C library's, counted. Each block begins with its size.
final class CountedMemory {
    /// Before each block; as much as keeps it aligned.
    private static let prefix = 16

    private let count: UnsafeMutablePointer<Int>

    init() {
        count = .allocate(capacity: 1)
        count.initialize(to: 0)
    }

    /// The session must be gone by then.
    deinit {
        count.deallocate()
    }

    /// Bytes that the session has now.
    var bytes: Int { count.pointee }

    /// What nghttp2 copies into the session.
    var functions: nghttp2_mem {
        nghttp2_mem(
            mem_user_data: count,
            malloc: { size, count in CountedMemory.allocate(size, count) },
            free: { block, count in CountedMemory.release(block, count) },
            calloc: { number, size, count in
                let (bytes, overflow) = number.multipliedReportingOverflow(by: size)
                guard !overflow, let block = CountedMemory.allocate(bytes, count) else { return nil }
                memset(block, 0, bytes)
                return block
            },
            realloc: { block, size, count in CountedMemory.resize(block, size, count) }
        )
    }

    private static func allocate(_ size: Int, _ count: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        let (bytes, overflow) = size.addingReportingOverflow(prefix)
        guard !overflow, let start = malloc(bytes) else { return nil }
        return note(start, bytes, count)
    }

    private static func resize(
        _ block: UnsafeMutableRawPointer?,
        _ size: Int,
        _ count: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer? {
        guard let block else { return allocate(size, count) }
        let (bytes, overflow) = size.addingReportingOverflow(prefix)
        let old = (block - prefix).load(as: Int.self)
        guard !overflow, let start = realloc(block - prefix, bytes) else { return nil }
        add(-old, count)
        return note(start, bytes, count)
    }

    private static func release(_ block: UnsafeMutableRawPointer?, _ count: UnsafeMutableRawPointer?) {
        guard let block else { return }
        add(-(block - prefix).load(as: Int.self), count)
        free(block - prefix)
    }

    private static func note(
        _ start: UnsafeMutableRawPointer,
        _ bytes: Int,
        _ count: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer {
        start.storeBytes(of: bytes, as: Int.self)
        add(bytes, count)
        return start + prefix
    }

    private static func add(_ bytes: Int, _ count: UnsafeMutableRawPointer?) {
        count?.assumingMemoryBound(to: Int.self).pointee += bytes
    }
}
