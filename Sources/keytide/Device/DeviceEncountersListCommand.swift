import ArgumentParser
import ClientSync
import DeviceStore
import RegionalNode

/// `keytide device encounters list`: what the phone has seen, day by day.
struct DeviceEncountersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show what the phone has seen.",
        discussion: """
            A line for each day, without identifiers unless --full is given. Times are Vietnam's, in JSON unix seconds.

            Exit status: 0 all was shown that can be read; 1 failure; 64 the command line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions
    @OptionGroup var time: DeviceClockOptions

    @Flag(help: "Every sighting, with its identifier.")
    var full = false

    @Flag(help: "One JSON object.")
    var json = false

    private struct Day: Encodable {
        var day: String
        var sightings: Int
        /// Unix seconds.
        var first: Int64
        var last: Int64
    }

    private struct Sighting: Encodable {
        var time: Int64
        var identifier: String
        var attenuation: Int?
        var rssi: Int?
        var metadata: String?

        init(_ encounter: Encounter) {
            time = encounter.time
            identifier = encounter.broadcastIdentifier.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            switch encounter.strength {
            case .attenuation(let value): attenuation = value
            case .rssi(let value): rssi = value
            case .sealed(let value, let bytes):
                rssi = value
                let digits = String(bytes, radix: 16)
                metadata = String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
    }

    private struct Listing: Encodable {
        var days: [Day]
        /// Its fields stand beside the others.
        var log: LogComplaint
        /// Only if all were asked for, ascending by time.
        var encounters: [Sighting]?
        /// Times of scans that were handed over.
        var scans: Int

        private enum CodingKeys: String, CodingKey { case days, encounters, scans }

        func encode(to encoder: any Encoder) throws {
            try log.encode(to: encoder)
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(days, forKey: .days)
            try fields.encodeIfPresent(encounters, forKey: .encounters)
            try fields.encode(scans, forKey: .scans)
        }
    }

    func run() async throws {
        let log: EncounterLog
        let latest: Int64
        let scans: Int
        do {
            let store = try device.open(create: false)
            log = try await store.encounterLog()
            latest = try await store.latestTime(now: try time.clock().seconds)
            scans = try await store.scanTimes().count
        } catch let error as DeviceStoreError {
            throw CommandError("\(error)")
        }
        let ordered = log.encounters.sorted { $0.time != $1.time ? $0.time < $1.time : $0 < $1 }
        let listing = Listing(
            days: days(ordered),
            log: LogComplaint(log, latest: latest),
            encounters: full ? ordered.map(Sighting.init) : nil,
            scans: scans
        )
        if json { try Output.json(listing) } else { show(listing, count: ordered.count) }
        listing.log.show()
    }

    /// - Parameter ordered: ascending by time.
    private func days(_ ordered: [Encounter]) -> [Day] {
        var days: [Day] = []
        var rest = ordered[...]
        while let first = rest.first {
            let number = DeviceEncountersListCommand.dayNumber(first.time)
            let ofDay = rest.prefix { DeviceEncountersListCommand.dayNumber($0.time) == number }
            let date = CivilDate(unixSeconds: first.time, utcOffset: ExposureReport.vietnamOffset)
            days.append(
                Day(
                    day: date.description,
                    sightings: ofDay.count,
                    first: first.time,
                    last: ofDay.last?.time ?? first.time
                )
            )
            rest = rest.dropFirst(ofDay.count)
        }
        return days
    }

    /// Days since 1970 in Vietnam. Times come from files, which hold those of the years to 9999 only.
    private static func dayNumber(_ time: Int64) -> Int64 { (time &+ ExposureReport.vietnamOffset) / 86_400 }

    private func show(_ listing: Listing, count: Int) {
        if listing.days.isEmpty { return Output.line("no sightings") }
        if let sightings = listing.encounters {
            Output.table(
                [["time", "identifier", "dB", "dBm", "metadata"]]
                    + sightings.map { sighting in
                        [
                            "\(day(sighting.time)) \(clock(sighting.time))", sighting.identifier,
                            sighting.attenuation.map { "\($0)" } ?? "-", sighting.rssi.map { "\($0)" } ?? "-",
                            sighting.metadata ?? "-",
                        ]
                    }
            )
        }
        Output.table(
            [["day", "sightings", "first", "last"]]
                + listing.days.map { [$0.day, Output.grouped($0.sightings), clock($0.first), clock($0.last)] }
        )
        Output.line("\(Output.counted(count, "sighting")); times are Vietnam's")
    }

    private func day(_ time: Int64) -> String {
        CivilDate(unixSeconds: time, utcOffset: ExposureReport.vietnamOffset).description
    }

    private func clock(_ time: Int64) -> String {
        TimeText.clock(time, utcOffset: ExposureReport.vietnamOffset)
    }
}
