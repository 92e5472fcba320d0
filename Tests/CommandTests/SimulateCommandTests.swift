import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(3))) struct SimulateCommandTests {
    private func simulate(_ arguments: String...) async throws -> Keytide.Outcome {
        let scratch = try Scratch()
        defer { scratch.remove() }
        return try await Keytide.run(["simulate"] + arguments, in: scratch, seconds: 100)
    }

    private struct Line: Decodable, Equatable {
        let seed: UInt64
        let arguments: String
        let outcome: String
        let trace: String
        let events: Int
    }

    private func lines(_ outcome: Keytide.Outcome) throws -> [Line] {
        try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
            .sorted { $0.seed < $1.seed }
    }

    /// Also one that is told all that the other has drawn from its seed.
    @Test func twoProcessesHaveOneCourse() async throws {
        let first = try lines(try await simulate("--seeds", "1..4", "--hours", "1", "--json"))
        let second = try lines(try await simulate("--seeds", "1..4", "--hours", "1", "--json"))
        #expect(first == second && first.map(\.seed) == [1, 2, 3, 4])
        #expect(Set(first.map(\.trace)).count == 4)
        let scratch = try Scratch()
        defer { scratch.remove() }
        let arguments = first[2].arguments.split(separator: " ").map(String.init)
        let told = try await Keytide.run(["simulate", "--json"] + arguments, in: scratch)
        #expect(try lines(told) == [first[2]])
    }

    /// What is left of a failing seed fails again, by the command that is printed.
    @Test func aBrokenInvariantIsMadeSmallAndDrawn() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let page = scratch.file("run.html")
        let found = try await Keytide.run(
            ["simulate", "--seed", "2", "--hours", "1", "--plant", "advertsOneMore", "--html", page],
            in: scratch,
            seconds: 100
        )
        #expect(found.status == 3)
        let mark = "repeat it: keytide simulate --timeline "
        let command = try #require(found.complaints.first { $0.hasPrefix(mark) }).dropFirst(mark.count)
        let again = try await Keytide.run(
            ["simulate", "--timeline", "--no-shrink"] + command.split(separator: " ").map(String.init),
            in: scratch
        )
        #expect(again.status == 3)
        #expect(again.output.contains("BROKEN durableBeforeClaimed"))
        // One publication is all it takes.
        #expect(again.output.split(separator: "\n").count { $0.contains("publishes") } == 1)
        let drawing = try String(contentsOfFile: page, encoding: .utf8)
        #expect(drawing.contains("<svg") && drawing.contains("durableBeforeClaimed"))
    }

    @Test func nodesThatStayApartAreTold() async throws {
        let outcome = try await simulate(
            "--seeds",
            "1..2",
            "--hours",
            "1",
            "--faults",
            "crash=3,clog=3",
            "--plant",
            "neverRedials",
            "--no-shrink"
        )
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("converged"))
    }

    /// The other seeds of its process are run all the same.
    @Test func aCrashEndsOneSeed() async throws {
        let outcome = try await simulate(
            "--seeds",
            "1..6",
            "--hours",
            "1",
            "--crash-seed",
            "3",
            "--json",
            "--no-shrink"
        )
        #expect(outcome.status == 2)
        let outcomes = try lines(outcome).map { "\($0.seed) \($0.outcome)" }
        #expect(outcomes == ["1 held", "2 held", "3 crash", "4 held", "5 held", "6 held"])
    }

    @Test(arguments: [
        [], ["--seed", "1", "--seeds", "1..2"], ["--seeds", "2..1"], ["--seed", "1", "--nodes", "0"],
        ["--seed", "1", "--faults", "rain=1"], ["--seeds", "1..2", "--timeline"], ["--seed", "1", "--steps", "3-1"],
    ])
    func wrongArgumentsAreRefused(arguments: [String]) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let outcome = try await Keytide.run(["simulate"] + arguments, in: scratch)
        #expect(outcome.status == 64 && outcome.errors.contains("Error"))
    }
}
