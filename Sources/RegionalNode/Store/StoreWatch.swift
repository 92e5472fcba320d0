internal import ExposureKeys
internal import FeedFormat
internal import FeedStore

/// What a node does for its store all the time: reads every batch once a day, to find damage before somebody needs the
/// batch and while neighbours still hold it; and while the store takes nothing, tries whether it does again.
struct StoreWatch {
    let node: NodeContext

    /// Batches read in one turn of the store's thread.
    private static let step: UInt64 = 4
    private static let day = Duration.seconds(86_400)
    /// Share of the time that the first reading after a start may take of the store's thread: a fifth.
    private static let idleShare = 4
    private static let probePause = Duration.seconds(2)
    /// What must find room before the store counts as taking batches again: more than most batches.
    private static let probeBytes = 256 << 10
    private static let probeName = "room"

    /// Until cancelled.
    func scrub() async {
        var isFirst = true
        while !Task.isCancelled {
            let steps = node.served.all.flatMap { feed in
                stride(from: feed.first, to: feed.count, by: Int(StoreWatch.step)).map { number in
                    (feed.feed, number..<min(number + StoreWatch.step, feed.count))
                }
            }
            let pause = StoreWatch.day / max(steps.count, 1440)
            for (feed, numbers) in steps {
                let began = ContinuousClock.now
                guard await check(feed, numbers) else { return }
                let took = ContinuousClock.now - began
                try? await Task.sleep(for: isFirst ? took * StoreWatch.idleShare : pause)
            }
            isFirst = false
            try? await Task.sleep(for: pause)
        }
    }

    /// - Returns: false if there is nothing to go on for.
    private func check(_ feed: FeedID, _ numbers: Range<UInt64>) async -> Bool {
        do {
            let care = node.care
            try await node.queue.run { try care.check(feed, numbers, in: $0) }
            return !Task.isCancelled
        } catch {
            if Task.isCancelled || node.care.reports(error) { return false }
            node.alarms.raise(.batchesUnchecked, "batches could not be checked: \(error)")
            return true
        }
    }

    /// Until cancelled.
    func probe() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: StoreWatch.probePause)
            guard node.health.trouble != nil, !Task.isCancelled else { continue }
            let care = node.care
            try? await node.queue.run { storage in
                do {
                    try storage.setSetting(StoreWatch.probeName, [UInt8](repeating: 1, count: StoreWatch.probeBytes))
                    try storage.setSetting(StoreWatch.probeName, [])
                    care.worked()
                } catch {
                    care.failed(error)
                }
            }
        }
    }
}
