import ClusterSimulation
import Testing

/// A node that deceives phones is found by their witnesses within hours; nobody else is accused, and all comes right.
@Suite struct PhoneLieTests {
    private static let minute: Int64 = 60_000_000
    private static let hour = 60 * minute

    /// Five nodes that publish every twenty minutes, and twenty phones; from the third hour on node 1 deceives them for
    /// four hours about node 0's region.
    private static func simulation(_ lie: PhoneLie?) throws -> Simulation {
        let options = SimulationOptions(seed: 2, nodes: 5, hours: 8, phones: 20)
        var steps: [Step] = []
        for round in 0..<24 as Range<Int64> {
            for node in 0..<5 {
                let time = (20 * round + Int64(node)) * minute
                steps.append(Step(time: time, action: .publish(node: node, keys: 2, revocations: 0)))
            }
        }
        if let lie {
            let start = Step(time: 3 * hour, action: .deceivePhones(node: 1, about: 0, lie, for: 4 * hour))
            steps.insert(start, at: steps.firstIndex { $0.time > start.time } ?? steps.endIndex)
        }
        return try Simulation(options, steps: steps)
    }

    private static func finding(_ lie: PhoneLie) -> Mark {
        switch lie {
        case .withholds: .phoneFoundWithheld
        case .anotherHistory: .phoneFoundFork
        case .ownEpoch: .phoneFoundOwnEpoch
        case .replays: .phoneFoundReplay
        case .claims: .phoneDoubtedWitness
        }
    }

    /// Who is accused with proof has lied: that is an invariant (`phones`).
    @Test(arguments: PhoneLie.allCases)
    func isFoundWithinFourHours(lie: PhoneLie) throws {
        let simulation = try Self.simulation(lie)
        var result = simulation.run(until: 3 * Self.hour)
        #expect(result.marks[Self.finding(lie)] == 0)
        #expect(result.marks[.phoneWitnessed] > 0)
        result = simulation.run(until: 7 * Self.hour)
        #expect(result.marks[Self.finding(lie)] > 0)
        result = simulation.run()
        #expect(result.violations == [])
    }

    @Test func nothingIsFoundWhereNobodyLies() throws {
        let result = try Self.simulation(nil).run()
        #expect(result.violations == [])
        for lie in PhoneLie.allCases { #expect(result.marks[Self.finding(lie)] == 0, "\(lie)") }
    }

    /// Drawn lies, about any region, for some hours each.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func drawnOnesAreBorne(seed: UInt64) throws {
        var options = SimulationOptions.drawn(seed: seed, hours: 8)
        options.faults = try #require(FaultMix("phoneLies=8"))
        options.phones = 6
        let result = try Simulation(options).run()
        #expect(result.violations == [], "\(options.arguments)")
    }
}
