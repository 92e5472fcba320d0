import ExposureKeys
import ExposureNotification
import Testing

/// The archives that the German servers published in 2020, against counts taken with another decoder.
@Suite(.enabled(if: RealExports.areNamed, "set KEYTIDE_DATA to the directory with the real exports"))
struct RealExportsTests {
    static let counts: [(name: String, keys: Int)] = [
        ("de-daily-2020-06-23.zip", 474), ("de-daily-2020-07-15.zip", 1220),
        ("eur-daily-2020-12-17.zip", 55009), ("eur-daily-2020-12-18.zip", 47796),
        ("eur-daily-2020-12-19.zip", 42050), ("eur-daily-2020-12-20.zip", 27624),
        ("eur-daily-2020-12-21.zip", 31881), ("eur-daily-2020-12-22.zip", 52589),
        ("eur-daily-2020-12-23.zip", 57972),
    ]
    static let hourly = [
        477, 185, 0, 1341, 158, 467, 623, 2217, 3063, 3520, 3397, 6258, 4248, 4920, 3183, 5272, 3331, 4476, 2683, 2520,
        2371, 1689, 1102, 471,
    ]

    static func hourlyName(_ hour: Int) -> String { "eur-hourly-2020-12-23-\(hour < 10 ? "0" : "")\(hour).zip" }

    static func open(_ name: String) throws -> ExportArchive {
        try ExportArchive.open(RealExports.bytes(name), verifiedWith: RealExports.key())
    }

    @Test func everyArchiveVerifiesAndHasItsKnownCount() throws {
        let expected = Self.counts + Self.hourly.enumerated().map { (Self.hourlyName($0.offset), $0.element) }
        #expect(try RealExports.names() == expected.map(\.0).sorted())
        for (name, count) in expected {
            let archive = try Self.open(name)
            #expect(archive.keys.count == count, "\(name)")
            #expect(archive.rejected.isEmpty && archive.revisedCount == 0, "\(name)")
            #expect(archive.region == (name.hasPrefix("de") ? "DE" : "EUR"))
            #expect(archive.batchNumber == 1 && archive.batchSize == 1)
            #expect(archive.signatureInfos.map(\.verificationKeyID) == ["262"])
            #expect(archive.keys.map(\.data) == archive.keys.map(\.data).sorted(), "\(name) is sorted by key bytes")
            let otherKey = ExportSigningKey().verificationKey
            #expect(code { try archive.verify(with: otherKey) } == .wrongSignature)
        }
        #expect(Self.counts.dropFirst(2).map(\.keys).reduce(0, +) == 314_921)
    }

    @Test func hoursOfADayAreTheDay() throws {
        let day = try Self.open("eur-daily-2020-12-23.zip")
        #expect(day.start == 1_608_681_600 && day.end == 1_608_768_000)
        var united = RegionKeys()
        for hour in 0..<24 {
            let archive = try Self.open(Self.hourlyName(hour))
            #expect(archive.start == day.start + Int64(hour) * 3600 && archive.end == archive.start + 3600)
            united.join(RegionKeys(joining: archive.keys, publishedAt: Interval(0)))
        }
        #expect(united == RegionKeys(joining: day.keys, publishedAt: Interval(0)))
        let before = united
        united.join(RegionKeys(joining: day.keys, publishedAt: Interval(0)))
        #expect(united == before)
    }

    @Test func valuesAreThoseOfTheFiles() throws {
        let day = try Self.open("eur-daily-2020-12-23.zip")
        func count(_ type: ReportType) -> Int { day.keys.count { $0.metadata.reportType == type } }
        #expect(count(.confirmed) == 12_790 && count(.clinical) == 15_900)
        #expect(count(.selfReport) == 6_949 && count(.recursive) == 22_333)
        #expect(day.keys.count { $0.metadata.daysSinceOnset == 1 } == 35_814)
        #expect(day.keys.count { $0.metadata.daysSinceOnset == 2 } == 22_158)
        #expect(day.keys.count { $0.metadata.rollingPeriod == 144 } == 52_664)
        #expect(day.keys.count { $0.metadata.transmissionRisk == 1 } == 18_023)
        let june = try Self.open("de-daily-2020-06-23.zip")
        #expect(june.keys.allSatisfy { $0.metadata.reportType == .unknown && $0.metadata.daysSinceOnset == nil })
        #expect(june.keys.count { $0.metadata.transmissionRisk == 8 } == 242)
    }

    /// The writer, given what the reader found, gives back the published file: nothing was lost or changed.
    @Test func exportsAreWrittenByteForByteAsTheyWerePublished() throws {
        for (name, _) in Self.counts {
            let archive = try Self.open(name)
            let writer = ExportArchiveWriter(
                start: archive.start,
                end: archive.end,
                region: archive.region,
                signatureInfo: try #require(archive.signatureInfos.first)
            )
            // Its digest is the published one, so the published signature holds for it.
            let ours = try writer.archive(of: archive.keys.shuffled(), signedWith: ExportSigningKey())
            let again = try ExportArchive.open(ours)
            #expect(again.keys == archive.keys, "\(name)")
            #expect(again.hasSameExportFile(as: archive), "\(name)")
        }
    }

    @Test func speed() throws {
        let bytes = try RealExports.bytes("eur-daily-2020-12-23.zip")
        let key = try RealExports.key()
        let whole = try Self.best { try ExportArchive.open(bytes, verifiedWith: key).keys.count }
        // The same keys stored instead of deflated, and nothing to verify: checksum, digest and decoding.
        let keys = try ExportArchive.open(bytes).keys
        let stored = Forge.unsigned(try writer().exportFile(of: keys))
        let decoding = try Self.best { try ExportArchive.open(stored).keys.count }
        for (what, time) in [("unzip, verify and decode", whole), ("decode", decoding)] {
            print("\(what): \(time), \(Int(57_972 / (time / .seconds(1)))) keys/s")
        }
        // Forty times what one core takes here: this catches a quadratic reader, not a slow machine.
        #expect(whole < .milliseconds(400))
    }

    private static func best(of count: () throws -> Int) throws -> Duration {
        let clock = ContinuousClock()
        var best = Duration.seconds(60)
        for _ in 0..<15 {
            let start = clock.now
            #expect(try count() == 57_972)
            best = min(best, clock.now - start)
        }
        return best
    }
}
