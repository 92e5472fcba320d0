import ArgumentParser
import ClientSync
import DeviceStore
import ExposureKeys
import Foundation
import RegionalNode

/// `keytide device match`: takes in sightings and compares them with the keys held.
struct DeviceMatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "match",
        abstract: "Take in sightings and match them with the keys that were synced.",
        discussion: """
            The file is CSV with the header time,identifier,attenuation or time,identifier,rssi or \
            time,identifier,metadata,rssi. Sightings are kept in the store, sealed, until no key can match them; taking \
            in a file twice changes nothing. 'device encounters' shows and erases them. A risk configuration, described \
            in docs/RISK.md, decides which days are contacts.

            Exit status: 0 the result is in the store, whether or not there was a contact; 1 failure; 3 the result is in \
            the store, but nothing can be said by it: keys were fetched too long ago, or there are no sightings; 64 the \
            command line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions
    @OptionGroup var time: DeviceClockOptions

    @Option(help: "File with sightings to take in (default: match those taken in before).", completion: .file())
    var encounters: String?

    @Option(help: "File with the times of the phone's scans, to take in.", completion: .file())
    var scans: String?

    @Option(help: "File with a risk configuration, JSON (default: the built-in one).", completion: .file())
    var configuration: String?

    @Flag(help: "One JSON object.")
    var json = false

    private struct Result: Encodable {
        /// Its fields stand beside the others.
        var log: LogComplaint
        /// What came of the files; its fields stand beside the others.
        var intake: EncounterIntake
        var seconds: Double
        var report: ExposureReport
        var freshness: Freshness { report.judgedFreshness() }

        private enum CodingKeys: String, CodingKey { case seconds, report, news }

        func encode(to encoder: any Encoder) throws {
            try intake.encode(to: encoder)
            try log.encode(to: encoder)
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(seconds, forKey: .seconds)
            try fields.encode(report, forKey: .report)
            try fields.encode(ToldFreshness(freshness), forKey: .news)
        }
    }

    func validate() throws {
        _ = try time.clock()
    }

    func run() async throws {
        let now = try time.clock().seconds
        let store = try device.open(create: false)
        let risk = try configuration.map(readConfiguration) ?? .standard
        do {
            let result = try await match(in: store, now: now, risk: risk)
            if json { try Output.json(result) } else { show(result) }
            result.log.show()
            if let remark = ToldFreshness.remark(result.freshness) { Output.progress(remark) }
            if !result.report.saysSomething() { throw ExitCode.nothingCanBeSaid }
        } catch let error as CommandError {
            throw error
        } catch let error as ExitCode {
            throw error
        } catch {
            throw CommandError("\(error)")
        }
    }

    private func match(in store: DeviceStore, now: Int64, risk: RiskConfiguration) async throws -> Result {
        let intake = try await EncounterIntake.take(
            encounters.map { [$0] } ?? [],
            scans: scans,
            into: store,
            now: now
        )
        let began = ContinuousClock.now
        let log = try await store.encounterLog()
        let matching = ExposureMatching(now: Interval(unixSeconds: now), configuration: risk)
        var report = try await matching.run(over: store)
        report.isTrial = time.asOf != nil
        try await store.hold(report)
        let elapsed = (ContinuousClock.now - began).components
        return Result(
            log: LogComplaint(log, latest: try await store.latestTime(now: now)),
            intake: intake,
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18,
            report: report
        )
    }

    private func readConfiguration(_ path: String) throws -> RiskConfiguration {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw CommandError("\(path) cannot be read; name a JSON file with a risk configuration")
        }
        let data = (try? file.read(upToCount: RiskConfiguration.maximumBytes + 1)) ?? Data()
        guard data.count <= RiskConfiguration.maximumBytes else {
            throw CommandError("\(path) has more than \(RiskConfiguration.maximumBytes) bytes; is this the right file?")
        }
        do {
            return try JSONDecoder().decode(RiskConfiguration.self, from: data)
        } catch let error as RiskConfigurationError {
            throw CommandError("\(path): \(error)")
        } catch {
            throw CommandError("\(path) is not of the form that docs/RISK.md describes; correct it")
        }
    }

    private func clock(_ time: Int64) -> String {
        TimeText.clock(time, utcOffset: ExposureReport.vietnamOffset)
    }

    private func show(_ result: Result) {
        result.intake.show(sightings: encounters != nil, scans: scans != nil)
        let report = result.report
        Output.line(
            "\(Output.counted(report.keys, "key")), \(Output.counted(report.encounters, "sighting")): "
                + "\(Output.counted(report.matchedKeys, "key")) \(report.matchedKeys == 1 ? "was" : "were") near (\(Output.fixed(result.seconds, 2)) s)"
        )
        if report.exposures.isEmpty { return }
        Output.table(
            [["day", "from", "to", "sightings", "minutes", "dB", "dBm", "regions"]]
                + report.exposures.map { exposure in
                    [
                        exposure.day.description, clock(exposure.first), clock(exposure.last),
                        "\(exposure.sightings)", "\(exposure.duration / 60)",
                        exposure.attenuation.map { "\($0.typical)" } ?? "-",
                        exposure.rssi.map { "\($0.typical)" } ?? "-",
                        exposure.regions.map(\.code).joined(separator: " "),
                    ]
                }
        )
        Output.line("times are Vietnam's")
        Output.table(
            [["day", "minutes", "score", "highest", "near", "infectious", "kind"]]
                + report.days.map { day in
                    [
                        day.day.description, "\(day.duration / 60)", "\(day.scoreSum)", "\(day.maximumScore)",
                        day.nearness.name, day.infectiousness.name, day.isContact ? "contact" : "no contact",
                    ]
                }
        )
        Output.line("scores are weighted seconds")
        Output.line("what it means: keytide device report --store \(device.store)")
    }
}
