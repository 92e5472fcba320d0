import ArgumentParser
import ClusterSimulation
import Foundation

/// `keytide simulate`: clusters in virtual time, with faults.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run clusters in virtual time through faults of all kinds, and check what must always hold.",
        discussion: """
            Every seed draws its own cluster and mix of faults; the same seed gives the same course in any process. Exit \
            status: 0 all held, 2 a run crashed, 3 an invariant was broken, 4 nodes did not come to hold the same in time.
            """
    )

    @Option(help: "Run this seed.") var seed: UInt64?
    @Option(help: ArgumentHelp("Run these seeds.", valueName: "A..B")) var seeds: SeedRange?
    @OptionGroup var shape: SimulationShape
    @Flag(help: "Print one JSON object for each seed.") var json = false
    @Flag(help: "Print what happens, a line for each event; with --seed.") var timeline = false

    func validate() throws {
        guard (seed == nil) != (seeds == nil) else { throw ValidationError("give either --seed or --seeds A..B") }
    }

    func run() async throws {
        let range = seeds?.range ?? (seed ?? 0)...(seed ?? 0)
        let tally = SimulationTally(json: json, total: range.count)
        if timeline, let seed {
            tally.add(try trace(shape.options(seed: seed)))
        } else {
            try await runAll(range, tally)
        }
        tally.finish()
        if tally.worst != 0 { throw ExitCode(tally.worst) }
    }

    private func trace(_ options: SimulationOptions) throws -> SimulationResult {
        let simulation = try Simulation(options)
        simulation.observer = { Output.line(TimelineText.line($0)) }
        return simulation.run()
    }

    /// Two cores and more, each with a seed of its own.
    private func runAll(_ range: ClosedRange<UInt64>, _ tally: SimulationTally) async throws {
        let shape = shape
        let workers = max(1, min(ProcessInfo.processInfo.activeProcessorCount, range.count))
        try await withThrowingTaskGroup(of: SimulationResult.self) { group in
            var next = range.lowerBound
            var left = range.count
            func launch() {
                guard left > 0 else { return }
                let seed = next
                left -= 1
                if left > 0 { next += 1 }
                group.addTask { try Simulation(shape.options(seed: seed)).run() }
            }
            for _ in 0..<workers { launch() }
            while let result = try await group.next() {
                tally.add(result)
                launch()
            }
        }
    }
}

/// Seeds from one to another, both included: `1..2000`.
struct SeedRange: ExpressibleByArgument {
    let range: ClosedRange<UInt64>

    init?(argument: String) {
        let ends = argument.components(separatedBy: "..").map { UInt64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last, last - first < 10_000_000 else {
            return nil
        }
        range = first...last
    }
}

/// What may be set of a simulation instead of being drawn from the seed.
struct SimulationShape: ParsableArguments, Sendable {
    @Option(help: "Regions, each with a node.") var nodes: Int?
    @Option(help: "Virtual hours in which faults happen.") var hours: Int?
    @Option(help: "Where nodes are: vietnam or world.", transform: place) var geography: Geography?
    @Option(help: "Mean minutes between two publications of a region.") var publishEvery: Int?
    @Option(help: "Most keys of a publication.") var keys: Int?
    @Option(help: "Faults and how many of each: crash=3,clog=1, or none.", transform: mix) var faults: FaultMix?
    @Option(help: "Steps of the plan to carry out: 0-3,7.") var steps: StepChoice?

    private static func place(_ text: String) throws -> Geography {
        guard let geography = Geography(rawValue: text) else {
            throw ValidationError("'\(text)' is not vietnam or world")
        }
        return geography
    }

    private static func mix(_ text: String) throws -> FaultMix {
        guard let mix = FaultMix(text) else {
            let kinds = FaultKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(text)' is not KIND=COUNT,…; kinds are \(kinds)")
        }
        return mix
    }

    func options(seed: UInt64) -> SimulationOptions {
        let drawn = SimulationOptions.drawn(seed: seed, nodes: nodes, hours: hours)
        var options = SimulationOptions(
            seed: seed,
            nodes: drawn.nodes,
            hours: drawn.hours,
            geography: geography ?? drawn.geography,
            publicationMinutes: publishEvery ?? drawn.publicationMinutes,
            keys: keys ?? drawn.keys,
            faults: faults ?? drawn.faults
        )
        options.steps = steps?.steps
        return options
    }
}

struct StepChoice: ExpressibleByArgument, Sendable {
    let steps: [Int]

    init?(argument: String) {
        guard let steps = StepList.parse(argument) else { return nil }
        self.steps = steps
    }
}
