import ClientSync
import DeviceStore
import ExposureKeys
import ExposureNotification
import Foundation
import Testing
import TestSupport

/// The log of sightings, on the disk as in memory.
@Suite struct EncounterLogTests {
    enum Medium: CaseIterable { case memory, file }

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func storage(_ medium: Medium) throws -> any DeviceStorage {
        switch medium {
        case .memory: MemoryDeviceStorage()
        case .file: try DeviceStore(path: folder.path("phone.db"), key: .random())
        }
    }

    @Test(arguments: Medium.allCases) func whateverIsHeldComesBack(medium: Medium) async throws {
        var random = SplitMix64(seed: 81)
        let storage = try storage(medium)
        var expected: [Encounter] = []
        for round in 0..<30 {
            let some = Sightings.any(Int.random(in: 0...40, using: &random), using: &random)
            // Some of those held already, and some twice.
            let again = expected.shuffled(using: &random).prefix(5) + some.prefix(3)
            #expect(try await storage.hold((some + again).shuffled(using: &random)) == some.count, "round \(round)")
            expected += some
        }
        #expect(try await storage.encounterLog() == EncounterLog(encounters: expected.sorted()))
        #expect(try await storage.encounters() == expected.sorted())
    }

    /// One sighting is one identifier of one schedule in one second.
    @Test(arguments: Medium.allCases) func duplicatesAreKnown(medium: Medium) async throws {
        let storage = try storage(medium)
        let identifier = ProximityIdentifier(high: 7, low: 1 << 32)
        let first = Encounter(time: 599, identifier: identifier, strength: .sealed(rssi: -50, metadata: 9))
        #expect(try await storage.hold([first]) == 1)
        let louder = Encounter(time: 599, identifier: identifier, strength: .rssi(-20))
        #expect(try await storage.hold([louder, louder]) == 0)
        let others = [
            Encounter(time: 600, identifier: identifier, strength: .rssi(-50)),
            Encounter(time: 598, identifier: identifier, strength: .rssi(-50)),
            Encounter(time: 599, identifier: identifier, schedule: .bluezone, strength: .rssi(-50)),
            Encounter(time: 599, identifier: ProximityIdentifier(high: 7, low: 0), strength: .rssi(-50)),
        ]
        #expect(try await storage.hold(others + others) == 4)
        #expect(try await storage.encounters() == (others + [first]).sorted())
    }

    /// The order of rows, within one file or over several, decides nothing: the best known and nearest strength stays.
    @Test(arguments: Medium.allCases) func ofTwoRowsOnOneSightingTheSameStays(medium: Medium) async throws {
        let identifier = ProximityIdentifier(high: 7, low: 1 << 32)
        let strengths: [SignalStrength] = [
            .attenuation(60), .attenuation(40), .rssi(-20), .sealed(rssi: -50, metadata: 9), .attenuation(255),
        ]
        let rows = strengths.map { Encounter(time: 599, identifier: identifier, strength: $0) }
        var random = SplitMix64(seed: 84)
        let storage = try storage(medium)
        for _ in 0..<20 {
            let shuffled = rows.shuffled(using: &random)
            #expect(try await storage.hold(Array(shuffled.prefix(2))) == 1)
            #expect(try await storage.hold(Array(shuffled.dropFirst(2))) == 0)
            #expect(try await storage.encounters() == [rows[1]])
            _ = try await storage.eraseEncounters()
        }
    }

    @Test(arguments: Medium.allCases) func forgettingGoesByInterval(medium: Medium) async throws {
        let storage = try storage(medium)
        let times: [Int64] = [0, 599, 600, 1199, 1200, 1201, 6_000_000]
        let all = times.map { time in
            Encounter(time: time, identifier: ProximityIdentifier(high: 1, low: 2), strength: .rssi(-50))
        }
        #expect(try await storage.hold(all) == all.count)
        for (interval, left) in [(0, 7), (1, 5), (2, 3), (3, 1), (10_000, 1), (10_001, 0)] as [(UInt32, Int)] {
            try await storage.dropEncounters(before: Interval(interval))
            #expect(try await storage.encounters() == all.suffix(left))
        }
        // What was forgotten may come again.
        #expect(try await storage.hold(all) == all.count)
    }

    @Test(arguments: Medium.allCases) func sightingsAreBounded(medium: Medium) async throws {
        let storage = try storage(medium)
        func sightings(_ range: Range<Int>) -> [Encounter] {
            range.map {
                Encounter(
                    time: Int64($0),
                    identifier: ProximityIdentifier(high: UInt64($0), low: 0),
                    strength: .rssi(-50)
                )
            }
        }
        let maximum = Encounter.maximumHeld
        #expect(try await storage.hold(sightings(0..<maximum - 1)) == maximum - 1)
        #expect(try await storage.encounterLog().lost == 0)
        // Each is seen once; the minutes are equally full but for the last one: the oldest ones lose one each.
        #expect(try await storage.hold(sightings(maximum..<maximum + 2)) == 2)
        let log = try await storage.encounterLog()
        #expect(log.encounters.count == maximum && log.lost == 1)
        #expect(log.encounters.count { $0.time < 60 } == 59)
        #expect(try await storage.hold(sightings(maximum - 1..<maximum)) == 1)
        let more = try await storage.encounterLog()
        #expect(more.encounters.count == maximum && more.lost == 2)
        #expect(more.encounters.count { $0.time < 120 } == 118)
        // Room comes with forgetting, and when none of what was lost could count any more, nothing is said of it.
        try await storage.dropEncounters(before: Interval(1))
        #expect(try await storage.encounterLog().lost == 0)
        #expect(try await storage.hold(sightings(maximum + 2..<maximum + 600)) == 598)
        #expect(try await storage.encounterLog().lost == 0)
        #expect(try await storage.encounters() == sightings(600..<maximum + 600))
    }

    /// A room full of random identifiers pushes out neither those who stayed nor other hours, and what is dated 9999
    /// leaves before all else.
    @Test(arguments: Medium.allCases) func whoStaysIsNotPushedOut(medium: Medium) async throws {
        var random = SplitMix64(seed: 83)
        let storage = try storage(medium)
        try await storage.hold(FreshnessRecord(fetchedUntil: 1_600_000_000))
        func sighting(_ time: Int64, _ identifier: UInt64) -> Encounter {
            let identifier = ProximityIdentifier(high: identifier, low: 7)
            return Encounter(time: time, identifier: identifier, strength: .rssi(-60))
        }
        // Somebody for an hour, passers-by at another time, and those of the far future.
        let stayed = (0..<12).flatMap { (scan: Int64) -> [Encounter] in
            let identifier = UInt64(scan / 2)
            return [sighting(1_600_000_000 + scan * 300, identifier)]
        }
        let passed = (0..<50).map { sighting(1_599_900_000 + Int64($0) * 600, 1000 + UInt64($0)) }
        let future = (0..<1000).map { sighting(253_402_000_000 + Int64($0) * 60, 5000 + UInt64($0)) }
        #expect(try await storage.hold(stayed + passed + future) == 1062)
        let noise = (0..<Encounter.maximumHeld + 5000).map { _ in
            sighting(1_600_000_000 + Int64.random(in: 0..<3600, using: &random), random.next() | 1 << 63)
        }
        _ = try await storage.hold(noise)
        let log = try await storage.encounterLog()
        #expect(log.encounters.count == Encounter.maximumHeld && log.lost == 1062 + 5000)
        let held = Set(log.encounters)
        #expect(held.isSuperset(of: stayed) && held.isSuperset(of: passed) && held.isDisjoint(with: future))
        // That something was lost is not told for ever.
        try await storage.dropEncounters(before: Interval(unixSeconds: 1_600_000_000 + 16 * 86_400))
        #expect(try await storage.encounterLog().lost == 0)
    }

    /// Times of scans are kept as sightings are: bounded, forgotten with them, erased with them.
    @Test(arguments: Medium.allCases) func timesOfScansAreHeld(medium: Medium) async throws {
        let storage = try storage(medium)
        let day: Int64 = 86_400
        #expect(try await storage.scanTimes() == [])
        #expect(try await storage.hold(scanTimes: [5 * day, 4 * day + 7, 5 * day, 0, -1, .max, .min]) == 3)
        #expect(try await storage.hold(scanTimes: [5 * day + 1, 0, 253_402_300_799]) == 2)
        #expect(try await storage.scanTimes() == [0, 4 * day + 7, 5 * day, 5 * day + 1, 253_402_300_799])
        try await storage.dropEncounters(before: Interval(unixSeconds: 5 * day))
        #expect(try await storage.scanTimes() == [5 * day, 5 * day + 1, 253_402_300_799])
        // Three days of a scan a second are too many: the oldest go.
        let many = (0..<2 * day).map { 6 * day + $0 }
        #expect(try await storage.hold(scanTimes: many.shuffled()) > 0)
        let held = try await storage.scanTimes()
        #expect(held == Array(many.suffix(Int(day))) + [253_402_300_799] && held.count <= ScanTimes.maximumHeld)
        #expect(try await storage.eraseEncounters() == 0)
        #expect(try await storage.scanTimes() == [])
        #expect(try await storage.hold(scanTimes: [9]) == 1)
    }

    @Test(arguments: Medium.allCases) func erasingLeavesNothingAndTheLogGoesOn(medium: Medium) async throws {
        var random = SplitMix64(seed: 82)
        let storage = try storage(medium)
        let some = Sightings.any(50, using: &random)
        #expect(try await storage.hold(some) == 50)
        try await storage.hold(ExposureReport(asOf: 600, encounters: 50, keys: 3, matchedKeys: 0, exposures: []))
        #expect(try await storage.eraseEncounters() == 50)
        #expect(try await storage.encounterLog() == EncounterLog(encounters: []))
        #expect(try await storage.report() == nil)
        #expect(try await storage.eraseEncounters() == 0)
        #expect(try await storage.hold(some) == 50)
        #expect(try await storage.encounters() == some.sorted())
    }
}

/// Sightings, and where their bytes stand.
enum Sightings {
    /// Distinct ones of any kind, with random identifiers.
    static func any(_ count: Int, using random: inout SplitMix64) -> [Encounter] {
        (0..<count).map { _ in
            let schedule: Encounter.Schedule = Bool.random(using: &random) ? .exposureNotification : .bluezone
            let level = Int.random(in: SignalStrength.rssis, using: &random)
            let strengths: [SignalStrength] = [
                .attenuation(Int.random(in: SignalStrength.attenuations, using: &random)), .rssi(level),
                .sealed(rssi: level, metadata: UInt32.random(in: .min ... .max, using: &random)),
            ]
            return Encounter(
                time: Int64.random(in: 1_600_000_000...1_600_100_000, using: &random),
                identifier: ProximityIdentifier(high: random.next(), low: random.next()),
                schedule: schedule,
                strength: strengths[Int.random(in: 0..<3, using: &random)]
            )
        }
    }

    /// How many of these identifiers stand anywhere in the files of a store: database, log, index of the log, journal.
    static func found(_ encounters: [Encounter], of path: String) throws -> Int {
        let content = try content(of: path)
        return encounters.count { content.range(of: Data($0.broadcastIdentifier.prefix(8))) != nil }
    }

    /// All bytes of the files of a store.
    static func content(of path: String) throws -> Data {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent()
        var content = Data()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        where name.hasPrefix(url.lastPathComponent) {
            content += try Data(contentsOf: folder.appendingPathComponent(name)) + [0]
        }
        return content
    }
}

enum Hexadecimal {
    static func bytes(_ digits: String) -> [UInt8] {
        let values = digits.compactMap(\.hexDigitValue)
        return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
