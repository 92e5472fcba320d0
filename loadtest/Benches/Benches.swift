import ArgumentParser

/// What `loadtest/bench` runs. Each bench prints JSON lines on standard output and progress on standard error.
@main
struct Benches: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Sizes and costs of Keytide beside those of its peers, as JSON lines.",
        subcommands: [
            FeedSizeBench.self, ImportBench.self, ImportOnce.self, CodecBench.self, ServeBench.self, PollBench.self,
            MemoryBench.self, OverheadBench.self, ReplicateBench.self, IdleLinkBench.self, MatchBench.self,
        ]
    )
}

/// What keeps a bench from giving a figure.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
