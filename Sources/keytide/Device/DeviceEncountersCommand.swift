import ArgumentParser
import ClientSync
import DeviceStore
import RegionalNode

/// `keytide device encounters`: what the phone has seen, for its owner.
struct DeviceEncountersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encounters",
        abstract: "Show, take in and erase what the phone has seen.",
        subcommands: [
            DeviceEncountersListCommand.self, DeviceEncountersImportCommand.self, DeviceEncountersEraseCommand.self,
        ]
    )
}

/// `keytide device encounters import`: takes in sightings without matching them.
struct DeviceEncountersImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take in sightings, to be matched later.",
        discussion: """
            The files are CSV with the header time,identifier,attenuation or time,identifier,rssi or \
            time,identifier,metadata,rssi. Identifiers have 32 hexadecimal digits, those of Bluezone 24; metadata are \
            the 8 digits broadcast with an identifier of 32. Taking in a file twice changes nothing.

            How long a meeting counts follows from when the phone scanned. Sightings, of anybody, show some of that; a \
            file with the header time and a time a line, given by --scans, tells the scans that heard nobody, too.

            Exit status: 0 what is not too old is kept; 1 failure, and nothing was added; 64 the command line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions
    @OptionGroup var time: DeviceClockOptions

    @Argument(help: "CSV files of sightings.", completion: .file())
    var files: [String] = []

    @Option(help: "File with the times of the phone's scans.", completion: .file())
    var scans: String?

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        _ = try time.clock()
        guard !files.isEmpty || scans != nil else { throw ValidationError("name a file of sightings, or --scans FILE") }
    }

    func run() async throws {
        let store = try device.open(create: true)
        let intake: EncounterIntake
        do {
            intake = try await EncounterIntake.take(
                files,
                scans: scans,
                into: store,
                now: try time.clock().seconds
            )
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError("\(error)")
        }
        if json { return try Output.json(intake) }
        intake.show(sightings: !files.isEmpty, scans: scans != nil)
    }
}
