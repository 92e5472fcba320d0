import ArgumentParser
import ExposureKeys
import ExposureNotification
import Foundation
import RegionalNode

/// `keytide sample encounters`: what a phone might have seen, with some keys of the archives among it.
struct SampleEncountersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encounters",
        abstract: "Make a CSV of encounters that holds known meetings with keys of export archives.",
        discussion: """
            Besides the planted meetings it holds strangers, and traps that must not match: identifiers of keys seen \
            three hours away from when they were valid.
            """
    )

    @Option(help: "The phone's time; keys that are expired then are not planted.")
    var asOf: String

    @Option(help: "Public key of the archives' publisher.", completion: .file())
    var key: String

    @Option(help: "CSV file to write.", completion: .file())
    var output: String

    @Option(help: "File for what must be found, as JSON.", completion: .file())
    var expected: String

    @Option(help: "Meetings to plant, each with another key.")
    var planted: Int = 12

    @Option(help: "Sightings of strangers.")
    var strangers: Int = 600

    @Argument(help: "Export archives.", completion: .file())
    var archives: [String]

    /// What `device match` must find.
    struct Expected: Codable {
        /// Keys met.
        var keys: Int
        /// Unix seconds of every sighting of them.
        var times: [Int64]
    }

    private struct Sighting {
        var time: Int64
        var identifier: ProximityIdentifier
        var attenuation: Int
    }

    func run() throws {
        guard let now = NodeConfiguration.time(asOf).map({ Interval(unixSeconds: $0) }) else {
            throw ValidationError("--as-of is no time")
        }
        var random = SystemRandomNumberGenerator()
        let chosen = try candidates(now: now).shuffled(using: &random).prefix(planted + 3)
        guard chosen.count == planted + 3 else {
            throw CommandError("of the keys in the archives only \(chosen.count) can still count; plant fewer")
        }
        var sightings: [Sighting] = []
        for key in chosen.prefix(planted) { sightings += meeting(key, using: &random) }
        let times = sightings.map(\.time)
        for key in chosen.suffix(3) { sightings.append(trap(key, using: &random)) }
        for _ in 0..<strangers {
            let age = Int64.random(in: 1..<Expiry.keyLifetime, using: &random)
            let identifier = ProximityIdentifier(high: random.next(), low: random.next())
            sightings.append(sighting(now.advanced(by: -age), identifier, using: &random))
        }
        try write(sightings)
        try Files.write(JSONEncoder().encode(Expected(keys: planted, times: times)), expected)
    }

    /// Keys that a node publishes and a phone matches at `now`.
    private func candidates(now: Interval) throws -> [DiagnosisKey] {
        let verification = try ExportVerificationKey(derOrPEM: PublisherKey.read(key))
        var reports: [DiagnosisKey] = []
        for path in archives {
            let bytes = [UInt8](try Files.read(path))
            reports += try ExportArchive.open(bytes, verifiedWith: verification).keys
        }
        return RegionKeys(joining: reports, publishedAt: now).live(at: now).filter {
            $0.metadata.end.advanced(by: Expiry.publicationDelay) <= now
        }
    }

    /// Five to forty minutes, a sighting every few minutes.
    private func meeting(_ key: DiagnosisKey, using random: inout some RandomNumberGenerator) -> [Sighting] {
        let period = key.metadata.rollingPeriod
        let length = min(Int.random(in: 1...4, using: &random), period)
        var first = Int.random(in: 0...(period - length), using: &random)
        // A meeting across midnight, Vietnam's time, would count as two.
        let sinceUTCMidnight = Int(key.metadata.rollingStart.number) % Int(Interval.perDay)
        let midnight = (17 * Int(Interval.perHour) - sinceUTCMidnight + Int(Interval.perDay)) % Int(Interval.perDay)
        if first < midnight, midnight < first + length {
            first = midnight >= length ? midnight - length : min(midnight, period - length)
        }
        return (first..<first + length).flatMap { offset in
            let interval = key.metadata.rollingStart.advanced(by: Int64(offset))
            let identifier = RollingProximityKey(key: key.data).identifier(at: interval)
            // In different seconds: a phone keeps one sighting of an identifier a second.
            return (0..<Int.random(in: 1...3, using: &random)).map { third in
                sighting(interval, identifier, second: Int64(third) * 200, using: &random)
            }
        }
    }

    private func trap(_ key: DiagnosisKey, using random: inout some RandomNumberGenerator) -> Sighting {
        let identifier = RollingProximityKey(key: key.data).identifier(at: key.metadata.rollingStart)
        return sighting(key.metadata.rollingStart.advanced(by: -3 * Interval.perHour), identifier, using: &random)
    }

    private func sighting(
        _ interval: Interval,
        _ identifier: ProximityIdentifier,
        second: Int64 = 0,
        using random: inout some RandomNumberGenerator
    ) -> Sighting {
        Sighting(
            time: interval.unixSeconds + second + Int64.random(in: 0..<200, using: &random),
            identifier: identifier,
            attenuation: Int.random(in: 35...80, using: &random)
        )
    }

    private func write(_ sightings: [Sighting]) throws {
        var text = "time,identifier,attenuation\n"
        for sighting in sightings.sorted(by: { $0.time < $1.time }) {
            let hexadecimal = sighting.identifier.bytes.map { String(format: "%02x", $0) }.joined()
            text += "\(sighting.time),\(hexadecimal),\(sighting.attenuation)\n"
        }
        try Files.write(text.utf8, output)
        Output.progress(
            "wrote \(output): \(sightings.count.counted("sighting")), \(planted.counted("meeting")) planted"
        )
    }
}
