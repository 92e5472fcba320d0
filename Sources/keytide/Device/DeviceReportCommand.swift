import ArgumentParser
import ClientSync
import DeviceStore
import RegionalNode

/// `keytide device report`: explains the last matching to a person.
struct DeviceReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Explain the last matching to a person.",
        discussion: """
            Says on which days, how long, how near, how sure and what to do, and which warnings no longer stand. Nothing \
            in it points to the other person, neither in words nor as JSON. What it is worth is judged by the time at \
            which it is read, so that an old result is not taken for good news; a matching that was tried out with \
            --as-of is judged as of that time, unless --as-of is given here, too.

            Exit status: 0 there is a report; 1 failure, or nothing has been matched yet; 3 there is a report, but \
            nothing can be said by it, because keys were fetched too long ago, or there are no sightings; 64 the command \
            line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions
    @OptionGroup var time: DeviceClockOptions

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
        let news: ToldFreshness

        init(_ report: ExposureReport, now: Int64) {
            asOf = report.asOf
            encounters = report.encounters
            keys = report.keys
            days = report.days
            lapsed = report.lapsed
            news = ToldFreshness(report.judgedFreshness(at: now))
        }
    }

    func validate() throws {
        _ = try time.clock()
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
        let now = report.isTrial && time.asOf == nil ? report.asOf : try time.clock().seconds
        if json {
            try Output.json(Told(report, now: now))
        } else {
            let chosen: ExposureExplanation.Language = language == .vi ? .vietnamese : .english
            Output.line(String(ExposureExplanation(report, language: chosen, now: now).text.dropLast()))
        }
        if !report.saysSomething(at: now) { throw ExitCode.nothingCanBeSaid }
    }
}
