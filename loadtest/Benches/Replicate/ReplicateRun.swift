import ClusterSimulation
import FeedFormat

/// Runs one case and keeps what is to be said of it.
struct ReplicateRun {
    /// From publication until all nodes that run have it, in milliseconds, ascending: ours, and the flood's.
    private(set) var ours: [Double] = []
    private(set) var theirs: [Double] = []
    /// Payloads sent for each that a node stored.
    let copies: Double
    let floodCopies: Double
    /// Bytes between nodes over bytes of batches that nodes stored.
    let wire: Double
    let batchBytes: Double
    let events: Int

    init(_ plan: ReplicateCase) throws {
        var random = BenchRandom(seed: plan.seed)
        let steps = plan.steps(random: &random)
        let simulation = try Simulation(plan.options, steps: steps)
        let spreading = Spreading()
        simulation.deliveries = { spreading.add($0) }
        let before = simulation.run(until: ReplicateCase.middle).traffic
        let result = simulation.run(until: ReplicateCase.end)
        guard result.outcome == .held else {
            throw BenchError("\(plan.name): \(result.violations.first?.text ?? "an invariant was broken")")
        }
        let after = result.traffic
        let delivered = Double(after.delivered - before.delivered)
        let needed = Double(after.deliveredBytes - before.deliveredBytes)
        copies = Double(after.pushed + after.fetched - before.pushed - before.fetched) / delivered
        wire = Double(after.linkBytes + after.fetchBytes - before.linkBytes - before.fetchBytes) / needed
        batchBytes = needed / delivered
        events = result.events
        var ends = [Int64](repeating: .max, count: plan.nodes)
        for step in steps { if case .crash(let node, _) = step.action { ends[node] = step.time } }
        var flood = Flood(nodes: plan.nodes, overlay: simulation.overlay)
        for batch in spreading.batches where batch.time >= ReplicateCase.middle {
            let spread = flood.spread(from: batch.node, at: batch.time, ends: ends, random: &random)
            let mine = try ReplicateRun.last(batch.arrivals, ends, plan)
            ours.append(Double(mine - batch.time) / 1000)
            theirs.append(Double(try ReplicateRun.last(spread, ends, plan) - batch.time) / 1000)
        }
        floodCopies = Double(flood.copies) / Double(flood.delivered)
        ours.sort()
        theirs.sort()
    }

    /// When the last node that never crashes has a batch.
    private static func last(_ arrivals: [Int64?], _ ends: [Int64], _ plan: ReplicateCase) throws -> Int64 {
        var last: Int64 = 0
        for (node, end) in ends.enumerated() where end == .max {
            guard node < arrivals.count, let arrival = arrivals[node] else {
                throw BenchError("\(plan.name): a batch did not reach node \(node) by the end")
            }
            last = max(last, arrival)
        }
        return last
    }

    /// The value below or at which so many of 100 lie.
    static func percentile(_ part: Double, of sorted: [Double]) -> Double {
        sorted[min(sorted.count - 1, max(0, Int((Double(sorted.count) * part / 100).rounded(.up)) - 1))]
    }
}

/// When each batch was where.
private final class Spreading {
    struct Published {
        let node: Int
        let time: Int64
        var arrivals: [Int64?]
    }

    private(set) var batches: [Published] = []
    private var places: [Hash256: Int] = [:]

    func add(_ delivery: Delivery) {
        if let place = places[delivery.batch.leaf] {
            while batches[place].arrivals.count <= delivery.node { batches[place].arrivals.append(nil) }
            if batches[place].arrivals[delivery.node] == nil {
                batches[place].arrivals[delivery.node] = delivery.time
            }
        } else {
            // Durable at its own region first.
            places[delivery.batch.leaf] = batches.count
            var arrivals = [Int64?](repeating: nil, count: delivery.node + 1)
            arrivals[delivery.node] = delivery.time
            batches.append(Published(node: delivery.node, time: delivery.time, arrivals: arrivals))
        }
    }
}

/// Steele, Lea and Flood's SplitMix64.
struct BenchRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
