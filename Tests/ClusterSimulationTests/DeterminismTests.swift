import ClusterSimulation
import Testing

@Suite struct DeterminismTests {
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func oneSeedIsOneCourse(seed: UInt64) throws {
        let options = SimulationOptions.drawn(seed: seed, hours: 1)
        let first = try Simulation(options).run()
        let second = try Simulation(options).run()
        #expect(first.trace == second.trace)
        #expect(first.events == second.events)
        #expect(first.violations == second.violations)
    }
}
