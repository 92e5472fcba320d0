import ClusterSimulation
import Foundation

/// Adds up what came of seeds, and says so while it goes on.
final class SimulationTally {
    private let json: Bool
    private let total: Int
    private var done = 0
    private var events = 0
    private var batches = 0
    private var bad: [SimulationResult] = []
    private var slowest: Int64 = 0
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now

    init(json: Bool, total: Int) {
        self.json = json
        self.total = total
    }

    /// Exit status.
    var worst: Int32 {
        if bad.contains(where: { $0.outcome == .safety }) { return 3 }
        return bad.isEmpty ? 0 : 4
    }

    func add(_ result: SimulationResult) {
        done += 1
        events += result.events
        batches += result.batches
        slowest = max(slowest, result.healed ?? 0)
        if result.outcome != .held {
            bad.append(result)
            for violation in result.violations.prefix(3) {
                Output.progress(
                    "seed \(result.options.seed): \(violation.invariant.rawValue) broken at \(TimelineText.time(violation.time))"
                        + "\(violation.node.map { ", node \($0)" } ?? ""): \(violation.text)"
                )
            }
            Output.progress("replay: keytide simulate \(result.options.arguments)")
        }
        if json {
            try? Output.json(SimulationLine(result))
        } else if total == 1 {
            describe(result)
        }
        let now = ContinuousClock.now
        if now - shown > .seconds(5), done < total {
            shown = now
            Output.progress("\(done) of \(total) seeds, \(Output.grouped(events)) events, \(bad.count) bad")
        }
    }

    private func describe(_ result: SimulationResult) {
        Output.line("options  \(result.options.arguments)")
        Output.table([
            ["measure", "value"], ["outcome", result.outcome.rawValue], ["events", Output.grouped(result.events)],
            ["steps", Output.grouped(result.steps)], ["batches", Output.grouped(result.batches)],
            ["delivered", Output.grouped(result.traffic.delivered)], ["pushed", Output.grouped(result.traffic.pushed)],
            ["fetched", Output.grouped(result.traffic.fetched)],
            ["healed after", result.healed.map { "\($0) s" } ?? "-"],
            ["trace", String(result.trace, radix: 16)],
        ])
    }

    func finish() {
        let seconds =
            Double((ContinuousClock.now - start).components.attoseconds) / 1e18
            + Double((ContinuousClock.now - start).components.seconds)
        let rate = Int(Double(events) / max(seconds, 0.001))
        Output.progress(
            "\(done) seeds in \(Output.fixed(seconds, 1)) s, \(Output.grouped(events)) events (\(Output.grouped(rate)) a "
                + "second), \(Output.grouped(batches)) batches; longest healing \(slowest) s; \(bad.count) bad"
        )
    }
}

/// One seed's result for machines.
struct SimulationLine: Encodable {
    let seed: UInt64
    let arguments: String
    let outcome: String
    let events: Int
    let steps: Int
    let batches: Int
    let healed: Int64?
    let trace: String
    let violations: [String]

    init(_ result: SimulationResult) {
        seed = result.options.seed
        arguments = result.options.arguments
        outcome = result.outcome.rawValue
        events = result.events
        steps = result.steps
        batches = result.batches
        healed = result.healed
        trace = String(result.trace, radix: 16)
        violations = result.violations.map { "\($0.invariant.rawValue): \($0.text)" }
    }
}

/// Moments as lines.
enum TimelineText {
    static func line(_ moment: Moment) -> String {
        "\(time(moment.time))  \(moment.node.map { "node \($0)" } ?? "all")  \(moment.text)"
    }

    /// Hours, minutes, seconds and milliseconds.
    static func time(_ microseconds: Int64) -> String {
        let total = microseconds / 1000
        return String(
            format: "%d:%02d:%02d.%03d",
            Int(total / 3_600_000),
            Int(total / 60_000 % 60),
            Int(total / 1000 % 60),
            Int(total % 1000)
        )
    }
}
