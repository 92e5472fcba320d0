import ClusterSimulation

/// The peer of replication: everybody passes everything on to all neighbours but the one it came from, at once. It is
/// as fast as an overlay can be, and sends about as many copies as there are links.
struct Flood {
    /// Neighbours of each node, with the time one way.
    private var neighbours: [[(node: Int, latency: Int64)]]
    private(set) var copies = 0
    private(set) var delivered = 0

    init(nodes: Int, overlay: [Neighbours]) {
        neighbours = Array(repeating: [], count: nodes)
        for pair in overlay {
            neighbours[pair.left].append((pair.right, pair.latency))
            neighbours[pair.right].append((pair.left, pair.latency))
        }
    }

    /// Lets one message spread.
    /// - Parameters:
    ///   - source: where it begins.
    ///   - start: when, in virtual microseconds.
    ///   - ends: when each node ceases to run, `.max` for never.
    /// - Returns: when each node has it, nil for those that never do.
    mutating func spread(
        from source: Int,
        at start: Int64,
        ends: [Int64],
        random: inout some RandomNumberGenerator
    ) -> [Int64?] {
        var arrivals = [Int64?](repeating: nil, count: neighbours.count)
        var best = [Int64](repeating: .max, count: neighbours.count)
        best[source] = start
        for _ in neighbours.indices {
            var next: Int?
            for node in neighbours.indices where arrivals[node] == nil && best[node] < .max {
                if let found = next, best[found] <= best[node] { continue }
                next = node
            }
            guard let node = next else { break }
            arrivals[node] = best[node]
            copies += neighbours[node].count - (node == source ? 0 : 1)
            for neighbour in neighbours[node] {
                let arrival = best[node] + Simulation.oneWay(neighbour.latency, random: &random)
                // What is under way to or from a node that crashes is lost.
                guard arrival < min(ends[neighbour.node], ends[node]) else { continue }
                best[neighbour.node] = min(best[neighbour.node], arrival)
            }
        }
        delivered += arrivals.count { $0 != nil } - 1
        return arrivals
    }
}
