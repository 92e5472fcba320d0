import ArgumentParser
import ClusterSimulation
import Foundation

/// What may be set of a simulation instead of being drawn from the seed.
struct SimulationShape: ParsableArguments, Sendable {
    @Option(help: "Regions, each with a node.") var nodes: Int?
    @Option(help: "Virtual hours in which faults happen.") var hours: Int?
    @Option(help: "Where nodes are: vietnam or world.", transform: place) var geography: Geography?
    @Option(help: "Mean minutes between two publications of a region.") var publishEvery: Int?
    @Option(help: "Most keys of a publication.") var keys: Int?
    @Option(help: "Faults and how many of each: crash=3,clog=1, or none.", transform: mix) var faults: FaultMix?
    @Option(help: "Batches of one fetch, and from how many missing ones on the newest come first.")
    var batchesPerFetch: Int?
    @Option(help: "Phones that sync with the nodes.") var phones: Int?
    @Option(help: "Virtual minutes after which faults end; all hours unless given.") var healAfter: Int?
    @Option(help: "Nodes that are never started: 0,3-5.", transform: list) var without: [Int]?
    @Option(help: "Phones that never sync: 0,3-5.", transform: list) var withoutPhones: [Int]?
    @Option(help: "Steps of the plan to carry out: 0-3,7.", transform: list) var steps: [Int]?

    /// A mistake to make, so that tests see what is said of it.
    @Option(help: .hidden, transform: mistake) var plant: PlantedBug?
    /// A seed whose process dies.
    @Option(help: .hidden) var crashSeed: UInt64?

    func validate() throws {
        func check(_ value: Int?, _ range: ClosedRange<Int>, _ name: String) throws {
            guard let value, !range.contains(value) else { return }
            throw ValidationError("--\(name) is \(range.lowerBound) to \(range.upperBound)")
        }
        try check(nodes, 1...1000, "nodes")
        try check(hours, 1...10_000, "hours")
        try check(publishEvery, 1...10_000, "publish-every")
        try check(keys, 1...100_000, "keys")
        try check(batchesPerFetch, 1...1000, "batches-per-fetch")
        try check(phones, 0...100, "phones")
        try check(healAfter, 1...600_000, "heal-after")
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
            faults: faults ?? drawn.faults,
            phones: phones ?? drawn.phones
        )
        options.batchesPerFetch = batchesPerFetch.map(UInt64.init) ?? drawn.batchesPerFetch
        options.steps = steps
        options.absent = without ?? []
        options.absentPhones = withoutPhones ?? []
        options.planted = plant
        if let healAfter { options.healAfterMinutes = min(healAfter, options.hours * 60) }
        return options
    }

    /// The same as arguments, for a process of its own.
    var arguments: [String] {
        var arguments: [String] = []
        func add(_ name: String, _ value: String?) {
            if let value { arguments += [name, value] }
        }
        add("--nodes", nodes.map(String.init))
        add("--hours", hours.map(String.init))
        add("--geography", geography?.rawValue)
        add("--publish-every", publishEvery.map(String.init))
        add("--keys", keys.map(String.init))
        add("--faults", faults?.text)
        add("--batches-per-fetch", batchesPerFetch.map(String.init))
        add("--phones", phones.map(String.init))
        add("--heal-after", healAfter.map(String.init))
        add("--without", without.map(StepList.text))
        add("--without-phones", withoutPhones.map(StepList.text))
        add("--steps", steps.map(StepList.text))
        add("--plant", plant?.rawValue)
        add("--crash-seed", crashSeed.map(String.init))
        return arguments
    }

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

    private static func mistake(_ text: String) throws -> PlantedBug {
        guard let bug = PlantedBug(rawValue: text) else { throw ValidationError("'\(text)' is no planted mistake") }
        return bug
    }

    private static func list(_ text: String) throws -> [Int] {
        guard let numbers = StepList.parse(text) else { throw ValidationError("'\(text)' is not of the form 0-3,7") }
        return numbers
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
