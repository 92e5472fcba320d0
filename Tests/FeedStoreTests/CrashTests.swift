import Foundation
import Testing

/// Power cuts, on a disk that loses what was not synchronised.
@Suite struct CrashTests {
    /// Power cuts of a run; `KEYTIDE_CRASHES` sets another number, `KEYTIDE_CRASH_SEED` the first seed.
    private static let count = ProcessInfo.processInfo.environment["KEYTIDE_CRASHES"].flatMap { Int($0) } ?? 2000
    private static let seed = ProcessInfo.processInfo.environment["KEYTIDE_CRASH_SEED"].flatMap { Int($0) } ?? 1

    private func run(_ count: Int, plant: String = "none") throws -> (status: Int32, lines: [String]) {
        let scratch = try Scratch()
        let run = try Exerciser(["crash", scratch.path, "\(Self.seed)", "\(count)", plant], in: scratch)
        let status = try run.finish()
        return (status, try run.lines())
    }

    @Test func whatIsAcknowledgedSurvivesPowerCuts() throws {
        let (status, lines) = try run(Self.count)
        #expect(status == 0, "\(lines)")
        let words = try #require(lines.last).split(separator: " ").map(String.init)
        func tally(_ name: String) throws -> Int {
            let place = try #require(words.firstIndex(of: name), "\(lines)")
            return try #require(Int(words[place + 1]), "\(lines)")
        }
        #expect(try tally("cuts") == Self.count)
        // The rare paths were taken: cuts while the store opens and after it closed, calls under way found whole.
        for name in ["opening", "closed", "kept", "lost", "appends", "drops", "begins"] {
            #expect(try tally(name) > 0, "\(name): \(lines)")
        }
    }

    /// Otherwise the test above could not fail.
    @Test(arguments: ["off", "normal"])
    func aStoreThatDoesNotWaitForTheDiskIsFound(plant: String) throws {
        let (status, lines) = try run(200, plant: plant)
        #expect(status == 1)
        #expect(lines.last?.hasPrefix("violation of seed") == true)
    }
}
