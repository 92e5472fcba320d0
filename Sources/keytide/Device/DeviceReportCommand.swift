import ArgumentParser
import ClientSync
import DeviceStore

/// `keytide device report`: explains the last matching to a person.
struct DeviceReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Explain the last matching to a person.",
        discussion: """
            Says on which days, how long, how near, how sure and what to do, and which warnings no longer stand. Nothing \
            in it points to the other person, neither in words nor as JSON.

            Exit status: 0 there is a report; 1 failure, or nothing has been matched yet; 64 the command line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions

    @Option(help: "vi or en.")
    var language: Language = .vi

    @Flag(help: "One JSON object.")
    var json = false

    enum Language: String, ExpressibleByArgument, CaseIterable {
        case vi, en
    }

    /// What the words are made of, without the details of the matching.
    private struct Told: Encodable {
        let asOf: Int64
        let encounters: Int
        let keys: Int
        let days: [ExposureDay]
        let lapsed: [LapsedWarning]

        init(_ report: ExposureReport) {
            asOf = report.asOf
            encounters = report.encounters
            keys = report.keys
            days = report.days
            lapsed = report.lapsed
        }
    }

    func run() async throws {
        let report: ExposureReport?
        do {
            report = try await device.open(create: false).report()
        } catch let error as DeviceStoreError {
            throw CommandError("\(error)")
        }
        guard let report else {
            throw CommandError("nothing has been matched yet; run 'keytide device match --store \(device.store)'")
        }
        if json { return try Output.json(Told(report)) }
        let text = ExposureExplanation(report, language: language == .vi ? .vietnamese : .english).text
        Output.line(String(text.dropLast()))
    }
}
