import ClusterSimulation
import Testing

/// Rare paths: a fixed set of runs goes through all of them, and holds.
@Suite struct MarkTests {
    private static func runs() throws -> [SimulationOptions] {
        var runs = (1...40 as ClosedRange<UInt64>).map { SimulationOptions.drawn(seed: $0) }
        // Longer than batches live, with more epochs than a region may have.
        let faults = try #require(FaultMix("crash=300,lostDisk=20,restoredDisk=10,clockStep=10"))
        runs.append(SimulationOptions(seed: 1, nodes: 4, hours: 400, publicationMinutes: 300, faults: faults))
        // Phones that come back after more than batches live.
        let absences = try #require(FaultMix("offline=30"))
        runs.append(
            SimulationOptions(seed: 1, nodes: 4, hours: 1100, publicationMinutes: 600, faults: absences, phones: 4)
        )
        // Many phones among liars, with much to miss.
        for seed in 1...3 as ClosedRange<UInt64> {
            var deceived = SimulationOptions.drawn(seed: seed)
            deceived.faults = try #require(FaultMix("lies=60,offline=30"))
            deceived.phones = 40
            deceived.publicationMinutes = 2
            runs.append(deceived)
        }
        // Nodes that deceive phones alone, long enough for witnesses to find it.
        for seed in [1, 7] as [UInt64] {
            var deceived = SimulationOptions.drawn(seed: seed, hours: 8)
            deceived.faults = try #require(FaultMix("phoneLies=12"))
            deceived.phones = 12
            runs.append(deceived)
        }
        // Rosters that close stolen keys, among liars, long enough that phones hold what is cut.
        for seed in 1...3 as ClosedRange<UInt64> {
            var changing = SimulationOptions.drawn(seed: seed, hours: 4)
            changing.faults = try #require(FaultMix("rosters=8,stolenKey=8,lies=12"))
            changing.phones = 4
            runs.append(changing)
        }
        // Batches of which the only copy rots.
        runs += ([3753, 3825] as [UInt64]).map { SimulationOptions.drawn(seed: $0) }
        // Reports that are corrected after a clock was hours ahead.
        var correcting = SimulationOptions.drawn(seed: 1, hours: 12)
        correcting.faults = try #require(FaultMix("clockStep=24,corrections=200"))
        runs.append(correcting)
        // Where little may wait for a peer.
        var narrow = SimulationOptions.drawn(seed: 1)
        narrow.faults = try #require(FaultMix("partition=12,pause=12,clog=12"))
        narrow.outboxBytes = 100
        runs.append(narrow)
        return runs
    }

    @Test func allAreReached() throws {
        var marks = MarkCounts()
        for options in try Self.runs() {
            let result = try Simulation(options).run()
            #expect(result.violations == [], "\(options.arguments)")
            marks.add(result.marks)
        }
        #expect(marks.missing == [])
    }

    @Test func countsAddUp() {
        var (one, other) = (MarkCounts(), MarkCounts())
        one[.pulled] = 2
        other[.pulled] = 3
        other[.repaired] = 1
        one.add(other)
        #expect(one[.pulled] == 5)
        #expect(one.missing == Mark.allCases.filter { $0 != .pulled && $0 != .repaired })
    }
}
