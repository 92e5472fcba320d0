import ArgumentParser
import DeviceStore
import Foundation

/// `keytide device encounters erase`: forgets all that the phone has seen.
struct DeviceEncountersEraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase what the phone has seen, and the report made of it.",
        discussion: """
            All sightings and the report are deleted and overwritten. Their key goes too if it is the one in the key \
            file, so that what a disk keeps in spare places cannot be opened; without it, or with another file in its \
            place, erasing works as well. Keys that were synced stay. Asks first, or needs --yes.

            Exit status: 0 nothing is left; 1 failure; 64 the command line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "One JSON object.")
    var json = false

    private struct Result: Encodable {
        var erased: Int
        /// Whether the file with the key was removed.
        var keyRemoved: Bool
    }

    func run() async throws {
        guard FileManager.default.fileExists(atPath: device.store) else {
            throw CommandError("there is no store \(device.store)")
        }
        let result: Result
        do {
            let standing = try EncounterLogStanding(path: device.store)
            guard try isConfirmed(count: standing.count) else { throw CommandError("nothing was erased") }
            let isKeyHere = standing.isSealed && isKeyOfStore()
            result = Result(erased: try await erase(removingKey: isKeyHere), keyRemoved: isKeyHere)
        } catch let error as DeviceStoreError {
            throw CommandError("\(error)")
        }
        if json { return try Output.json(result) }
        Output.line(
            "\(Output.counted(result.erased, "sighting")) erased, and the report"
                + (result.keyRemoved ? "; their key in \(device.encounterKeyPath) is removed" : "")
        )
    }

    /// - Returns: how many sightings there were.
    private func erase(removingKey: Bool) async throws -> Int {
        let erased: Int
        do {
            erased = try await DeviceStore.eraseEncounters(at: device.store)
        } catch {
            // What is deleted, but not overwritten yet, is not to be opened any more either.
            if removingKey, try !EncounterLogStanding(path: device.store).isSealed {
                try EncounterKeyFile.remove(device.encounterKeyPath)
            }
            throw error
        }
        if removingKey { try EncounterKeyFile.remove(device.encounterKeyPath) }
        return erased
    }

    /// A file in the key's place may be of another store, whose sightings would go with it.
    private func isKeyOfStore() -> Bool {
        guard let key = try? EncounterKeyFile.read(device.encounterKeyPath) else { return false }
        return (try? DeviceStore(path: device.store, key: key)) != nil
    }

    private func isConfirmed(count: Int) throws -> Bool {
        if yes { return true }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandError("this erases all sightings and the report for good; give --yes if that is meant")
        }
        Output.progress(
            "This erases \(Output.counted(count, "sighting")) and the report in \(device.store) for good. Type yes:"
        )
        return readLine() == "yes"
    }
}
