import ExposureKeys
import ClusterSimulation
import Foundation

/// Adds up what came of seeds, and says so while it goes on.
final class SimulationTally {
    private let json: Bool
    private let total: Int
    private var done = 0
    private var events = 0
    private var batches = 0
    private var bad: [SimulationLine] = []
    private var slowest: Int64 = 0
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now

    init(json: Bool, total: Int) {
        self.json = json
        self.total = total
    }

    /// The lowest seed that failed.
    var first: SimulationLine? { bad.min { $0.seed < $1.seed } }

    /// Exit status: of the worst that happened.
    var status: Int32 {
        let outcomes = bad.map(\.outcome)
        if outcomes.contains(SimulationLine.crash) { return 2 }
        if outcomes.contains(SimulationResult.Outcome.safety.rawValue) { return 3 }
        return bad.isEmpty ? 0 : 4
    }

    func add(_ result: SimulationLine) {
        done += 1
        events += result.events
        batches += result.batches
        slowest = max(slowest, result.healed ?? 0)
        if result.outcome != SimulationResult.Outcome.held.rawValue {
            bad.append(result)
            for violation in result.violations.prefix(2) { Output.progress("seed \(result.seed): \(violation)") }
            Output.progress("seed \(result.seed): \(result.outcome); keytide simulate \(result.arguments)")
        }
        if json {
            try? Output.json(result)
        } else if total == 1 {
            describe(result)
        }
        let now = ContinuousClock.now
        if now - shown > .seconds(5), done < total {
            shown = now
            Output.progress(
                "\(done) of \(total.counted("seed")), \(Output.counted(events, "event")), \(bad.count) failed"
            )
        }
    }

    private func describe(_ result: SimulationLine) {
        Output.line("options  \(result.arguments)")
        Output.table([
            ["measure", "value"], ["outcome", result.outcome], ["events", Output.grouped(result.events)],
            ["steps", Output.grouped(result.steps)], ["batches", Output.grouped(result.batches)],
            ["delivered", Output.grouped(result.delivered)], ["pushed", Output.grouped(result.pushed)],
            ["fetched", Output.grouped(result.fetched)], ["healed after", result.healed.map { "\($0) s" } ?? "-"],
            ["trace", result.trace],
        ])
    }

    func finish() {
        let time = (ContinuousClock.now - start) / .seconds(1)
        Output.progress(
            "\(done.counted("seed")) in \(Output.fixed(time, 1)) s, \(Output.counted(events, "event")) "
                + "(\(Output.grouped(Int(Double(events) / max(time, 0.001)))) a second), \(Output.counted(batches, "batch")); "
                + "longest healing \(slowest) s; \(bad.count) failed"
        )
    }
}
