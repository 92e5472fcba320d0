import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

/// Prints how long matching takes; run with KEYTIDE_MEASURE set.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["KEYTIDE_MEASURE"] != nil))
struct MatchingMeasurement {
    /// 315,000 keys of 14 whole days against 1,000 sightings, spread over all hours or over some hours of each day.
    @Test(arguments: [(1, 24), (2, 24), (1, 8), (2, 8)])
    func matching(tasks: Int, hours: Int64) async throws {
        var random = SplitMix64(seed: 1)
        let storage = MemoryDeviceStorage()
        let region = try #require(Region("VN-79"))
        for day in 1...14 {
            let keys = try Sample.keys(22_500, daysAgo: day - 1, using: &random)
            let batch = try Batch(number: 0, publication: Sample.interval, keys: keys)
            let feed = FeedID(region: region, epoch: Epoch(UInt64(day)))
            try await storage.commit(
                DeviceCommit(
                    cursor: FeedCursor(
                        feed: feed,
                        frontier: Frontier(leaves: [batch.leafHash]),
                        lastPublication: Sample.interval
                    ),
                    previousSize: nil,
                    batches: [HeldBatch(feed: feed, number: 0, publication: Sample.interval, bytes: batch.bytes)],
                    checkpoint: nil
                )
            )
        }
        let encounters = (0..<1000).map { _ in
            let day = Int64.random(in: 1...14, using: &random)
            let second = Int64.random(in: 0..<hours * 3600, using: &random)
            return Encounter(
                time: Sample.now - day * 86_400 + second,
                identifier: ProximityIdentifier(high: random.next(), low: random.next()),
                strength: .attenuation(60)
            )
        }
        let clock = ContinuousClock()
        func processorSeconds() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let decoding = try await clock.measure { _ = try await storage.keys(of: region).live(at: Sample.interval) }
        let matching = ExposureMatching(encounters: encounters, now: Sample.interval, tasks: tasks)
        var report: ExposureReport?
        let before = processorSeconds()
        let elapsed = try await clock.measure { report = try await matching.run(over: storage) }
        let spent = processorSeconds() - before
        #expect(report?.keys == 315_000 && report?.encounters == 1000)
        print(
            "\(tasks) tasks, sightings in \(hours) h a day: \(elapsed), \(spent) s of processor; decoding \(decoding)"
        )
    }
}
