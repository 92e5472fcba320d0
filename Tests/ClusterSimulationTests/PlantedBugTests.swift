import ClusterSimulation
import Testing

/// For every invariant a mistake that breaks it: a run must find it, and nothing where it is not made.
@Suite struct PlantedBugTests {
    /// Where a mistake is looked for.
    private struct Hunt {
        /// Seeds within which it must be caught.
        var seeds: UInt64 = 5
        /// What it needs to happen.
        var faults: FaultMix?
        var hours = 2
        var isLong = false
        var nodes = 4
        var outboxBytes: Int?
        var phones = 0

        func options(_ seed: UInt64) -> SimulationOptions {
            var options = SimulationOptions.drawn(seed: seed, hours: hours)
            if isLong {
                // Longer than batches live.
                options = SimulationOptions(seed: seed, nodes: nodes, hours: 400, publicationMinutes: 1500)
            }
            if let faults { options.faults = faults }
            options.phones = phones
            if let outboxBytes { options.outboxBytes = outboxBytes }
            return options
        }
    }

    private static func hunt(_ bug: PlantedBug) -> Hunt {
        switch bug {
        case .storesUnverified: Hunt(faults: FaultMix("lies=12"))
        case .keepsTornWrites: Hunt(faults: FaultMix("tornWrite=6"))
        case .losesTheTail: Hunt(faults: FaultMix("fullDisk=6"))
        case .signsInAnOldEpoch: Hunt(faults: FaultMix("tornWrite=6,restoredDisk=6"))
        case .ignoresClockJumps: Hunt(faults: FaultMix("memoryImage=12,partition=12,oneWayPartition=12"))
        case .acknowledgesEarly: Hunt(faults: FaultMix("fullDisk=6,crash=12"))
        case .forgetsUpload: Hunt(faults: FaultMix("crash=6"))
        case .dropsEarly: Hunt(seeds: 1, faults: FaultMix("crash=1"), isLong: true)
        case .readmitsDropped:
            // Of three or more none that is hours ahead drops anything.
            Hunt(seeds: 1, faults: FaultMix("crash=600,clockStep=40"), isLong: true, nodes: 2)
        case .letsOthersRevoke: Hunt(faults: FaultMix("foreignRevocations=6"))
        case .neverClosesLinks: Hunt(faults: FaultMix("crash=12,oneWayPartition=12"))
        case .unboundedOutbox: Hunt(faults: FaultMix("partition=12,pause=12,clog=12"), outboxBytes: 100)
        case .advertsOneMore, .announcesEarly, .revivesRevoked, .lastWriterWins, .forgetsKeysEarly,
            .reportsStoredAsFailed:
            Hunt(seeds: 2, faults: FaultMix())
        case .phoneSkipsBatches, .phoneInventsKeys: Hunt(seeds: 1, faults: FaultMix(), phones: 1)
        case .hidesARegion: Hunt(seeds: 1, faults: FaultMix(), hours: 8, phones: 12)
        case .losesForkProofs: Hunt(faults: FaultMix("stolenKey=6"))
        case .mistakesClaimsForForks: Hunt(faults: FaultMix("lies=12"), phones: 4)
        case .ignoresClosures, .forgetsRosters: Hunt(seeds: 3, faults: FaultMix("stolenKey=4,rosters=4"))
        case .phoneGivesUp: Hunt(seeds: 2, faults: FaultMix("killedSync=6"), phones: 2)
        case .leavesReportsAhead: Hunt(faults: FaultMix("clockStep=24,corrections=40"), hours: 8)
        case .neverRedials: Hunt(seeds: 2, faults: FaultMix("crash=3,clog=3"))
        }
    }

    @Test(arguments: PlantedBug.allCases)
    func isCaught(bug: PlantedBug) throws {
        let hunt = Self.hunt(bug)
        var isCaught = false
        for seed in 1...hunt.seeds where !isCaught {
            var options = hunt.options(seed)
            options.planted = bug
            let result = try Simulation(options).run()
            isCaught = result.violations.contains { $0.invariant == bug.breaks }
        }
        #expect(isCaught, "\(bug) is not caught in \(hunt.seeds) seeds")
    }

    @Test(arguments: PlantedBug.allCases)
    func nothingIsFoundWithout(bug: PlantedBug) throws {
        let hunt = Self.hunt(bug)
        for seed in 1...hunt.seeds {
            let result = try Simulation(hunt.options(seed)).run()
            #expect(result.violations == [], "seed \(seed)")
        }
    }

    @Test(arguments: Invariant.allCases)
    func everyInvariantHasABug(invariant: Invariant) {
        #expect(PlantedBug.allCases.contains { $0.breaks == invariant })
    }
}
