package import ExposureKeys
internal import Foundation
package import HTTP2
package import NIOCore
internal import Synchronization

/// Ranges that were asked for lately, ready to send and found by the path they are asked by, up to a number of bytes;
/// the oldest leave first. Ranges never change, so nothing has to be refreshed; when batches were dropped, all leave.
package final class RangeCache: Sendable {
    /// A range as it is sent.
    package final class Entry: Sendable {
        let path: [UInt8]
        package let head: PreparedHead
        package let body: ByteBuffer
        /// Of its first batch, which is the first to be dropped.
        package let publication: Interval

        /// Bytes allocated for it.
        fileprivate var size: Int { body.storageCapacity + path.count }

        init(path: [UInt8], body: ByteBuffer, publication: Interval) {
            self.path = path
            self.body = body
            self.publication = publication
            head = PreparedHead(
                ResponseHead(status: 200, fields: ["content-type": "application/octet-stream"]),
                bodyBytes: body.readableBytes
            )
        }
    }

    private struct State {
        /// By hash of the path. Of two paths with one hash, which nobody can aim at, only one is held.
        var entries: [UInt64: Entry] = [:]
        var order: [UInt64] = []
        var bytes = 0
        var generation: UInt64 = 0

        mutating func enter(_ generation: UInt64) {
            guard generation > self.generation else { return }
            self = State()
            self.generation = generation
        }
    }

    private let limit: Int
    private let seed = UInt64.random(in: .min ... .max)
    private let state = Mutex(State())

    /// - Parameter limit: bytes held at most, as they are allocated.
    package init(limit: Int) {
        self.limit = limit
    }

    /// - Parameter generation: of the feeds; grows when batches are dropped.
    package func find(_ path: Span<UInt8>, generation: UInt64) -> Entry? {
        let hash = path.withUnsafeBytes { fingerprint($0) }
        let found = state.withLock { state in
            if generation != state.generation { state.enter(generation) }
            return state.entries[hash]
        }
        guard let found, path.isEqual(to: found.path) else { return nil }
        return found
    }

    /// Takes in a range.
    /// - Parameter generation: of the feeds, from before the range was read; one that was read earlier than the last
    ///   drop is not taken.
    package func insert(_ body: ByteBuffer, publication: Interval, path: String, generation: UInt64) {
        let entry = Entry(path: Array(path.utf8), body: body, publication: publication)
        let size = entry.size
        guard size <= limit / 8 else { return }
        let hash = entry.path.withUnsafeBytes { fingerprint($0) }
        state.withLock { state in
            state.enter(generation)
            guard generation == state.generation, state.entries[hash] == nil else { return }
            state.entries[hash] = entry
            state.order.append(hash)
            state.bytes += size
            var leaving = 0
            while state.bytes > limit, leaving < state.order.count {
                if let old = state.entries.removeValue(forKey: state.order[leaving]) {
                    state.bytes -= old.size
                }
                leaving += 1
            }
            state.order.removeFirst(leaving)
        }
    }

    /// Eight bytes at a time, multiplied and folded. Only paths that are served come in here, and the seed differs from
    /// process to process, so nobody can prepare paths that collide.
    private func fingerprint(_ path: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(path.count)
        func fold(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            state = product.high ^ product.low
        }
        var place = 0
        while place + 8 <= path.count {
            fold(path.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place += 8
        }
        var rest: UInt64 = 0
        for byte in path[place...] { rest = rest << 8 | UInt64(byte) }
        fold(rest)
        return state
    }
}

extension Span<UInt8> {
    /// Whether the bytes are the same.
    func isEqual(to other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        return withUnsafeBytes { mine in
            other.withUnsafeBytes { theirs in
                guard let mine = mine.baseAddress, let theirs = theirs.baseAddress else { return true }
                return memcmp(mine, theirs, count) == 0
            }
        }
    }
}
