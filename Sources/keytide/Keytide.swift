import ArgumentParser
import Foundation

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
        // A limit on file sizes is an error of the one write that meets it, and a reader of our output may go away.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            // Help and versions are results, not errors.
            if code.isSuccess {
                Output.result(message + "\n")
            } else if !message.isEmpty {
                Output.progress(message)
            }
            endIfNotWhole()
            exit(withError: code)
        }
        endIfNotWhole()
    }

    /// A result that was not written whole is a failure, whatever else the command says.
    private static func endIfNotWhole() {
        do {
            try Output.checkWhole()
        } catch {
            Output.progress(fullMessage(for: error))
            exit(withError: ExitCode.failure)
        }
    }
}
