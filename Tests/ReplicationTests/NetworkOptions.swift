import Replication
import TestSupport

/// Everything that shapes a run of `InMemoryNetwork`; two runs with equal options are equal.
struct NetworkOptions: Sendable {
    var seed: UInt64 = 1
    var nodes = 2
    /// Nodes in the first roster; nil for all.
    var listed: Int?
    var edges: [Edge] = []
    /// Nodes that have region and key of an earlier one, as the copy of a disk has. Fetches from their region are
    /// answered by the first, as those to the address in the roster.
    var copies: [Int: Int] = [:]
    /// Milliseconds, drawn once per edge.
    var latency: ClosedRange<Int64> = 2...40
    /// Milliseconds, drawn for every store.
    var storeDelay: ClosedRange<Int64> = 1...10
    /// Fetches out of 100 that fail, half of them without any answer.
    var failingFetches = 0
    var keysPerBatch: ClosedRange<Int> = 1...3
    var settings = ReplicationSettings()
    /// Unix time in milliseconds at which virtual time begins: an interval's start.
    var start: Int64 = 1_800_000_000_000
    /// Seconds for which epochs have lasted when they begin: longer than batches live, as tests drop what is young.
    var epochAge: Int64 = 16 * 86_400
    /// More events than this are a livelock.
    var eventLimit = 200_000

    /// Two neighbours; the first one dials.
    struct Edge: Hashable, Sendable {
        let dialler: Int
        let other: Int
    }

    static func line(_ nodes: Int, seed: UInt64 = 1) -> NetworkOptions {
        NetworkOptions(seed: seed, nodes: nodes, edges: (1..<nodes).map { Edge(dialler: $0 - 1, other: $0) })
    }

    static func ring(_ nodes: Int, seed: UInt64 = 1) -> NetworkOptions {
        NetworkOptions(
            seed: seed,
            nodes: nodes,
            edges: (0..<nodes).map { Edge(dialler: $0, other: ($0 + 1) % nodes) }
        )
    }

    static func mesh(_ nodes: Int, seed: UInt64 = 1) -> NetworkOptions {
        let edges = (0..<nodes).flatMap { low in (low + 1..<nodes).map { Edge(dialler: low, other: $0) } }
        return NetworkOptions(seed: seed, nodes: nodes, edges: edges)
    }

    /// A random tree and some more edges.
    static func random(_ nodes: Int, seed: UInt64) -> NetworkOptions {
        var random = SplitMix64(seed: seed)
        var edges = (1..<nodes).map { Edge(dialler: Int.random(in: 0..<$0, using: &random), other: $0) }
        for _ in 0..<Int.random(in: 0...nodes, using: &random) {
            let low = Int.random(in: 0..<nodes - 1, using: &random)
            let edge = Edge(dialler: low, other: Int.random(in: low + 1..<nodes, using: &random))
            if !edges.contains(edge) { edges.append(edge) }
        }
        return NetworkOptions(seed: seed, nodes: nodes, edges: edges)
    }
}

/// Closures in the order of their virtual time; those of one time in the order they were added.
struct Agenda {
    private var heap: [Entry] = []
    private var added: UInt64 = 0

    private struct Entry {
        let time: Int64
        let order: UInt64
        let action: () -> Void

        func precedes(_ other: Entry) -> Bool { time != other.time ? time < other.time : order < other.order }
    }

    var nextTime: Int64? { heap.first?.time }

    mutating func add(at time: Int64, _ action: @escaping () -> Void) {
        added += 1
        heap.append(Entry(time: time, order: added, action: action))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> (() -> Void)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first.action }
        heap[0] = last
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return first.action
    }
}
