import ClusterSimulation
import Testing

/// Each fault by itself, as often as it may be drawn: everything holds, and the fault has really happened.
@Suite struct FaultTests {
    @Test(arguments: FaultKind.allCases)
    func everythingHolds(kind: FaultKind) throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            var options = SimulationOptions.drawn(seed: seed)
            options.faults = FaultMix()
            options.faults[kind] = 12
            options.phones = 2
            let result = try Simulation(options).run()
            #expect(result.violations == [], "\(options.arguments)")
        }
    }

    /// What no other release knows travels through all of them.
    @Test func releasesGoTogether() throws {
        var marks = MarkCounts()
        for seed in 1...3 as ClosedRange<UInt64> {
            var options = SimulationOptions.drawn(seed: seed)
            options.faults = try #require(FaultMix("release=12"))
            let result = try Simulation(options).run()
            #expect(result.outcome == .held)
            marks.add(result.marks)
        }
        #expect(marks[.mixedReleases] > 0)
        #expect(marks[.unknownFrame] > 0)
        #expect(marks[.unknownSection] > 0)
    }

    /// Two histories under one key: no node mixes them, proofs are of real forks, and all else comes right.
    @Test func aThiefIsNotMixedIn() throws {
        var marks = MarkCounts()
        for seed in 1...5 as ClosedRange<UInt64> {
            var options = SimulationOptions.drawn(seed: seed)
            options.faults = try #require(FaultMix("stolenKey=4,partition=4,crash=4"))
            let result = try Simulation(options).run()
            #expect(result.violations == [], "seed \(seed)")
            marks.add(result.marks)
        }
        #expect(marks[.forgedHistory] > 0)
        #expect(marks[.provedFork] > 0)
    }
}
