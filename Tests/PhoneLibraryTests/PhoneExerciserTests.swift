import CKeytide
import ClientSync
import ExposureKeys
import Foundation
import Testing
import TestSupport

/// The C header, from a program in C: it must give what ClientSync gives to one in Swift.
@Suite struct PhoneExerciserTests {
    private let world: PhoneWorld
    private static let offset: Int64 = 25_200

    init() throws {
        world = try PhoneWorld()
    }

    private func exercise(_ what: String, now: Int64 = PhoneWorld.now) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = Bundle.main.bundleURL.appendingPathComponent("PhoneExerciser")
        process.arguments = [what, world.scratch.path, "\(now)"]
        let output = world.scratch.file("output")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, world.scratch.text("output"))
    }

    private func line(_ report: SyncReport) -> String {
        """
        sync \(report.isUpToDate ? 1 : 0) \(report.notModified ? 1 : 0) roster \(report.rosterVersion) \
        index \(report.indexTime ?? 0) feeds \(report.feeds.count) problems 0 batches \(report.batches) \
        keys \(report.keys) evidence \(report.evidence.count) \n
        """
    }

    private func lines(_ report: ExposureReport) -> String {
        var text = """
            news 0 until \(report.freshness.fetchedUntil ?? -1) incomplete 0 trust 1 clocks 0 says 1
            match \(report.asOf) sightings \(report.encounters) keys \(report.keys) matched \(report.matchedKeys) \
            days \(report.days.count) contacts \(report.days.count(where: \.isContact)) lapsed \(report.lapsed.count)\n
            """
        for day in report.days {
            text += """
                day \(day.day) contact \(day.isContact ? 1 : 0) seconds \(day.duration) score \(day.scoreSum) \
                \(day.maximumScore) \(day.weightedDurationSum) near \(day.nearness.rawValue) \
                type \(day.reportType.rawValue) infectious \(day.infectiousness.rawValue) \
                confidence \(day.calibrationConfidence.rawValue)\n
                """
        }
        return text
    }

    @Test func aProgramInCHasWhatOneInSwiftHas() async throws {
        let storage = MemoryDeviceStorage()
        let transport = FileTransport(scratch: world.scratch)
        let session = SyncSession(
            transport: transport,
            storage: storage,
            options: SyncOptions(authorities: world.authorities, witnesses: 0)
        )
        let added = try await storage.hold(world.encounters)
        #expect(await storage.hold(scanTimes: (0..<432).map { PhoneWorld.now - 600 * $0 }) == 432)
        let first = try await session.run(now: PhoneWorld.now)
        let matching = ExposureMatching(
            now: Interval(unixSeconds: PhoneWorld.now),
            utcOffset: PhoneExerciserTests.offset
        )
        let report = try await matching.run(over: storage)
        let second = try await session.run(now: PhoneWorld.now + 7200)
        // What the comparison is about is there.
        #expect(first.isUpToDate && first.keys == 24 && second.notModified)
        #expect(report.matchedKeys == 3 && report.days.count >= 2 && report.days.contains(where: \.isContact))
        #expect(report.days.contains { $0.calibrationConfidence == .low })
        let texts = ExposureExplanation.Language.allCases.map {
            ExposureExplanation(report, language: $0, utcOffset: PhoneExerciserTests.offset).text
        }
        let old = ExposureExplanation(
            report,
            language: .english,
            utcOffset: PhoneExerciserTests.offset,
            now: PhoneWorld.now + 21 * 86_400
        ).text
        #expect(old.hasPrefix("This phone knows nothing"))
        let expected =
            "added \(added) of \(world.encounters.count)\n" + line(first) + lines(report) + texts.joined() + old
            + "loaded\n" + lines(report) + line(second) + "erased \(added)\n"
        let run = try exercise("run")
        #expect(run.status == 0)
        #expect(run.output == expected)
        world.scratch.remove()
    }

    @Test func whatIsWrongIsRefusedAndDoesNoHarm() throws {
        let run = try exercise("misuse")
        #expect(run.status == 0)
        let refused = try #require(run.output.split(separator: " ").last.flatMap { Int($0.dropLast()) })
        #expect(refused > 150, "\(run.output)")
        world.scratch.remove()
    }

    /// The exerciser ends with a failure where something is not so: here it is no roster that the node gives.
    @Test func theExerciserCanFail() throws {
        try world.scratch.write("no roster".utf8, "_v1_roster")
        #expect(try exercise("run").status == 1)
        #expect(try exercise("misuse").status == 1)
        world.scratch.remove()
    }

    @Test func theNumbersOfTheHeaderAreThoseOfTheTypes() {
        #expect(
            [AttenuationBucket.immediate, .near, .medium, .other].map(\.rawValue)
                == [KEYTIDE_IMMEDIATE, KEYTIDE_NEAR, KEYTIDE_MEDIUM, KEYTIDE_OTHER].map { Int($0) }
        )
        #expect(
            [ReportType.unknown, .recursive, .selfReport, .clinical, .confirmed].map { Int($0.rawValue) }
                == [
                    KEYTIDE_REPORT_UNKNOWN, KEYTIDE_REPORT_RECURSIVE, KEYTIDE_REPORT_SELF, KEYTIDE_REPORT_CLINICAL,
                    KEYTIDE_REPORT_CONFIRMED,
                ].map { Int($0) }
        )
        #expect(
            [Infectiousness.none, .standard, .high].map(\.rawValue)
                == [
                    KEYTIDE_INFECTIOUSNESS_NONE, KEYTIDE_INFECTIOUSNESS_STANDARD, KEYTIDE_INFECTIOUSNESS_HIGH,
                ].map { Int($0) }
        )
        #expect(
            [Encounter.Schedule.exposureNotification, .bluezone].map { Int($0.rawValue) }
                == [KEYTIDE_EXPOSURE_NOTIFICATION, KEYTIDE_BLUEZONE].map { Int($0) }
        )
        #expect(Int(KEYTIDE_MAXIMUM_SIGHTINGS) == Encounter.maximumHeld)
        #expect(Freshness.Standing.allCases == [.fresh, .stale, .unknown])
        #expect([KEYTIDE_FRESH, KEYTIDE_STALE, KEYTIDE_UNKNOWN].map { Int($0) } == [0, 1, 2])
        #expect(Int(KEYTIDE_MAXIMUM_SCANS) == ScanTimes.maximumHeld)
    }
}
