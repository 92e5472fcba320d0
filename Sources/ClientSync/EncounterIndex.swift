internal import ExposureKeys
internal import ExposureNotification

/// Sightings prepared for matching: by identifier, and which intervals are worth deriving identifiers for.
struct EncounterIndex: Sendable {
    /// Ascending, each once.
    let encounters: [Encounter]
    /// Intervals by which the clocks of two phones may differ together.
    let tolerance: Int64
    /// Interval number of `isNear[0]`.
    private let base: Int64
    /// For each interval, whether a sighting lies within the tolerance.
    private let isNear: [Bool]
    /// 2^16 bits: whether an identifier with these first 16 bits was seen. Nearly all lookups end here.
    private let prefixes: [UInt64]

    /// - Parameter window: sightings outside are left out; bounds the size of the index.
    init(_ encounters: [Encounter], tolerance: Int64, window: ClosedRange<Interval>) {
        var sorted: [Encounter] = []
        for encounter in encounters.sorted() where window.contains(encounter.interval) && sorted.last != encounter {
            sorted.append(encounter)
        }
        self.encounters = sorted
        self.tolerance = tolerance
        base = Int64(window.lowerBound.number) - tolerance
        var isNear = [Bool](
            repeating: false,
            count: Int(window.upperBound.distance(from: window.lowerBound) + 2 * tolerance + 1)
        )
        var prefixes = [UInt64](repeating: 0, count: 1 << 10)
        for encounter in sorted {
            let position = Int(Int64(encounter.interval.number) - base)
            for near in position - Int(tolerance)...position + Int(tolerance) { isNear[near] = true }
            let prefix = encounter.identifier.high >> 48
            prefixes[Int(prefix >> 6)] |= 1 << (prefix & 63)
        }
        self.isNear = isNear
        self.prefixes = prefixes
    }

    /// The intervals of a key's validity for which an identifier could have been seen.
    func candidates(for metadata: KeyMetadata) -> [Interval] {
        let start = Int64(metadata.rollingStart.number)
        let lower = max(start, base)
        let upper = min(start + Int64(metadata.rollingPeriod), base + Int64(isNear.count))
        guard lower < upper else { return [] }
        var intervals: [Interval] = []
        intervals.reserveCapacity(Int(upper - lower))
        for number in lower..<upper where isNear[Int(number - base)] { intervals.append(Interval(UInt32(number))) }
        return intervals
    }

    /// Sightings of an identifier that was broadcast in `interval`, within the tolerance.
    func sightings(of identifier: ProximityIdentifier, at interval: Interval) -> [Encounter] {
        let prefix = identifier.high >> 48
        guard prefixes[Int(prefix >> 6)] >> (prefix & 63) & 1 == 1 else { return [] }
        var low = 0
        var high = encounters.count
        while low < high {
            let middle = (low + high) / 2
            if encounters[middle].identifier < identifier { low = middle + 1 } else { high = middle }
        }
        return encounters[low...].prefix { $0.identifier == identifier }
            .filter { abs($0.interval.distance(from: interval)) <= tolerance }
    }
}
