/// Elements one after the other in memory of its own, for what is written and forgotten with every request. It is what
/// an array is, without the reference count that every write to an array looks at.
///
/// Elements must be trivial: numbers, and structs and enums of them. Places are checked as an array checks them.
struct GrowingBuffer<Element>: ~Copyable {
    private var start: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private(set) var count = 0

    init() {}

    deinit {
        start?.deallocate()
    }

    var isEmpty: Bool { count == 0 }
    /// Whether it has memory.
    var isAllocated: Bool { capacity > 0 }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(toHold: count + 1) }
        start.unsafelyUnwrapped[count] = element
        count += 1
    }

    @inline(__always)
    mutating func append(_ elements: UnsafeBufferPointer<Element>) {
        guard let source = elements.baseAddress, elements.count > 0 else { return }
        if capacity - count < elements.count { grow(toHold: count + elements.count) }
        (start.unsafelyUnwrapped + count).update(from: source, count: elements.count)
        count += elements.count
    }

    // `start` is there whenever `capacity` is not 0, and `append` has just seen to that.

    @inline(never)
    private mutating func grow(toHold needed: Int) {
        precondition(_isPOD(Element.self))
        let larger = max(needed, capacity * 2, 4096 / max(1, MemoryLayout<Element>.stride))
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        if let start {
            memory.update(from: start, count: count)
            start.deallocate()
        }
        start = memory
        capacity = larger
    }

    /// Forgets all elements; keeps the memory unless it has room for more than `limit`.
    mutating func removeAll(keepingUpTo limit: Int) {
        count = 0
        guard capacity > limit else { return }
        start?.deallocate()
        start = nil
        capacity = 0
    }

    subscript(position: Int) -> Element {
        precondition(position >= 0 && position < count)
        return start.unsafelyUnwrapped[position]
    }

    /// The elements at these places, valid until the next change.
    func slice(_ range: Range<Int>) -> UnsafeBufferPointer<Element> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return UnsafeBufferPointer(start: start.map { $0 + range.lowerBound }, count: range.count)
    }
}
