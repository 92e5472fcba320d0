import ArgumentParser
import ClusterSimulation
import Foundation

/// `keytide simulate`: clusters in virtual time, with faults.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run clusters in virtual time through faults of all kinds, and check what must always hold.",
        discussion: """
            Every seed draws its own cluster and mix of faults, and prints both; the same seed and options give the same \
            course in any process. A seed that fails is made as small as it goes and printed as a command to repeat it, \
            with its course. Exit status: 0 all held, 2 a run crashed, 3 an invariant was broken, 4 nodes did not come to \
            hold the same in time.
            """
    )

    @Option(help: "Run this seed.") var seed: UInt64?
    @Option(help: ArgumentHelp("Run these seeds.", valueName: "A..B")) var seeds: SeedRange?
    @OptionGroup var shape: SimulationShape
    @Flag(help: "Print one JSON object for each seed.") var json = false
    @Flag(help: "Print what happens, a line for each moment and a column for each node; with --seed.") var timeline =
        false
    @Option(help: ArgumentHelp("Draw what happens, or the smallest case that fails, there.", valueName: "FILE"))
    var html: String?
    @Flag(inversion: .prefixedNo, help: "Make the first seed that fails smaller.") var shrink = true
    @Flag(help: .hidden) var worker = false

    func validate() throws {
        guard (seed == nil) != (seeds == nil) else { throw ValidationError("give either --seed or --seeds A..B") }
        guard !timeline || seed != nil else { throw ValidationError("--timeline shows one seed: give --seed") }
    }

    func run() async throws {
        if worker { return try work() }
        let range = seeds?.range ?? (seed ?? 0)...(seed ?? 0)
        let tally = SimulationTally(json: json, total: range.count)
        try await SimulationWorkers(shape: shape, seeds: range).run { tally.add($0) }
        tally.finish()
        if let first = tally.first, shrink {
            let smallest = try FailureReport(outcome: first.outcome).shrink(shape.options(seed: first.seed))
            try draw(smallest)
        } else if let seed, timeline || html != nil {
            try draw(shape.options(seed: seed))
        }
        if tally.status != 0 { throw ExitCode(tally.status) }
    }

    /// What a child does: its seeds one after the other, a line for each.
    private func work() throws {
        for seed in seeds?.range ?? (seed ?? 0)...(seed ?? 0) {
            if seed == shape.crashSeed { abort() }
            try Output.json(SimulationLine(try Simulation(shape.options(seed: seed)).run()))
        }
    }

    private func draw(_ options: SimulationOptions) throws {
        let timeline = try FailureReport.timeline(of: options)
        if self.timeline || html == nil { for line in timeline.lines() { Output.line(line) } }
        guard let html else { return }
        let page = TimelineHTML.page(timeline, title: "keytide simulate " + options.arguments, nodes: options.nodes)
        try Files.write(page.utf8, html)
        Output.progress("drawn in \(html)")
    }
}
