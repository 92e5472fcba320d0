import Replication

/// Everything that shapes a simulation. Two runs with equal options are equal, event by event, in any process.
public struct SimulationOptions: Equatable, Sendable {
    public var seed: UInt64
    /// Regions, each with a node: 1 to 1000.
    public var nodes: Int
    /// Virtual hours in which faults happen: 1 to 10,000.
    public var hours: Int
    public var geography: Geography
    /// Mean time between two publications of a region.
    public var publicationMinutes: Int
    /// Most keys of a publication.
    public var keys: Int
    public var faults: FaultMix
    /// Batches of one fetch, and from how many missing ones on the newest come first.
    public var batchesPerFetch: UInt64 = 32
    /// Phones that sync with the nodes: 0 to 100.
    public var phones: Int
    /// Virtual minutes after the last fault within which all nodes must hold the same.
    public var livenessMinutes = 20
    /// How long a transaction takes until it is durable, in virtual microseconds.
    public var storeDelay: ClosedRange<Int64> = 500...4000
    /// Steps of the plan that are carried out, ascending; nil for all.
    public var steps: [Int]?
    /// Bytes that may wait for one peer before its link is given up.
    public var outboxBytes = 32 << 20
    /// For tests of the checks; not among the arguments.
    public var planted: PlantedBug?
    /// Nodes that are never started, ascending; the roster lists them all the same.
    public var absent: [Int] = []
    /// Phones that never sync, ascending.
    public var absentPhones: [Int] = []
    /// Virtual minutes after which faults end; steps from later on are left out.
    public var healAfterMinutes: Int

    public init(
        seed: UInt64,
        nodes: Int,
        hours: Int,
        geography: Geography = .vietnam,
        publicationMinutes: Int = 20,
        keys: Int = 3,
        faults: FaultMix = FaultMix(),
        phones: Int = 0
    ) {
        self.seed = seed
        self.nodes = min(max(1, nodes), 1000)
        self.hours = min(max(1, hours), 10_000)
        self.geography = geography
        self.publicationMinutes = min(max(1, publicationMinutes), 10_000)
        self.keys = min(max(1, keys), 100_000)
        self.faults = faults
        self.phones = min(max(0, phones), 100)
        healAfterMinutes = self.hours * 60
    }

    /// What a seed stands for: its own nodes, places, pace and mix of faults, unless something is given.
    public static func drawn(seed: UInt64, nodes: Int? = nil, hours: Int? = nil) -> SimulationOptions {
        var random = SeededRandom(seed: seed, stream: 1)
        let hours = hours ?? 2
        let count = nodes ?? 5 + random.below(5)
        let geography: Geography = random.chance(500) ? .vietnam : .world
        let minutes = 5 + random.below(30)
        let keys = random.chance(200) ? 200 : 3
        var options = SimulationOptions(
            seed: seed,
            nodes: count,
            hours: hours,
            geography: geography,
            publicationMinutes: minutes,
            keys: keys,
            faults: FaultMix.drawn(hours: hours, random: &random)
        )
        if random.chance(700) { options.batchesPerFetch = UInt64(1 + random.below(4)) }
        options.phones = random.below(5)
        // Last, so that what is drawn of a seed besides stays what it was.
        if random.chance(500) { options.faults[.phoneLies] = 1 + random.below(4) }
        if random.chance(500) { options.faults[.rosters] = 1 + random.below(4) }
        if random.chance(500) { options.faults[.corrections] = 1 + random.below(12) }
        return options
    }

    /// Minutes between two indexes that a node signs for its neighbours.
    var indexMinutes: Int { min(max(10, hours * 60 / 100), 30) }

    /// Whether nodes give each other their indexes: where phones hear of them. Every one is verified at every node, so
    /// what is large or long does without.
    var exchangesIndexes: Bool { phones > 0 && nodes * nodes * (hours * 60 / indexMinutes) <= 100_000 }

    /// The knobs of all replicas.
    var replication: ReplicationSettings {
        var settings = ReplicationSettings()
        settings.batchesPerFetch = batchesPerFetch
        if batchesPerFetch != 32 { settings.catchUpFrom = batchesPerFetch }
        return settings
    }

    /// All of it, as arguments that repeat the run.
    public var arguments: String {
        var text = "--seed \(seed) --nodes \(nodes) --hours \(hours) --geography \(geography.rawValue)"
        text += " --publish-every \(publicationMinutes) --keys \(keys) --phones \(phones) --faults \(faults.text)"
        text += " --batches-per-fetch \(batchesPerFetch)"
        if healAfterMinutes != hours * 60 { text += " --heal-after \(healAfterMinutes)" }
        if !absent.isEmpty { text += " --without \(StepList.text(absent))" }
        if !absentPhones.isEmpty { text += " --without-phones \(StepList.text(absentPhones))" }
        if let planted { text += " --plant \(planted.rawValue)" }
        if let steps { text += " --steps \(StepList.text(steps))" }
        return text
    }
}

/// A choice of steps in the form `0-3,7`.
public enum StepList {
    /// - Parameter steps: ascending.
    public static func text(_ steps: [Int]) -> String {
        var parts: [String] = []
        var start = steps.startIndex
        while start < steps.endIndex {
            var end = start
            while end + 1 < steps.endIndex, steps[end + 1] == steps[end] + 1 { end += 1 }
            parts.append(start == end ? "\(steps[start])" : "\(steps[start])-\(steps[end])")
            start = end + 1
        }
        return parts.isEmpty ? "none" : parts.joined(separator: ",")
    }

    /// - Returns: ascending without repetitions; nil if `text` is not of the form, or names more than a million steps.
    public static func parse(_ text: some StringProtocol) -> [Int]? {
        if text == "none" { return [] }
        var steps: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], 0 <= first,
                first <= last, last - first < 1_000_000, steps.count < 1_000_000
            else { return nil }
            steps += first...last
        }
        return steps.sorted().reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }
}
