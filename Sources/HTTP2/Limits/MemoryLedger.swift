package import NIOCore

/// Bytes that connections hold, and who gives up when there are too many of them: first those that have not moved for a
/// second, the one that holds most before the others; then the others in the same order. One at a time: what it frees is
/// known when it is gone.
///
/// Bytes that many connections hold together, such as an answer that all phones fetch at once, count once.
package struct MemoryLedger<Holder: Hashable> {
    private struct Entry {
        /// Bytes that nobody else holds.
        var own: Int
        var all: Int
        var movedAt: NIODeadline
    }

    private let limit: Int
    private var entries: [Holder: Entry] = [:]
    private var buffers: [UInt: (bytes: Int, count: Int)] = [:]
    private var condemned: Holder?
    package private(set) var total = 0

    package init(limit: Int) {
        self.limit = limit
    }

    package var isFull: Bool { total >= limit }

    /// Notes what `holder` holds now.
    /// - Parameters:
    ///   - own: bytes that nobody else holds.
    ///   - all: these, and those of the buffers that it holds; 0 when it is gone.
    package mutating func set(own: Int, all: Int, of holder: Holder, now: NIODeadline) {
        let old = entries[holder]
        total += own - (old?.own ?? 0)
        guard all > 0 else {
            entries[holder] = nil
            if condemned == holder { condemned = nil }
            return
        }
        // What grows may be a peer that asks for more and more; what shrinks is one that takes.
        let hasMoved = old.map { all < $0.all } ?? true
        entries[holder] = Entry(own: own, all: all, movedAt: hasMoved ? now : old?.movedAt ?? now)
    }

    /// Somebody, or somebody more, holds the buffer at this place.
    package mutating func retain(_ buffer: UInt, bytes: Int) {
        let old = buffers[buffer]
        buffers[buffer] = (old?.bytes ?? bytes, (old?.count ?? 0) + 1)
        if old == nil { total += bytes }
    }

    package mutating func release(_ buffer: UInt) {
        guard let old = buffers[buffer] else { return }
        buffers[buffer] = old.count > 1 ? (old.bytes, old.count - 1) : nil
        if old.count == 1 { total -= old.bytes }
    }

    /// Who is to give up what it holds, if it is full and nobody is about to.
    package mutating func relieve(now: NIODeadline) -> Holder? {
        guard isFull, condemned == nil else { return nil }
        func isStalled(_ entry: Entry) -> Bool { now - entry.movedAt >= .seconds(1) }
        condemned =
            entries.max { left, right in
                let (leftStalls, rightStalls) = (isStalled(left.value), isStalled(right.value))
                return leftStalls != rightStalls ? rightStalls : left.value.all < right.value.all
            }?.key
        return condemned
    }
}
