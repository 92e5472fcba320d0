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

    /// As the library does it, but errors are written as everything else is.
    static func main() async {
        do {
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            // Help and versions are no errors.
            if code.isSuccess { exit(withError: error) }
            let message = fullMessage(for: error)
            if !message.isEmpty { Output.progress(message) }
            exit(withError: code)
        }
    }
}
