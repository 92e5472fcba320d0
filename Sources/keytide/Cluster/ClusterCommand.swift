import ArgumentParser

/// `keytide cluster`: makes and watches clusters on one machine, for demonstrations and tests.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Make and watch a cluster on this machine, for demonstrations.",
        subcommands: [ClusterCreateCommand.self, ClusterWaitCommand.self, ClusterReportCommand.self]
    )
}
