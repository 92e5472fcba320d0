/// What is to happen, in the order of its virtual time; what falls on one time in the order it was added.
struct Agenda<Event> {
    private var heap: [Entry] = []
    /// Events stay where they are put; only their positions move in the heap.
    private var events: [Event?] = []
    private var free: [Int] = []
    private var added: UInt64 = 0

    private struct Entry {
        let time: Int64
        let order: UInt64
        let place: Int

        func precedes(_ other: Entry) -> Bool { time != other.time ? time < other.time : order < other.order }
    }

    var nextTime: Int64? { heap.first?.time }
    var count: Int { heap.count }

    mutating func add(at time: Int64, _ event: Event) {
        added += 1
        let place: Int
        if let reused = free.popLast() {
            place = reused
            events[place] = event
        } else {
            place = events.count
            events.append(event)
        }
        heap.append(Entry(time: time, order: added, place: place))
        var child = heap.count - 1
        let entry = heap[child]
        while child > 0, entry.precedes(heap[(child - 1) / 2]) {
            heap[child] = heap[(child - 1) / 2]
            child = (child - 1) / 2
        }
        heap[child] = entry
    }

    mutating func removeFirst() -> (time: Int64, event: Event)? {
        guard let first = heap.first, let last = heap.popLast(), let event = events[first.place] else { return nil }
        events[first.place] = nil
        free.append(first.place)
        guard !heap.isEmpty else { return (first.time, event) }
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(last) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = last
        return (first.time, event)
    }
}
