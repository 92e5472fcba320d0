/// Makes a failing run small: fewer nodes, fewer hours, fewer steps, as long as it fails in the same way. Every attempt
/// is a run of its own, so the caller says how many it can afford.
public struct Shrinker {
    /// What a run with these options came to; the same options must always give the same.
    public typealias Attempt = (SimulationOptions) throws -> Failure?

    /// How a run failed.
    public enum Failure: Equatable, Sendable {
        /// The process died.
        case crash
        case broken(Invariant)
    }

    private let attempt: Attempt
    private let goal: Failure
    private var runsLeft: Int
    /// The smallest so far that fails.
    public private(set) var smallest: SimulationOptions
    private let progress: (SimulationOptions) -> Void

    /// - Parameters:
    ///   - failing: options under which `attempt` gives `goal`.
    ///   - runs: attempts at most.
    ///   - progress: called with every smaller case that still fails.
    public init(
        _ failing: SimulationOptions,
        goal: Failure,
        runs: Int = 400,
        progress: @escaping (SimulationOptions) -> Void = { _ in },
        attempt: @escaping Attempt
    ) {
        self.attempt = attempt
        self.goal = goal
        runsLeft = runs
        smallest = failing
        self.progress = progress
        if smallest.steps == nil { smallest.steps = Array(Plan(failing).steps.indices) }
    }

    /// Tries until nothing can be left out any more, or the attempts are used up.
    public mutating func run() throws {
        var size = Int.max
        while size > weight, runsLeft > 0 {
            size = weight
            try shrinkHours()
            try shrinkSteps()
            try shrinkNodes()
            try shrinkPhones()
        }
    }

    private var weight: Int {
        let nodes = smallest.nodes - smallest.absent.count
        return (smallest.steps?.count ?? 0) + smallest.hours + nodes + smallest.phones - smallest.absentPhones.count
    }

    /// - Returns: whether the smaller case fails as well, and so is the new smallest.
    private mutating func keeps(_ options: SimulationOptions) throws -> Bool {
        guard runsLeft > 0 else { return false }
        runsLeft -= 1
        guard try attempt(options) == goal else { return false }
        smallest = options
        progress(options)
        return true
    }

    /// Faults end sooner; steps after that are left out.
    private mutating func shrinkHours() throws {
        while smallest.healAfterMinutes > 1 {
            var shorter = smallest
            shorter.healAfterMinutes = smallest.healAfterMinutes / 2
            guard try keeps(shorter) else { return }
        }
    }

    /// Parts of the steps are left out, first large ones, then single ones (Zeller and Hildebrandt's ddmin, 2002).
    private mutating func shrinkSteps() throws {
        var part = max(1, (smallest.steps?.count ?? 0) / 2)
        while runsLeft > 0 {
            var start = 0
            while let steps = smallest.steps, start < steps.count {
                var fewer = smallest
                fewer.steps = Array(steps[..<start] + steps[min(start + part, steps.count)...])
                if try !keeps(fewer) { start += part }
                if runsLeft == 0 { return }
            }
            if part == 1 { return }
            part = max(1, part / 2)
        }
    }

    private mutating func shrinkPhones() throws {
        for phone in (0..<smallest.phones).reversed() where !smallest.absentPhones.contains(phone) {
            var fewer = smallest
            fewer.absentPhones = (smallest.absentPhones + [phone]).sorted()
            _ = try keeps(fewer)
        }
    }

    private mutating func shrinkNodes() throws {
        for node in (0..<smallest.nodes).reversed() where !smallest.absent.contains(node) {
            guard smallest.nodes - smallest.absent.count > 1 else { return }
            var fewer = smallest
            fewer.absent = (smallest.absent + [node]).sorted()
            _ = try keeps(fewer)
        }
    }
}
