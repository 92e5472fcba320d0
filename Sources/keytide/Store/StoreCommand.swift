import ArgumentParser

/// `keytide store`: what an operator may want of a store's file.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Look into a node's store.",
        subcommands: [StoreCheckCommand.self]
    )
}
