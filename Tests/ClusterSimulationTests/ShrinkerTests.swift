import ClusterSimulation
import Testing

@Suite struct ShrinkerTests {
    private var options: SimulationOptions { .drawn(seed: 11, nodes: 6, hours: 4) }

    /// A case that fails whenever two steps and a node are there: all else must go.
    @Test func nothingButTheCauseIsLeft() throws {
        let count = try Simulation(options).steps.count
        let causes = [count / 3, count / 2]
        var shrinker = Shrinker(options, goal: .broken(.signed)) { tried in
            let steps = tried.steps ?? []
            return causes.allSatisfy(steps.contains) && !tried.absent.contains(4) ? .broken(.signed) : nil
        }
        try shrinker.run()
        #expect(shrinker.smallest.steps == causes)
        #expect(shrinker.smallest.absent == [0, 1, 2, 3, 5])
        #expect(shrinker.smallest.healAfterMinutes == 1)
    }

    @Test func phonesGoUnlessTheyAreTheCause() throws {
        var options = options
        options.phones = 4
        var shrinker = Shrinker(options, goal: .broken(.phones)) { tried in
            tried.absentPhones.contains(1) ? nil : .broken(.phones)
        }
        try shrinker.run()
        #expect(shrinker.smallest.absentPhones == [0, 2, 3])
    }

    /// Another failure on the way is not the one that is looked for.
    @Test func anotherFailureIsNotTaken() throws {
        var shrinker = Shrinker(options, goal: .broken(.signed)) { tried in
            (tried.steps ?? []).count > 10 ? .broken(.signed) : .broken(.merged)
        }
        try shrinker.run()
        #expect(shrinker.smallest.steps?.count == 11)
    }

    @Test func attemptsAreBounded() throws {
        var runs = 0
        var shrinker = Shrinker(options, goal: .crash, runs: 7) { _ in
            runs += 1
            return nil
        }
        try shrinker.run()
        #expect(runs <= 7)
        #expect(shrinker.smallest.absent.isEmpty)
    }
}
