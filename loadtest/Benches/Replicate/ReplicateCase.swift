import ClusterSimulation

/// One cluster of the `replicate` bench and what happens in it: links first, then rounds in which every node publishes
/// one batch; the second half of the rounds counts.
struct ReplicateCase {
    let name: String
    let nodes: Int
    /// Of 1000 nodes how many crash in the middle, and stay away.
    let crashedPart: Int
    /// Of each publication.
    let keys: Int
    let seed: UInt64

    static let rounds = 12
    static let second: Int64 = 1_000_000
    static let round = 3 * second
    /// When the first round begins: all links are up by then.
    static let start = 60 * second
    /// What counts: from here on, up to `end`.
    static let middle = start + Int64(rounds / 2) * round
    static let end = start + Int64(rounds) * round

    var options: SimulationOptions {
        var options = SimulationOptions(seed: seed, nodes: nodes, hours: 1, geography: .world, keys: keys)
        // Only ways take time, as in the model.
        options.storeDelay = 0...0
        return options
    }

    var crashes: Int { nodes * crashedPart / 1000 }

    /// Publications at uniform moments of the first two seconds of a round; the crashes at such moments of the first
    /// round that counts, so that some batches are on their way.
    func steps(random: inout some RandomNumberGenerator) -> [Step] {
        var steps: [Step] = []
        for round in 0..<ReplicateCase.rounds {
            let begin = ReplicateCase.start + Int64(round) * ReplicateCase.round
            for node in 0..<nodes {
                let time = begin + Int64.random(in: 0..<2 * ReplicateCase.second, using: &random)
                steps.append(Step(time: time, action: .publish(node: node, keys: keys, revocations: 0)))
            }
        }
        for node in Array(0..<nodes).shuffled(using: &random).prefix(crashes) {
            let time = ReplicateCase.middle + Int64.random(in: 0..<2 * ReplicateCase.second, using: &random)
            steps.append(Step(time: time, action: .crash(node: node, down: 3600 * ReplicateCase.second)))
        }
        return steps.sorted { $0.time < $1.time }
    }
}
