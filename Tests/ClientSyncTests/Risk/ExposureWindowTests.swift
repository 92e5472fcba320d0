import ClientSync
import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

@Suite struct ExposureWindowTests {
    @Test(arguments: UInt64(0)..<200)
    func windowsPartitionTheSightings(seed: UInt64) throws {
        var random = SplitMix64(seed: 5_000 + seed)
        let sightings = Meeting.random(using: &random)
        let offset = ExposureReport.vietnamOffset
        let scans = KeyScan.scans(of: sightings)
        let groups = ExposureWindow.groups(of: scans, utcOffset: offset)
        #expect(groups.flatMap(\.scans) == scans)
        for group in groups {
            let times = group.scans.map(\.time)
            #expect((times.last ?? 0) - (times.first ?? 0) < 1800)
            #expect(times.allSatisfy { CivilDate(unixSeconds: $0, utcOffset: offset) == group.day })
        }
        let windows = Meeting.windows(sightings.shuffled(using: &random), of: try Meeting.key())
        #expect(windows.map(\.day) == groups.map(\.day))
        #expect(windows.reduce(0) { $0 + $1.scans.reduce(0) { $0 + $1.sightings } } == Set(sightings).count)
        #expect(windows.reduce(0) { $0 + $1.seconds } == scans.reduce(0) { $0 + $1.seconds })
        #expect(windows.allSatisfy { (0...2100).contains($0.seconds) })
        for scan in windows.flatMap(\.scans) { #expect(scan.minimumAttenuation <= scan.typicalAttenuation) }
    }

    @Test func anHourMakesTwoWindowsAndABit() throws {
        let sightings = Meeting.sightings(stride(from: Int64(0), through: 3600, by: 300).map { ($0, 50) })
        let windows = Meeting.windows(sightings, of: try Meeting.key())
        #expect(windows.map(\.scans.count) == [6, 6, 1] && windows.map(\.seconds) == [1500, 1800, 300])
        #expect(windows.allSatisfy { $0.day.description == "2021-07-30" && $0.infectiousness == .high })
        #expect(windows.allSatisfy { $0.calibrationConfidence == .low && $0.reportType == .confirmed })
    }

    @Test func midnightIsThatOfTheOffset() throws {
        // 08:00 and 16 hours less ten minutes: 23:50 in Vietnam, 16:50 UTC.
        let evening: Int64 = 16 * 3600 - 600
        let sightings = Meeting.sightings([0, 300, 600, 900].map { (evening + $0, 50) })
        let local = Meeting.windows(sightings, of: try Meeting.key())
        #expect(local.map(\.day.description) == ["2021-07-30", "2021-07-31"] && local.map(\.seconds) == [300, 600])
        let utc = Meeting.windows(sightings, of: try Meeting.key(), utcOffset: 0)
        #expect(utc.map(\.day.description) == ["2021-07-30"] && utc.map(\.seconds) == [900])
    }

    /// A new key at midnight UTC, 07:00 in Vietnam: the meeting counts as if it had been one.
    @Test func aMeetingAcrossTwoKeysLosesNothing() throws {
        let seconds: [Int64] = [0, 240, 480, 720, 960]
        let whole = Meeting.sightings(seconds.map { ($0, 50) })
        let phone = PhoneScans(whole.map(\.time))
        let key = try Meeting.key()
        func total(_ parts: [[Encounter]]) -> Int {
            parts.flatMap {
                ExposureWindow.windows(
                    of: key.metadata,
                    sightings: $0,
                    phone: phone,
                    infectiousness: .symposium,
                    utcOffset: ExposureReport.vietnamOffset
                )
            }.reduce(0) { $0 + $1.seconds }
        }
        #expect(total([whole]) == 960)
        for first in 1...4 {
            #expect(total([Array(whole.prefix(first)), Array(whole.dropFirst(first))]) == 960, "\(first)")
        }
    }

    @Test func aScanIsTheMeanAndTheLeastOfItsSightings() throws {
        let seen = Meeting.sightings([(0, 60), (2, 61), (5, 70), (6, 45), (300, 60), (301, 61)])
        let scans = Meeting.windows(seen, of: try Meeting.key()).flatMap(\.scans)
        #expect(
            scans == [
                ScanInstance(sightings: 4, typicalAttenuation: 59, minimumAttenuation: 45, secondsSinceLastScan: 0),
                ScanInstance(sightings: 2, typicalAttenuation: 61, minimumAttenuation: 60, secondsSinceLastScan: 300),
            ]
        )
        #expect(
            ScanInstance(typicalAttenuation: 999, minimumAttenuation: -3, secondsSinceLastScan: 999).typicalAttenuation
                == 255
        )
    }

    @Test func unknownPowerIsAssumedAndTrustedLeast() throws {
        let seen = Meeting.sightings([(0, .rssi(-65)), (300, .rssi(20)), (600, .attenuation(55))])
        let window = try #require(Meeting.windows(seen, of: try Meeting.key()).first)
        #expect(window.scans.map(\.typicalAttenuation) == [55, 0, 55] && window.calibrationConfidence == .lowest)
    }

    @Test(arguments: UInt64(0)..<50)
    func theirOrderTellsNothingOfKeysOrTimes(seed: UInt64) throws {
        var random = SplitMix64(seed: 6_000 + seed)
        var windows: [ExposureWindow] = []
        for person in 1...5 {
            let types: [ReportType] = [.confirmed, .clinical, .selfReport]
            let key = try Meeting.key(UInt64(person), types.randomElement(using: &random) ?? .confirmed)
            windows += Meeting.windows(Meeting.random(using: &random), of: key)
        }
        let unlinked = ExposureWindow.unlinked(windows)
        #expect(unlinked == ExposureWindow.unlinked(windows.shuffled(using: &random)))
        #expect(unlinked.count == windows.count && windows.allSatisfy(unlinked.contains))
        // Windows alike in content but for the hour stand side by side.
        let early = Meeting.windows(Meeting.sightings([(0, 50), (300, 50)]), of: try Meeting.key(1))
        let late = Meeting.windows(Meeting.sightings([(9000, 50), (9300, 50)]), of: try Meeting.key(2))
        #expect(early == late)
    }
}
