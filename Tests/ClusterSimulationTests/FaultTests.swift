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

    /// A node whose clock is set a month ahead keeps everything, and drops what has expired once it is set right.
    @Test func aClockAMonthAheadDropsNothing() throws {
        let (hour, day): (Int64, Int64) = (3_600_000_000, 86_400_000_000)
        let month: Int64 = 30 * 86_400_000
        let steps =
            (0..<4).map { Step(time: hour, action: .publish(node: $0, keys: 2, revocations: 0)) } + [
                Step(time: 2 * hour, action: .clockStep(node: 1, milliseconds: month)),
                Step(time: 13 * day, action: .clockStep(node: 1, milliseconds: -month)),
            ]
        let options = SimulationOptions(seed: 5, nodes: 4, hours: 16 * 24)
        let simulation = try Simulation(options, steps: steps)
        var result = simulation.run(until: 12 * day)
        #expect(result.marks[.clockDiffered] == 1 && result.marks[.clockAgreed] == 0)
        #expect(result.marks[.droppedFeed] == 0)
        result = simulation.run(until: 14 * day)
        #expect(result.marks[.clockDiffered] == 1 && result.marks[.clockAgreed] == 1)
        #expect(result.marks[.droppedFeed] == 0)
        result = simulation.run()
        #expect(result.marks[.droppedFeed] == 16)
        #expect(result.outcome == .held)
    }

    /// A clock is three hours ahead while a region publishes, and is set right; the operator corrects all that was said.
    /// When the time of those batches has come, the correction stands at every node, through restarts of the first one.
    @Test(arguments: [nil, 45, 70, 200] as [Int64?])
    func aCorrectionOutlastsReportsFromAhead(crash: Int64?) throws {
        let result = try Simulation(Self.correcting, steps: Self.corrected(crash: crash)).run()
        #expect(result.violations == [])
        #expect(result.marks[.answeredAhead] > 0)
    }

    /// The same where such batches are not answered.
    @Test func aCorrectionIsLostWhereReportsFromAheadAreLeft() throws {
        var options = Self.correcting
        options.planted = .leavesReportsAhead
        let result = try Simulation(options, steps: Self.corrected(crash: nil)).run()
        #expect(result.violations.map(\.invariant) == [.corrected])
    }

    private static let correcting = SimulationOptions(seed: 5, nodes: 4, hours: 6)

    private static func corrected(crash: Int64?) -> [Step] {
        let (minute, lead): (Int64, Int64) = (60_000_000, 3 * 3_600_000)
        var steps = [
            Step(time: 20 * minute, action: .publish(node: 0, keys: 2, revocations: 0)),
            Step(time: 30 * minute, action: .clockStep(node: 0, milliseconds: lead)),
            Step(time: 40 * minute, action: .publish(node: 0, keys: 2, revocations: 0)),
            Step(time: 50 * minute, action: .clockStep(node: 0, milliseconds: -lead)),
            Step(time: 60 * minute, action: .correct(node: 0, keys: 20)),
        ]
        if let crash { steps.append(Step(time: crash * minute, action: .crash(node: 0, down: minute))) }
        return steps.sorted { $0.time < $1.time }
    }
}
