import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

struct ExposureNotificationScheduleTests {
    private let schedule = ExposureNotificationSchedule()

    private func key(start: Interval, period: Int) throws -> DiagnosisKey {
        let metadata = KeyMetadata(rollingStart: start, rollingPeriod: period, reportType: .confirmed)
        return DiagnosisKey(data: RollingProximityKeyTests.exposureKey, metadata: try #require(metadata))
    }

    @Test func identifiersAreThePublishedOnes() throws {
        let all = schedule.broadcasts(of: try key(start: RollingProximityKeyTests.start, period: 144))
        #expect(all.count == 144)
        for (offset, identifier, _) in RollingProximityKeyTests.published {
            #expect(all[Int(offset)].identifier == identifier)
            let interval = RollingProximityKeyTests.start.advanced(by: offset)
            #expect(all[Int(offset)].time.intervals == interval...interval)
        }
    }

    @Test func aSlotIsAnIntervalOfTheKey() throws {
        for period in [1, 2, 77, 144] {
            let key = try key(start: Interval(2_642_901), period: period)
            let broadcasts = schedule.broadcasts(of: key)
            #expect(broadcasts.count == period)
            for (slot, broadcast) in broadcasts.enumerated() {
                let interval = Interval(2_642_901 + UInt32(slot))
                #expect(broadcast.time == BroadcastTime(start: interval.unixSeconds, end: interval.unixSeconds + 600))
                #expect(broadcast.identifier == RollingProximityKey(key: key.data).identifier(at: interval))
            }
        }
    }

    @Test func theLastKeyOfTheRangeDoesNotTrap() throws {
        let broadcasts = schedule.broadcasts(of: try key(start: Interval(.max - 144), period: 144))
        #expect(broadcasts.last?.time.intervals == Interval(.max - 1)...Interval(.max - 1))
    }
}
