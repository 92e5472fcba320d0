import ArgumentParser

/// The command line: a node and what its operator needs, a phone for trying things out, and tools for demonstrations.
@main
struct Keytide: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keytide",
        abstract: "Regional nodes for exposure notification: publish, replicate and match diagnosis keys.",
        subcommands: [
            NodeCommand.self, ImportCommand.self, StatusCommand.self, InspectCommand.self, ClusterCommand.self,
            RegionCommand.self, RosterCommand.self, DeviceCommand.self, SampleCommand.self, StoreCommand.self,
            SimulateCommand.self,
        ]
    )
}
