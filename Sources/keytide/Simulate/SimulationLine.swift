import ClusterSimulation

/// One seed's result for machines, one line.
struct SimulationLine: Codable, Sendable {
    /// The outcome of a run whose process died.
    static let crash = "crash"

    let seed: UInt64
    let arguments: String
    let outcome: String
    var events = 0
    var steps = 0
    var batches = 0
    /// Of phones.
    var syncs = 0
    var delivered = 0
    var pushed = 0
    var fetched = 0
    /// Virtual seconds from the end of all faults until all nodes held the same.
    var healed: Int64?
    /// Hexadecimal.
    var trace = ""
    var violations: [String] = []

    init(_ result: SimulationResult) {
        seed = result.options.seed
        arguments = result.options.arguments
        outcome = result.outcome.rawValue
        events = result.events
        steps = result.steps
        batches = result.batches
        syncs = result.syncs
        delivered = result.traffic.delivered
        pushed = result.traffic.pushed
        fetched = result.traffic.fetched
        healed = result.healed
        trace = String(result.trace, radix: 16)
        violations = result.violations.map { violation in
            let place = violation.node.map { ", node \($0)" } ?? ""
            return "\(violation.invariant.rawValue) at \(Timeline.time(violation.time))\(place): \(violation.text)"
        }
    }

    init(crashed options: SimulationOptions) {
        seed = options.seed
        arguments = options.arguments
        outcome = SimulationLine.crash
    }
}
