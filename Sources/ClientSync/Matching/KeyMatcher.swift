package import ExposureKeys
internal import ExposureNotification

/// Finds which of a batch's keys were near, batch by batch as they come in.
///
/// For every key the identifiers of those intervals of its validity are derived in which this phone saw anything, give
/// or take the tolerance, and each is tested against a filter of one bit a sighting (`DayFilter`); that work is the same
/// whether the key was near or not. What passes, one in 256 or less of strangers', is compared with the sightings
/// themselves, so nothing is found that was not seen. Memory does not grow with the number of keys: filters of at most
/// 22 days, an index of the sightings, and 160 KiB for the keys in work.
package struct KeyMatcher: Sendable {
    /// Intervals by which clocks of two phones may differ together.
    package let tolerance: Int64
    private let index: SightingIndex
    /// Ascending by day, for days with sightings near only.
    private let filters: [DayFilter]
    private let bluezone: BluezoneMatcher
    private let kernel = MatchKernel.best

    /// - Parameters:
    ///   - encounters: in any order; those of `window` intervals from the horizon on count.
    ///   - horizon: sightings from before it can be of no key that matters.
    package init(_ encounters: [Encounter], tolerance: Int64, from horizon: Interval) {
        let end = horizon.advanced(by: KeyMatcher.window)
        var sorted: [Encounter] = []
        for encounter in encounters.sorted() where (horizon...end).contains(encounter.interval) {
            if let last = sorted.last, last.isSameSighting(as: encounter) {
                sorted[sorted.count - 1] = last.joined(with: encounter)
            } else {
                sorted.append(encounter)
            }
        }
        self.tolerance = tolerance
        index = SightingIndex(sorted)
        let own = sorted.filter { $0.schedule == .exposureNotification }
        filters = KeyMatcher.filters(own, tolerance: tolerance)
        bluezone = BluezoneMatcher(index, tolerance: tolerance)
    }

    /// 20 days: longer than any key that lives, with tolerances. No clock ends it sooner.
    private static let window: Int64 = 20 * Interval.perDay

    var encounters: [Encounter] { index.encounters }

    private static func filters(_ encounters: [Encounter], tolerance: Int64) -> [DayFilter] {
        let numbers = encounters.map { Int64($0.interval.number) }
        guard let first = numbers.min(), let last = numbers.max() else { return [] }
        let days = (first - tolerance) / Interval.perDay...(last + tolerance) / Interval.perDay
        return days.compactMap { day in
            let near = day * Interval.perDay - tolerance..<(day + 1) * Interval.perDay + tolerance
            let sightings = zip(encounters, numbers).filter { near.contains($0.1) }.map(\.0)
            return sightings.isEmpty ? nil : DayFilter(day: day, sightings: sightings, tolerance: tolerance)
        }
    }

    /// - Parameters:
    ///   - keys: of one batch, or one region: equal metadata side by side makes it fast.
    ///   - reach: the intervals that are compared.
    /// - Returns: sightings of those that were near, ascending by position in `keys`.
    package func matches(of keys: [DiagnosisKey], reach: KeyReach = .validity) -> Matches {
        var found = Matches()
        if filters.isEmpty { return found }
        for run in KeyRun.runs(of: keys, reach: reach) {
            for filter in filters(over: run) {
                let intervals = filter.intervals.filter { run.contains($0) }
                if !intervals.isEmpty { match(run, of: keys, at: intervals, filter, &found) }
            }
        }
        found.sort()
        return found
    }

    /// The same for Bluezone day keys.
    package func matches(of keys: [BluezoneDayKey]) -> Matches { bluezone.matches(of: keys) }

    private func filters(over run: KeyRun) -> [DayFilter] {
        let days = Int64(run.start) / Interval.perDay...Int64(run.end - 1) / Interval.perDay
        return filters.filter { days.contains($0.day) }
    }

    /// Compares all keys of a run with one day.
    private func match(
        _ run: KeyRun,
        of keys: [DiagnosisKey],
        at intervals: [UInt32],
        _ filter: DayFilter,
        _ found: inout Matches
    ) {
        var chunk = KeyChunk()
        for range in run.ranges {
            for position in range {
                chunk.append(keys[position].data, at: position)
                if chunk.isFull { match(&chunk, at: intervals, filter, &found) }
            }
        }
        match(&chunk, at: intervals, filter, &found)
    }

    /// Compares the keys of a chunk with one day, and empties it.
    private func match(
        _ chunk: inout KeyChunk,
        at intervals: [UInt32],
        _ filter: DayFilter,
        _ found: inout Matches
    ) {
        let count = chunk.positions.count
        var done = 0
        while done < count {
            let before = done
            done += kernel.match(chunk, from: before, at: intervals, filter) { hit in
                found.work.passed += 1
                compare(hit, chunk.positions[before + hit.key], at: intervals, &found)
            }
        }
        found.work.keys += count
        found.work.identifiers += count * intervals.count
        chunk.removeAll()
    }

    /// Compares an identifier that passed the filter with the sightings themselves.
    private func compare(_ hit: MatchKernel.Hit, _ position: Int, at intervals: [UInt32], _ found: inout Matches) {
        let interval = Interval(intervals[Int(hit.interval)])
        let sightings = index.sightings(of: hit.identifier, at: interval...interval, tolerance: tolerance)
        if !sightings.isEmpty { found.add(sightings, to: position) }
    }
}

/// Sightings of a batch's keys.
package struct Matches: Sendable {
    package struct Match: Sendable {
        /// Of the key among those compared.
        package let position: Int
        /// At least one.
        package fileprivate(set) var sightings: [Encounter]
    }

    package private(set) var matches: [Match] = []
    package var work = MatchWork()

    mutating func add(_ sightings: ArraySlice<Encounter>, to position: Int) {
        if matches.last?.position == position {
            matches[matches.count - 1].sightings += sightings
        } else {
            matches.append(Match(position: position, sightings: Array(sightings)))
        }
    }

    /// Puts matches in the order of keys, one for each: keys are compared by their days, not in their order.
    mutating func sort() {
        var merged: [Match] = []
        for match in matches.sorted(by: { $0.position < $1.position }) {
            if merged.last?.position == match.position {
                merged[merged.count - 1].sightings += match.sightings
            } else {
                merged.append(match)
            }
        }
        matches = merged
    }
}

/// What matching has cost. All but the last is known before anything is compared.
public struct MatchWork: Sendable, Equatable {
    /// Keys whose identifiers were derived, once for each UTC day that they touch.
    public var keys = 0
    /// Identifiers derived and tested.
    public var identifiers = 0
    /// Identifiers that passed the filter: 144 a key at most, and by chance one in 256.
    public var passed = 0

    public init() {}

    public mutating func add(_ other: MatchWork) {
        keys += other.keys
        identifiers += other.identifiers
        passed += other.passed
    }
}
