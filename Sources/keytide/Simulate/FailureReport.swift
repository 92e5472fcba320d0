import ExposureKeys
import ClusterSimulation
import Foundation

/// Makes a failing seed small and says how to repeat it.
struct FailureReport {
    /// As in `SimulationLine`.
    let outcome: String

    /// - Returns: the smallest case found that fails as the seed did.
    func shrink(_ options: SimulationOptions) throws -> SimulationOptions {
        let isCrash = outcome == SimulationLine.crash
        let attempt: Shrinker.Attempt = { isCrash ? try FailureReport.crashes($0) : try FailureReport.breaks($0) }
        guard let goal = try attempt(options) else {
            Output.progress("seed \(options.seed) does not fail again: it is not one course; report this as well")
            return options
        }
        Output.progress("making seed \(options.seed) smaller …")
        var shown = ContinuousClock.now
        var shrinker = Shrinker(options, goal: goal) { smaller in
            guard ContinuousClock.now - shown > .seconds(2) else { return }
            shown = ContinuousClock.now
            let nodes = smaller.nodes - smaller.absent.count
            Output.progress("  \((smaller.steps?.count ?? 0).counted("step")), \(nodes.counted("node"))")
        } attempt: {
            try attempt($0)
        }
        try shrinker.run()
        let smallest = shrinker.smallest
        Output.progress(
            "smallest case: \((smallest.steps?.count ?? 0).counted("step")), \((smallest.nodes - smallest.absent.count).counted("node")), "
                + "\(smallest.healAfterMinutes) min\nrepeat it: keytide simulate --timeline \(smallest.arguments)"
        )
        return smallest
    }

    private static func breaks(_ options: SimulationOptions) throws -> Shrinker.Failure? {
        try Simulation(options).run().violations.first.map { .broken($0.invariant) }
    }

    /// In a process of its own: it is the process that dies.
    private static func crashes(_ options: SimulationOptions) throws -> Shrinker.Failure? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["simulate", "--worker"] + options.arguments.split(separator: " ").map(String.init)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? .crash : nil
    }

    /// The course of a run; of one that crashes, nothing can be shown but its steps.
    static func timeline(of options: SimulationOptions) throws -> Timeline {
        var timeline = Timeline()
        if try crashes(options) != nil {
            for step in try Simulation(options).steps {
                timeline.add(Moment(time: step.time, node: step.action.node, text: "\(step.action)"))
            }
            return timeline
        }
        let simulation = try Simulation(options)
        simulation.observer = { timeline.add($0) }
        _ = simulation.run()
        return timeline
    }
}
