import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

/// What holds for every schedule.
struct KeyScheduleTests {
    private func laws<Schedule: KeySchedule>(of schedule: Schedule, _ key: Schedule.Key) {
        let all = schedule.broadcasts(of: key)
        let times = schedule.times(of: key)
        #expect(all.map(\.time) == times)
        #expect(times.first?.start == key.metadata.rollingStart.unixSeconds)
        #expect(times.last?.end == key.metadata.end.unixSeconds)
        #expect(times.allSatisfy { $0.end - $0.start == Schedule.slotSeconds })
        #expect(zip(times, times.dropFirst()).allSatisfy { $0.end == $1.start })
        // Only what is wanted, with the same identifiers.
        var random = SplitMix64(seed: 3)
        for _ in 0..<10 {
            let one = Int.random(in: all.indices, using: &random)
            #expect(schedule.broadcasts(of: key) { $0 == times[one] } == [all[one]])
            let from = times[one].start
            #expect(schedule.broadcasts(of: key) { $0.start >= from } == Array(all[one...]))
        }
        #expect(schedule.broadcasts(of: key) { _ in false }.isEmpty)
        #expect(Set(all.map(\.identifier)).count == all.count)
    }

    @Test func bothSchedulesKeepTheLaws() throws {
        var random = SplitMix64(seed: 4)
        for key in randomKeys(20, using: &random) { laws(of: ExposureNotificationSchedule(), key) }
        for _ in 0..<20 {
            let subKey = BluezoneSubKey(random.next(), random.next(), random.next(), random.next())
            laws(of: BluezoneSchedule(), try BluezoneSample.published(subKey))
        }
    }

    private struct Uneven: KeySchedule {
        static let slotSeconds: Int64 = 1000
        func identifiers(of key: DiagnosisKey, in slots: [Int]) -> [Int] { slots }
    }

    @Test func aRestThatIsTooShortForASlotHasNoIdentifier() throws {
        let metadata = KeyMetadata(rollingStart: Interval(10), rollingPeriod: 3, reportType: .confirmed)
        let key = DiagnosisKey(data: KeyData(high: 1, low: 2), metadata: try #require(metadata))
        let times = Uneven().broadcasts(of: key).map(\.time)
        #expect(times == [BroadcastTime(start: 6000, end: 7000)])
    }
}
