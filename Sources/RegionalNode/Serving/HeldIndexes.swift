internal import ExposureKeys
internal import FeedFormat
internal import NIOCore
internal import Synchronization

/// Other nodes' newest indexes, as verified by replication; at most one per region of the roster. Written by
/// replication, read by every event loop. A restart forgets them: neighbours bring them again, one after the other.
final class HeldIndexes: Sendable {
    private let state = Mutex<[Region: Held]>([:])

    private struct Held {
        let index: FeedIndex
        let settled: ByteBuffer
        /// The difference last asked for, and the hash of the own index that it is relative to.
        var answer: (base: Hash256, difference: ServedDifference)?
    }

    func keep(_ index: FeedIndex, settled: IndexPart) {
        let held = Held(index: index, settled: ByteBuffer(bytes: settled.bytes))
        state.withLock { $0[index.node] = held }
    }

    /// The index of `region` as a difference from our own; nil if none is held.
    func difference(of region: Region, from own: ServedIndex) -> ServedDifference? {
        let held = state.withLock { $0[region] }
        guard let held else { return nil }
        if let answer = held.answer, answer.base == own.hash { return answer.difference }
        // Outside the lock: two who ask at once may both compute it, and get the same.
        let difference = ServedDifference(of: held.index, from: own.index)
        state.withLock { state in
            if state[region]?.index.bytes == held.index.bytes { state[region]?.answer = (own.hash, difference) }
        }
        return difference
    }

    /// The settled part with this hash, if one of the indexes names it.
    func settled(_ hash: Hash256) -> ByteBuffer? {
        state.withLock { $0.values.first { $0.index.settledHash == hash }?.settled }
    }
}

/// An index difference with its entity tag, ready to send.
struct ServedDifference: Sendable {
    let body: ByteBuffer
    let etag: String

    init(of theirs: FeedIndex, from ours: FeedIndex) {
        let bytes = IndexDifference(of: theirs, from: ours).bytes
        body = ByteBuffer(bytes: bytes)
        etag = "\"\(Hash256(hashing: bytes[...]).hexadecimal.prefix(16))\""
    }
}
