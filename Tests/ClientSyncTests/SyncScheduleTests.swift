import ClientSync
import Foundation
import TestSupport
import Testing

@Suite struct SyncScheduleTests {
    private static let noon: Int64 = 1_627_819_200

    /// Whatever has happened before, at whatever moment: later, and away from boundaries.
    @Test(arguments: UInt64(0)..<40)
    func aPhoneNeverComesAtABoundary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let slot: Int64 = [12, 60, 3600, 14_400, 86_400].randomElement(using: &random) ?? 60
        var schedule = SyncSchedule(slot: slot, slots: Int64.random(in: 1...6, using: &random))
        var now = SyncScheduleTests.noon + Int64.random(in: 0..<2 * slot, using: &random)
        for _ in 0..<300 {
            let next = schedule.next(isComplete: Int.random(in: 0..<4, using: &random) == 0, now: now, using: &random)
            #expect(next > now && next - now <= (schedule.slots + 1) * slot + slot)
            let offset = next % slot
            #expect(offset >= schedule.margin && offset < slot - schedule.margin, "\(offset) of \(slot)")
            now = next + Int64.random(in: 0..<slot, using: &random)
        }
    }

    @Test func failuresArePunishedMoreAndMoreAndForgottenAtOnce() {
        var random = SplitMix64(seed: 1)
        var schedule = SyncSchedule()
        // In the middle of a slot nothing is moved away from a boundary for the first pauses.
        let now = SyncScheduleTests.noon + 1200
        for failure in 0..<5 {
            let pause = schedule.next(isComplete: false, now: now, using: &random) - now
            let expected = SyncSchedule.firstPause << Int64(failure)
            #expect((expected / 2...expected).contains(pause), "\(failure): \(pause)")
        }
        for _ in 0..<100 {
            let pause = schedule.next(isComplete: false, now: now, using: &random) - now
            #expect(pause <= 4 * 3600 + 2 * schedule.margin)
        }
        #expect(schedule.failures == 24)
        _ = schedule.next(isComplete: true, now: now, using: &random)
        #expect(schedule.failures == 0)
        #expect(schedule.next(isComplete: false, now: now, using: &random) - now <= SyncSchedule.firstPause)
    }

    /// A million phones that all synced within one minute come back spread over nearly a slot.
    @Test func aCrowdIsSpread() {
        var random = SplitMix64(seed: 2)
        var perMinute = [Int](repeating: 0, count: 60)
        for _ in 0..<100_000 {
            var schedule = SyncSchedule()
            let now = SyncScheduleTests.noon + Int64.random(in: 0..<60, using: &random)
            let next = schedule.next(isComplete: true, now: now, using: &random)
            perMinute[Int(next % 3600) / 60] += 1
        }
        #expect(perMinute[..<5].allSatisfy { $0 == 0 } && perMinute[55...].allSatisfy { $0 == 0 })
        // Fifty minutes, 2000 each on average.
        #expect(perMinute[5..<55].allSatisfy { (1700...2300).contains($0) })
    }

    @Test func foreignValuesAreBounded() throws {
        var random = SplitMix64(seed: 3)
        for time in [Int64.min, -1, 0, .max] {
            var schedule = SyncSchedule(slot: .max, slots: -5)
            #expect(schedule.slot == 86_400 && schedule.slots == 1)
            #expect(schedule.next(isComplete: true, now: time, using: &random) > 0)
            #expect(schedule.next(isComplete: false, now: time, using: &random) > 0)
        }
        let kept = try JSONEncoder().encode(SyncSchedule(slot: 60, slots: 2))
        #expect(try JSONDecoder().decode(SyncSchedule.self, from: kept) == SyncSchedule(slot: 60, slots: 2))
        let damaged = Data(#"{"slot":0,"slots":99,"failures":-4}"#.utf8)
        #expect(try JSONDecoder().decode(SyncSchedule.self, from: damaged) == SyncSchedule(slot: 12, slots: 24))
    }
}
