import ClusterSimulation
import Testing
import TestSupport

@Suite struct SimulationOptionsTests {
    @Test func stepListsReadWhatTheyWrite() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<200 {
            let steps = (0..<40).filter { _ in Bool.random(using: &random) }
            #expect(StepList.parse(StepList.text(steps)) == steps)
        }
        #expect(StepList.text([0, 1, 2, 3, 7]) == "0-3,7")
        #expect(StepList.parse("3,1-2,2") == [1, 2, 3])
    }

    @Test(arguments: ["", "a", "1-", "-1", "2-1", "1,,2", "0-99999999"])
    func malformedListsAreRefused(text: String) {
        #expect(StepList.parse(text) == nil)
    }

    @Test(arguments: ["crash", "crash=x", "crash=-1", "crash=1001", "unheard=1", "crash=1;clog=1"])
    func malformedMixesAreRefused(text: String) {
        #expect(FaultMix(text) == nil)
    }

    @Test func mixesReadWhatTheyWrite() throws {
        for seed in 1...100 as ClosedRange<UInt64> {
            let mix = SimulationOptions.drawn(seed: seed).faults
            #expect(FaultMix(mix.text) == mix)
        }
        #expect(FaultMix("none") == FaultMix())
    }

    @Test func argumentsNameThePhones() {
        var options = SimulationOptions(seed: 1, nodes: 2, hours: 1, phones: 3)
        options.absentPhones = [0, 2]
        #expect(options.arguments.contains("--phones 3"))
        #expect(options.arguments.contains("--without-phones 0,2"))
        #expect(SimulationOptions(seed: 1, nodes: 2, hours: 1, phones: 1000).phones == 100)
    }

    /// Swarm testing: every kind is on in some seeds and off in others.
    @Test func everyFaultIsOnInHalfOfTheSeeds() {
        for kind in FaultKind.allCases {
            let on = (1...400).count { SimulationOptions.drawn(seed: UInt64($0)).faults[kind] > 0 }
            #expect((140...260).contains(on), "\(kind) is on in \(on) of 400 seeds")
        }
    }
}
