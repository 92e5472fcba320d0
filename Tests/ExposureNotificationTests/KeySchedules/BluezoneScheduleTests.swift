import ExposureKeys
import ExposureNotification
import Foundation
import Testing
import TestSupport

struct BluezoneScheduleTests {
    private let schedule = BluezoneSchedule()

    /// From the published vectors.
    private static let baseID = "cf03963edaba043baf827edce5bd69572215f965d421751111cd4b123c2da90d"
    private static let firstDay = [
        0: "84759fd0f871304ffd2d7805", 1: "95b08b4eb2db1cc78c9dbc6b", 23: "384224aaa27fdcc229f96e5b",
        47: "5133b712268ef146869a152a", 95: "7b3a0728eb8456fd995314b3",
    ]

    @Test func identifiersAreThePublishedOnes() throws {
        let daily = try BluezoneSample.dailyKey(Self.baseID)
        let all = schedule.broadcasts(of: try BluezoneSample.published(daily.firstSubKey))
        #expect(all.count == 96)
        for slot in Self.firstDay.keys.sorted() {
            #expect(all[slot].identifier == (try BluezoneSample.identifier(Self.firstDay[slot] ?? "")), "\(slot)")
        }
    }

    @Test(
        .enabled(if: BluezoneVectors.folder != nil, "set KEYTIDE_VECTORS to the directory with the published vectors")
    )
    func allPublishedVectorsHold() throws {
        var count = 0
        for one in try BluezoneVectors.read().cases {
            let dailyKeys = BluezoneSample.dailyKeys(
                one.days.count,
                from: try BluezoneSample.dailyKey(one.baseID)
            )
            for day in one.days {
                #expect(dailyKeys[day.day] == (try BluezoneSample.dailyKey(day.dailyKey)))
                let key = try BluezoneSample.published(dailyKeys[day.day].firstSubKey)
                let all = schedule.broadcasts(of: key).map(\.identifier)
                for (slot, hexadecimal) in day.identifiers.sorted(by: { $0.key < $1.key }) {
                    #expect(all[try #require(Int(slot))] == (try BluezoneSample.identifier(hexadecimal)))
                    count += 1
                }
            }
        }
        #expect(count == 30)
    }

    @Test func ninetySixQuartersOfAnHourFromMidnightInUTC() throws {
        let key = try BluezoneSample.published(BluezoneSubKey(1, 2, 3, 4))
        let times = schedule.times(of: key)
        #expect(times.count == 96)
        #expect(times.first?.start == BluezoneSample.midnight.unixSeconds)
        #expect(times.last?.end == key.metadata.end.unixSeconds)
        for (one, other) in zip(times, times.dropFirst()) {
            #expect(one.end - one.start == 900 && one.end == other.start)
        }
        #expect(BluezoneSample.midnight.unixSeconds % 86_400 == 0)
    }

    @Test func someSlotsAreAsAllOfThem() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<50 {
            let subKey = BluezoneSubKey(random.next(), random.next(), random.next(), random.next())
            let key = try BluezoneSample.published(subKey)
            let all = schedule.identifiers(of: key, in: Array(0..<96))
            let some = (0..<96).filter { _ in Bool.random(using: &random) }
            #expect(schedule.identifiers(of: key, in: some) == some.map { all[$0] })
            #expect(all[0] == BluezoneIdentifier(subKey) && all[1] == BluezoneIdentifier(subKey.next))
            #expect(Set(all).count == 96)
        }
        let key = try BluezoneSample.published(BluezoneSubKey(1, 2, 3, 4))
        #expect(schedule.identifiers(of: key, in: []).isEmpty)
        #expect(schedule.identifiers(of: key, in: [95]) == [schedule.broadcasts(of: key)[95].identifier])
    }

    @Test func speed() throws {
        var random = SplitMix64(seed: 6)
        let keys = try (0..<1000).map { _ in
            try BluezoneSample.published(BluezoneSubKey(random.next(), random.next(), random.next(), random.next()))
        }
        let clock = ContinuousClock()
        var best = Duration.seconds(60)
        var sum: UInt64 = 0
        for _ in 0..<5 {
            let start = clock.now
            for key in keys { sum &+= schedule.broadcasts(of: key).reduce(0) { $0 &+ $1.identifier.high } }
            best = min(best, clock.now - start)
        }
        print("Bluezone's key schedule, 96 identifiers a key: \(Int(1000 / (best / .seconds(1)))) keys/s (\(sum))")
        #expect(best < .seconds(2))
    }
}
