internal import ExposureKeys
internal import ExposureNotification

/// Compares Bluezone day keys with sightings of Bluezone identifiers.
///
/// Phones of that system are gone but for those that still run it, so there are few keys of it: each identifier that is
/// derived, 96 a key at most, is looked up among the sightings at once. Later sub-keys follow from earlier ones, so a
/// key costs SHA-256 up to the last quarter of an hour that matters.
struct BluezoneMatcher: Sendable {
    private let index: SightingIndex
    private let tolerance: Int64
    /// When there were sightings of the system, ascending.
    private let intervals: [Interval]

    init(_ index: SightingIndex, tolerance: Int64) {
        self.index = index
        self.tolerance = tolerance
        intervals = index.encounters.filter { $0.schedule == .bluezone }.map(\.interval).sorted()
    }

    /// - Returns: sightings of those that were near, ascending by position in `keys`.
    func matches(of keys: [BluezoneDayKey]) -> Matches {
        var found = Matches()
        if intervals.isEmpty { return found }
        for (position, key) in keys.enumerated() {
            let broadcasts = BluezoneSchedule().broadcasts(of: key, where: isNear)
            found.work.keys += broadcasts.isEmpty ? 0 : 1
            found.work.identifiers += broadcasts.count
            for broadcast in broadcasts {
                let sightings = index.sightings(
                    of: ProximityIdentifier(
                        high: broadcast.identifier.high,
                        low: UInt64(broadcast.identifier.low) << 32
                    ),
                    .bluezone,
                    at: broadcast.time.intervals,
                    tolerance: tolerance
                )
                if !sightings.isEmpty { found.add(sightings, to: position) }
            }
        }
        return found
    }

    /// Whether this phone saw anything at that time, give or take the tolerance.
    private func isNear(_ time: BroadcastTime) -> Bool {
        let first = time.intervals.lowerBound.advanced(by: -tolerance)
        var (low, high) = (0, intervals.count)
        while low < high {
            let middle = (low + high) / 2
            if intervals[middle] < first { low = middle + 1 } else { high = middle }
        }
        return low < intervals.count && time.mayBeSeen(in: intervals[low], tolerance: tolerance)
    }
}
