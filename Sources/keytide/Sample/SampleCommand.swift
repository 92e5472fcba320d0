import ArgumentParser

/// `keytide sample`: makes realistic material for demonstrations, or looks into real one.
struct SampleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Make export archives and encounters to try things out.",
        subcommands: [SampleExportsCommand.self, SampleEncountersCommand.self]
    )
}
