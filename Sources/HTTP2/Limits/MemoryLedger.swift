package import NIOCore

/// Bytes that connections hold, and who gives up when there are too many of them: first those that have not moved for a
/// second, the one that holds most before the others; then the others in the same order. One at a time: what it frees is
/// known when it is gone.
///
/// Bytes that many connections hold together, such as an answer that all phones fetch at once, count once. Bytes can be
/// set aside for work in progress, for a connection or for nobody in particular; these never exceed the limit.
package struct MemoryLedger<Holder: Hashable> {
    private struct Entry {
        /// Bytes that nobody else holds.
        var own = 0
        var all = 0
        /// Set aside for work on its requests.
        var reserved = 0
        var movedAt: NIODeadline

        var size: Int { all + reserved }
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

    package func holds(_ holder: Holder) -> Bool { entries[holder] != nil }

    /// Notes what `holder` holds now.
    /// - Parameters:
    ///   - own: bytes that nobody else holds.
    ///   - all: these, and those of the buffers that it holds; 0 when it is gone.
    package mutating func set(own: Int, all: Int, of holder: Holder, now: NIODeadline) {
        var entry = entries[holder] ?? Entry(movedAt: now)
        total += own - entry.own
        // What grows may be a peer that asks for more and more; what shrinks is one that takes.
        if all < entry.all { entry.movedAt = now }
        (entry.own, entry.all) = (own, all)
        entries[holder] = entry.size > 0 ? entry : nil
        if all == 0, condemned == holder { condemned = nil }
    }

    /// Sets bytes aside.
    /// - Parameter holder: nil for nobody in particular.
    /// - Returns: false if there is no room for them.
    package mutating func reserve(_ bytes: Int, for holder: Holder?, now: NIODeadline) -> Bool {
        guard bytes <= limit - total else { return false }
        total += bytes
        if let holder { entries[holder, default: Entry(movedAt: now)].reserved += bytes }
        return true
    }

    /// The work is done.
    package mutating func unreserve(_ bytes: Int, for holder: Holder?, now: NIODeadline) {
        total -= bytes
        guard let holder, var entry = entries[holder] else { return }
        entry.reserved -= bytes
        entry.movedAt = now
        entries[holder] = entry.size > 0 ? entry : nil
        // Its connection may have gone before: then nothing else ends its turn.
        if entry.size == 0, condemned == holder { condemned = nil }
    }

    /// Counts bytes that are held already, of nobody in particular; negative when they are gone.
    package mutating func add(_ bytes: Int) {
        total += bytes
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
    /// - Parameter room: bytes for which there is none; then only those who have not moved give up.
    package mutating func relieve(now: NIODeadline, room: Int = 0) -> Holder? {
        guard condemned == nil, isFull || room > limit - total else { return nil }
        func isStalled(_ entry: Entry) -> Bool { now - entry.movedAt >= .seconds(1) }
        let first = entries.max { left, right in
            let (leftStalls, rightStalls) = (isStalled(left.value), isStalled(right.value))
            return leftStalls != rightStalls ? rightStalls : left.value.size < right.value.size
        }
        guard let first, isFull || isStalled(first.value) else { return nil }
        condemned = first.key
        return condemned
    }
}
