import ClientSync
import ExposureKeys
import ExposureNotification
import Foundation
import Testing
import TestSupport

@Suite struct EncounterTests {
    /// Of the published test vectors of specification 1.2: the day's key, and what was broadcast in its first interval
    /// by a phone that sends with 8 dBm.
    private let key = KeyData(high: 0x75c7_34c6_dd1a_782d, low: 0xe7a9_65da_5eb9_3125)
    private let identifier = ProximityIdentifier(high: 0x8be6_cd37_1c5c_8916, low: 0x04bf_be49_df84_5096)
    private let metadata: UInt32 = 0x7203_3874

    private func sealed(_ rssi: Int, _ metadata: UInt32, _ schedule: Encounter.Schedule) -> Encounter {
        let strength = SignalStrength.sealed(rssi: rssi, metadata: metadata)
        return Encounter(time: 7, identifier: identifier, schedule: schedule, strength: strength)
    }

    @Test(arguments: [(-60, 68), (8, 0), (20, 0), (-127, 135), (Int.min, 255), (Int.max, 0), (-247, 255), (-248, 255)])
    func attenuationIsWhatTheAirTookWithinItsRange(rssi: Int, attenuation: Int) {
        let resolved = sealed(rssi, metadata, .exposureNotification).resolved(under: key)
        #expect(resolved == Encounter(time: 7, identifier: identifier, strength: .attenuation(attenuation)))
    }

    @Test func versionsOtherThanOneLeaveReceivedPower() {
        let metadataKey = AssociatedMetadataKey(key: key)
        for version in UInt8.min ... .max {
            let broadcast = metadataKey.encrypt(
                AssociatedMetadata(version: version, transmitPower: -20, reserved: 0xffff),
                broadcastWith: identifier
            )
            let expected = version >> 6 == 1 ? SignalStrength.attenuation(30) : .rssi(-50)
            #expect(sealed(-50, broadcast, .exposureNotification).resolved(under: key).strength == expected)
        }
    }

    @Test func whatIsNotSealedOrNotExposureNotificationStaysAsHeard() {
        for strength in [SignalStrength.attenuation(40), .rssi(-70)] {
            let encounter = Encounter(time: 7, identifier: identifier, strength: strength)
            #expect(encounter.resolved(under: key) == encounter)
        }
        #expect(sealed(-50, metadata, .bluezone).resolved(under: key).strength == .rssi(-50))
    }

    @Test func anIdentifierOfBluezoneHasTwelveBytes() {
        let encounter = Encounter(time: 1, identifier: identifier, schedule: .bluezone, strength: .rssi(-1))
        #expect(encounter.identifier == ProximityIdentifier(high: identifier.high, low: 0x04bf_be49_0000_0000))
        #expect(encounter.broadcastIdentifier == Array(identifier.bytes.prefix(12)))
        let other = Encounter(time: 1, identifier: encounter.identifier, strength: .rssi(-1))
        #expect(other.broadcastIdentifier == encounter.identifier.bytes)
        #expect(other != encounter && other < encounter && !other.isSameSighting(as: encounter))
    }

    /// Sorting puts equal identifiers side by side, then schedules, then times.
    @Test func theOrderIsTotal() {
        let strengths = [SignalStrength.attenuation(1), .rssi(-2), .sealed(rssi: -2, metadata: 1)]
        var expected: [Encounter] = []
        for low in [UInt64(0), 1 << 32] {
            for schedule in [Encounter.Schedule.exposureNotification, .bluezone] {
                for time in [Int64(3), 4] {
                    for strength in strengths {
                        let identifier = ProximityIdentifier(high: 5, low: low)
                        expected.append(
                            Encounter(time: time, identifier: identifier, schedule: schedule, strength: strength)
                        )
                    }
                }
            }
        }
        var random = SplitMix64(seed: 71)
        for _ in 0..<20 { #expect(expected.shuffled(using: &random).sorted() == expected) }
    }

    private struct Vectors: Decodable {
        struct Line: Decodable {
            let enin: UInt32
            let rpi: String
            let aem: String
        }
        let intervals: [Line]
    }

    /// From the lines of a phone's log to the report, for a whole day of published vectors.
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"] != nil,
            "set KEYTIDE_VECTORS to the directory with the published vectors"
        )
    )
    func publishedMetadataBecomeAttenuations() async throws {
        let folder = try #require(ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"])
        let file = URL(fileURLWithPath: folder).appendingPathComponent("exposure-notification-crypto.json")
        let lines = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file)).intervals
        var text = "time,identifier,metadata,rssi\n"
        for (number, line) in lines.enumerated() {
            text += "\(Interval(line.enin).unixSeconds),\(line.rpi),\(line.aem),\(-40 - number % 50)\n"
        }
        let encounters = try EncounterFile.parse(Array(text.utf8)[...]).encounters
        #expect(encounters.count == 144)
        for (number, encounter) in encounters.enumerated() {
            #expect(encounter.resolved(under: key).strength == .attenuation(48 + number % 50))
        }
        try await expectAttenuations(of: encounters, start: Interval(lines[0].enin))
    }

    @Test func aMatchOpensTheMetadata() async throws {
        let start = Interval(2_642_976)
        let encounters = [-40, -60, -89].enumerated().map { number, rssi in
            Encounter(
                time: start.unixSeconds + Int64(number) * 60,
                identifier: identifier,
                strength: .sealed(rssi: rssi, metadata: metadata)
            )
        }
        try await expectAttenuations(of: encounters, start: start, typical: 68)
    }

    private func expectAttenuations(of encounters: [Encounter], start: Interval, typical: Int? = nil) async throws {
        let country = try Country(["VN-01"])
        let metadata = try #require(KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed))
        var feed = try country.feed("VN-01")
        try feed.publish([DiagnosisKey(data: key, metadata: metadata)], at: metadata.end)
        let now = metadata.end.unixSeconds
        let phone = Phone(country)
        try await phone.sync(try FeedServer("VN-01", country: country, feeds: [feed], time: now), now: now)
        let report = try await ExposureMatching(encounters: encounters, now: metadata.end).run(over: phone.storage)
        #expect(report.exposures.reduce(0) { $0 + $1.sightings } == encounters.count)
        #expect(report.exposures.allSatisfy { $0.rssi == nil && $0.attenuation != nil })
        #expect(report.exposures.compactMap(\.attenuation?.nearest).min() == 48)
        if let typical { #expect(report.exposures.map(\.attenuation?.typical) == [typical]) }
    }
}

/// Two rows on one sighting: whichever comes first, the same one counts.
struct JoinedEncounterTests {
    private static let strengths: [SignalStrength] = [
        .attenuation(0), .attenuation(40), .attenuation(255), .rssi(-127), .rssi(-60), .rssi(20),
        .sealed(rssi: -60, metadata: 1), .sealed(rssi: -60, metadata: 2), .sealed(rssi: -50, metadata: 0),
    ]

    private func encounter(_ strength: SignalStrength) -> Encounter {
        Encounter(time: 1_627_606_800, identifier: ProximityIdentifier(high: 1, low: 2), strength: strength)
    }

    @Test func joinIsAssociativeCommutativeAndIdempotent() {
        for a in Self.strengths.map(encounter) {
            #expect(a.joined(with: a) == a)
            for b in Self.strengths.map(encounter) {
                #expect(a.joined(with: b) == b.joined(with: a))
                for c in Self.strengths.map(encounter) {
                    #expect(a.joined(with: b).joined(with: c) == a.joined(with: b.joined(with: c)))
                }
            }
        }
    }

    @Test func whatIsKnownBestAndNearestCounts() {
        let (near, far) = (encounter(.attenuation(40)), encounter(.attenuation(60)))
        #expect(near.joined(with: far) == near)
        #expect(encounter(.rssi(-60)).joined(with: encounter(.rssi(-80))) == encounter(.rssi(-60)))
        #expect(encounter(.rssi(20)).joined(with: far) == far)
    }
}
