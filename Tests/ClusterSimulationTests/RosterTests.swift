import ClusterSimulation
import Testing

/// Rosters that change while nodes, thieves and phones run.
@Suite struct RosterTests {
    private static let minute: Int64 = 60_000_000

    private static func publications(_ nodes: Int, from start: Int64, to end: Int64) -> [Step] {
        stride(from: start, to: end, by: 5).flatMap { time in
            (0..<nodes).map { Step(time: time * minute, action: .publish(node: $0, keys: 2, revocations: 0)) }
        }
    }

    private static func run(_ steps: [Step], phones: Int = 0, nodes: Int = 5) throws -> SimulationResult {
        let options = SimulationOptions(seed: 3, nodes: nodes, hours: 2, phones: phones)
        return try Simulation(options, steps: steps.sorted { $0.time < $1.time }).run()
    }

    /// One node is handed the roster: the others fetch it, the region goes on with its new key.
    @Test func aRotationSpreads() throws {
        let change = Step(
            time: 31 * Self.minute,
            action: .changeRoster(.rotation, node: 1, given: NodeSet([3]))
        )
        let result = try Self.run(Self.publications(5, from: 10, to: 110) + [change])
        #expect(result.violations == [])
        #expect(result.marks[.fetchedRoster] == 4)
        #expect(result.marks[.changedKey] == 1)
        #expect(result.marks[.cutByClosure] == 0)
        // Under the old key until its node is given the new one: nothing is refused.
        #expect(result.batches == 5 * 20)
    }

    /// A thief begins epochs of his own; the roster that closes the key takes them from every disk.
    @Test func aClosureCutsWhatAThiefHasBegun() throws {
        let theft = Step(
            time: 30 * Self.minute,
            action: .stolenKey(node: 1, opensEpochs: true, for: 40 * Self.minute)
        )
        let closure = Step(
            time: 60 * Self.minute,
            action: .changeRoster(.closure, node: 1, given: NodeSet([0]))
        )
        let result = try Self.run(Self.publications(5, from: 10, to: 110) + [theft, closure], phones: 3)
        #expect(result.violations == [])
        // Five nodes and the thief's own.
        #expect(result.marks[.cutByClosure] >= 5)
        #expect(result.marks[.phoneCutByClosure] > 0)
        #expect(result.marks[.phoneFollowedRoster] > 0)
        #expect(result.marks[.provedFork] == 0)
    }

    /// A thief contradicts the region: the fork stops it everywhere until a roster settles what stands.
    @Test func aClosureSettlesAFork() throws {
        let theft = Step(
            time: 42 * Self.minute,
            action: .stolenKey(node: 1, opensEpochs: false, for: 20 * Self.minute)
        )
        let closure = Step(
            time: 80 * Self.minute,
            action: .changeRoster(.closure, node: 1, given: NodeSet([0, 2]))
        )
        let steps = Self.publications(5, from: 10, to: 110) + [theft]
        let forked = try Self.run(steps)
        #expect(forked.violations == [])
        #expect(forked.marks[.provedFork] >= 5 && forked.marks[.settledFork] == 0)
        let settled = try Self.run(steps + [closure])
        #expect(settled.violations == [])
        #expect(settled.marks[.settledFork] >= 5)
        // The region publishes again.
        #expect(settled.batches > forked.batches)
    }

    /// A node that comes back with an older roster catches up, and the one who alone had the newest may lose it.
    @Test func anOlderRosterIsLeftBehind() throws {
        let minute = Self.minute
        let steps =
            Self.publications(5, from: 10, to: 110) + [
                Step(time: 31 * minute, action: .changeRoster(.rotation, node: 1, given: NodeSet([1]))),
                Step(time: 40 * minute, action: .lostDisk(node: 1, down: minute)),
                Step(time: 50 * minute, action: .restoredDisk(node: 2, age: 30 * minute, down: minute)),
            ]
        let result = try Self.run(steps)
        #expect(result.violations == [])
        #expect(result.marks[.fetchedRoster] == 6)
    }
}
