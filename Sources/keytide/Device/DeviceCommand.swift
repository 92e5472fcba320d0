import ArgumentParser
import ClientSync
import DeviceStore
import ExposureKeys
import Foundation
import RegionalNode

/// `keytide device`: a phone for trying things out, with the code that a phone app would use.
struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device",
        abstract: "Be a phone: sync keys from a node, match sightings, explain the result.",
        subcommands: [
            DeviceSyncCommand.self, DeviceMatchCommand.self, DeviceReportCommand.self, DeviceEncountersCommand.self,
        ]
    )
}

/// The store that all device commands share.
struct DeviceStoreOptions: ParsableArguments {
    @Option(help: "The phone's store; 'device sync' makes it.", completion: .file())
    var store: String

    @Option(
        help: "File with the key of the sightings; made if missing (default: beside the store, STORE.encounter-key).",
        completion: .file()
    )
    var encounterKey: String?

    var encounterKeyPath: String { encounterKey ?? store + ".encounter-key" }

    /// - Parameter create: false if there is nothing to do without a store.
    func open(create: Bool) throws -> DeviceStore {
        if !create, !FileManager.default.fileExists(atPath: store) {
            throw CommandError("there is no store \(store); make one with 'keytide device sync'")
        }
        let key = try EncounterKeyFile.key(encounterKeyPath, store: store)
        do {
            return try DeviceStore(path: store, key: key)
        } catch let error as DeviceStoreError where error.code == .wrongKey {
            throw CommandError(
                """
                \(encounterKeyPath) is not the key of the sightings in \(store), or the file is damaged; nothing was \
                changed: name the right one with --encounter-key or, if it is lost, give the sightings up with \
                'keytide device encounters erase --store \(store)'
                """
            )
        }
    }
}

/// The phone's clock.
struct DeviceClockOptions: ParsableArguments {
    @Option(help: "Set the phone's clock to this time for this run, for example 2020-12-24T00:00:00Z.")
    var asOf: String?

    /// The system's clock, or one that was set at the start and runs on from there. Nothing of it is kept.
    func clock() throws -> NodeClock {
        guard let asOf else { return NodeClock() }
        guard let time = NodeConfiguration.time(asOf) else {
            throw ValidationError("--as-of \(asOf) is no time; write 2020-12-24T00:00:00Z or unix seconds")
        }
        return NodeClock(asOf: time)
    }
}
