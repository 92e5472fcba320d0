/// Values by stream identifier: a hash table with open addressing, for the few streams that a connection has open.
/// `Dictionary` hashes so that nobody can choose keys that collide; identifiers that count up by two need that not.
package struct StreamTable<Value>: ~Copyable {
    private struct Slot {
        /// 0 in an empty slot: stream 0 is the connection.
        var stream: Int32 = 0
        var value: Value?
    }

    private var slots: UnsafeMutablePointer<Slot>?
    private var capacity = 0
    package private(set) var count = 0

    package init() {}

    deinit {
        slots?.deinitialize(count: capacity)
        slots?.deallocate()
    }

    private var mask: Int { capacity - 1 }

    /// The upper bits of a multiple of the golden ratio: neighbours lie far apart, so that runs stay short.
    private func home(_ stream: Int32) -> Int {
        Int(truncatingIfNeeded: UInt64(truncatingIfNeeded: stream) &* 0x9E37_79B9_7F4A_7C15 >> 32) & mask
    }

    /// Where `stream` is, or where it would be put; at least half of the slots are empty.
    private func place(_ slots: UnsafeMutablePointer<Slot>, _ stream: Int32) -> Int {
        var place = home(stream)
        while slots[place].stream != 0, slots[place].stream != stream { place = (place + 1) & mask }
        return place
    }

    package subscript(stream: Int32) -> Value? {
        guard count > 0, let slots else { return nil }
        return slots[place(slots, stream)].value
    }

    /// - Parameter stream: 1 or more.
    package mutating func set(_ value: consuming Value, for stream: Int32) {
        precondition(stream > 0)
        if (count + 1) * 2 > capacity { resize(max(8, capacity * 2)) }
        guard let slots else { return }
        let place = place(slots, stream)
        if slots[place].stream == 0 {
            slots[place].stream = stream
            count += 1
        }
        slots[place].value = value
    }

    @discardableResult
    package mutating func remove(_ stream: Int32) -> Value? {
        guard count > 0, let slots else { return nil }
        var hole = place(slots, stream)
        guard slots[hole].stream != 0 else { return nil }
        let removed = slots[hole].value.take()
        count -= 1
        // Whatever was pushed on by the one that leaves moves back, so that no search ends too early.
        var next = (hole + 1) & mask
        while slots[next].stream != 0 {
            if (next - home(slots[next].stream)) & mask >= (next - hole) & mask {
                slots[hole].stream = slots[next].stream
                slots[hole].value = slots[next].value.take()
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole].stream = 0
        return removed
    }

    package mutating func removeAll() {
        resize(0)
        count = 0
    }

    private mutating func resize(_ newCapacity: Int) {
        let old = (slots: slots, capacity: capacity)
        capacity = newCapacity
        slots = newCapacity > 0 ? .allocate(capacity: newCapacity) : nil
        slots?.initialize(repeating: Slot(), count: newCapacity)
        guard let oldSlots = old.slots else { return }
        if let slots {
            for position in 0..<old.capacity where oldSlots[position].stream != 0 {
                slots[place(slots, oldSlots[position].stream)] = oldSlots[position]
            }
        }
        oldSlots.deinitialize(count: old.capacity)
        oldSlots.deallocate()
    }

    /// The sum of a number over all values.
    func sum(_ number: (Value) -> Int) -> Int {
        guard count > 0, let slots else { return 0 }
        return (0..<capacity).reduce(0) { sum, place in sum + (slots[place].value.map(number) ?? 0) }
    }

    /// All entries, in no particular order.
    package var entries: [(stream: Int32, value: Value)] {
        (0..<capacity).compactMap { position in
            guard let slot = slots?[position], let value = slot.value else { return nil }
            return (slot.stream, value)
        }
    }
}
