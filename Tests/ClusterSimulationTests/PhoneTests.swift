import ClusterSimulation
import Testing

@Suite struct PhoneTests {
    /// Longer than batches live, with weeks without network: what has expired meanwhile is passed by, nothing else is.
    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func weeksOfflineLeaveNoGap(seed: UInt64) throws {
        let faults = try #require(FaultMix("offline=24,killedSync=12,crash=1,lies=6"))
        let options = SimulationOptions(
            seed: seed,
            nodes: 4,
            hours: 1100,
            publicationMinutes: 600,
            faults: faults,
            phones: 4
        )
        let result = try Simulation(options).run()
        #expect(result.violations == [])
        #expect(result.syncs > 500)
        #expect(result.marks[.phoneWasOffline] > 0)
        #expect(result.marks[.phoneBridged] > 0)
    }

    /// What a node says that deceives is refused or made good elsewhere.
    @Test func liarsGainNothing() throws {
        var marks = MarkCounts()
        for seed in 1...10 as ClosedRange<UInt64> {
            var options = SimulationOptions.drawn(seed: seed)
            options.faults = try #require(FaultMix("lies=12,misdeeds=6"))
            options.phones = 4
            let result = try Simulation(options).run()
            #expect(result.violations == [], "seed \(seed)")
            marks.add(result.marks)
        }
        #expect(marks[.phoneRefusedBytes] > 0)
        #expect(marks[.phoneRefusedIndex] > 0)
    }

    /// Phones only read: with one or many of them nodes go the same way.
    @Test func nodesDoNotNotice() throws {
        var options = SimulationOptions.drawn(seed: 3)
        let end = Int64(options.hours) * 3_600_000_000 - 1
        options.faults[.phoneLies] = 0
        options.phones = 1
        let few = try Simulation(options).run(until: end)
        options.phones = 4
        let many = try Simulation(options).run(until: end)
        #expect(many.traffic == few.traffic)
        #expect(many.syncs > few.syncs)
    }
}
