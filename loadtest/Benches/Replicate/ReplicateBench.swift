import ArgumentParser
import Foundation

/// How batches spread among many nodes, in the simulator.
struct ReplicateBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate",
        abstract: "Copies, bytes and time until all nodes have a batch, beside a flood on the same overlay.",
        discussion: """
            Nodes stand in 19 places of the world; only ways take time. Every node publishes a batch every 3 s, 12 rounds, \
            the second half counts. In crash5 a node of twenty crashes in the middle and stays away.
            """
    )

    @Option(help: "Numbers of nodes.", transform: { try ReplicateBench.numbers($0) })
    var nodes = [64, 200]
    @Option(
        help: "Keys of each batch; 280 are about 4 KiB, 1,120 about 16 KiB.",
        transform: { try ReplicateBench.numbers($0) }
    )
    var keys = [1120, 280]
    @Option(help: "steady, crash5, or both with a comma.")
    var kinds = "steady,crash5"
    @Option(help: "Where nodes stand, when they publish and which crash follow from it.")
    var seed: UInt64 = 1

    func run() throws {
        for keys in keys {
            for nodes in nodes {
                for kind in kinds.split(separator: ",") { try measure(String(kind), nodes: nodes, keys: keys).print() }
            }
        }
    }

    private func measure(_ kind: String, nodes: Int, keys: Int) throws -> ResultLine {
        guard kind == "steady" || kind == "crash5" else { throw BenchError("there is no case \(kind)") }
        let isCrash = kind == "crash5"
        let plan = ReplicateCase(
            name: "\(kind) N=\(nodes)",
            nodes: nodes,
            crashedPart: isCrash ? 50 : 0,
            keys: keys,
            seed: seed
        )
        let start = ContinuousClock.now
        let run = try ReplicateRun(plan)
        Progress.report("replicate, \(plan.name), \(Int(run.batchBytes)) bytes a batch: \(run.events) events")
        let (p50, p99) = (ReplicateRun.percentile(50, of: run.ours), ReplicateRun.percentile(99, of: run.ours))
        let flood50 = ReplicateRun.percentile(50, of: run.theirs)
        let flood99 = ReplicateRun.percentile(99, of: run.theirs)
        let limit = min(1.15 * flood99, nodes == 64 ? 215 : .infinity)
        return ResultLine(
            bench: "replicate",
            case: plan.name,
            peer: "flood",
            ours: p99,
            theirs: flood99,
            limit: limit,
            ratio: p99 / flood99,
            unit: "ms",
            further: [
                ("copies", run.copies), ("copiesLimit", isCrash ? 1.10 : 1.02),
                ("wire", run.wire), ("wireLimit", run.batchBytes >= 16_384 ? 1.08 : 1.15),
                ("p50", p50), ("p50Limit", 1.12 * flood50), ("p50Ratio", p50 / flood50), ("p99", p99),
                ("floodP50", flood50), ("floodP99", flood99), ("floodCopies", run.floodCopies),
                ("batchBytes", run.batchBytes.rounded()), ("batches", Double(run.ours.count)),
                ("crashed", Double(plan.crashes)), ("seconds", Rounds.seconds(since: start)),
            ]
        )
    }

    private static func numbers(_ text: String) throws -> [Int] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !numbers.isEmpty, numbers.allSatisfy({ (2...10_000).contains($0 ?? 0) }) else {
            throw ValidationError("'\(text)' is not a list of numbers from 2 to 10000")
        }
        return numbers.compactMap { $0 }
    }
}
