internal import ExposureKeys

/// Which sightings go when a phone holds more than it has room for.
///
/// Whoever fills the air with random identifiers is seen once with each of them, thousands in a minute; the phone of
/// somebody who stays is seen in scan after scan. So what was seen in one scan goes first, and of that what was seen in
/// the minute that has most of it, which leaves other minutes alone. Within a minute chance decides, with a secret of the
/// phone, so that nobody can choose identifiers that stay.
package enum LogBound {
    /// The order in which classes of sightings go; within one the fullest minute loses first.
    enum Class: Int, CaseIterable {
        /// So far ahead of all that the phone has heard of the time that they cannot match for long, if ever.
        case setAside
        case seenInOneScan
        case seenInSeveral
    }

    /// - Parameters:
    ///   - encounters: ascending, each once.
    ///   - maximum: how many stay.
    ///   - latest: the latest unix time that regions or nodes have shown; nil if none has. A phone's own clock is none of
    ///     these: what it calls the future may be the present.
    ///   - rank: a number that follows from a sighting and a secret; the lowest go first.
    /// - Returns: positions of those that go, ascending.
    package static func dropped(
        of encounters: [Encounter],
        keeping maximum: Int,
        latest: Int64?,
        rank: (Int) -> UInt64
    ) -> [Int] {
        var excess = encounters.count - maximum
        guard excess > 0 else { return [] }
        let classes = classified(encounters, latest: latest)
        var dropped: [Int] = []
        for each in Class.allCases where excess > 0 {
            let candidates = classes.indices.filter { classes[$0] == each }
            let some = chosen(candidates, of: encounters, count: excess, rank: rank)
            excess -= some.count
            dropped += some
        }
        return dropped.sorted()
    }

    /// Seconds ahead of the latest time shown for which sightings count as any others: a phone may be without a network
    /// for as long as keys live.
    private static let plausible: Int64 = 15 * 86_400

    /// The unix time after which sightings are set aside.
    package static func end(_ latest: Int64?) -> Int64 {
        latest.map { min($0, Int64.max - plausible) + plausible } ?? .max
    }

    private static func classified(_ encounters: [Encounter], latest: Int64?) -> [Class] {
        let end = end(latest)
        var classes: [Class] = []
        classes.reserveCapacity(encounters.count)
        var start = 0
        while start < encounters.count {
            let first = encounters[start]
            var stop = start + 1
            while stop < encounters.count, encounters[stop].identifier == first.identifier,
                encounters[stop].schedule == first.schedule
            {
                stop += 1
            }
            // By time, so the last one tells whether all are of one scan.
            let (spread, overflows) = encounters[stop - 1].time.subtractingReportingOverflow(first.time)
            let isOne = !overflows && spread <= KeyScan.length
            for position in start..<stop {
                classes.append(
                    encounters[position].time > end ? .setAside : isOne ? .seenInOneScan : .seenInSeveral
                )
            }
            start = stop
        }
        return classes
    }

    /// - Parameter candidates: positions.
    /// - Returns: `count` of them, or all.
    private static func chosen(
        _ candidates: [Int],
        of encounters: [Encounter],
        count: Int,
        rank: (Int) -> UInt64
    ) -> [Int] {
        guard candidates.count > count else { return candidates }
        var minutes: [[Int]] = []
        var last: Int64?
        for position in candidates.sorted(by: { encounters[$0].time < encounters[$1].time }) {
            let minute = encounters[position].time / 60
            if minute != last { minutes.append([]) }
            last = minute
            minutes[minutes.count - 1].append(position)
        }
        let level = evenLevel(minutes.map(\.count), dropping: count)
        var more = count - minutes.reduce(0) { $0 + max(0, $1.count - level) }
        var dropped: [Int] = []
        for minute in minutes where minute.count >= level {
            var share = minute.count - level
            if more > 0, level > 0 { (share, more) = (share + 1, more - 1) }
            if share == 0 { continue }
            let ranked = minute.map { (rank: rank($0), position: $0) }.sorted { $0 < $1 }
            dropped += ranked.prefix(share).map(\.position)
        }
        return dropped
    }

    /// The lowest level to which all counts above it can be brought by dropping at most so many.
    private static func evenLevel(_ counts: [Int], dropping count: Int) -> Int {
        var (low, high) = (0, counts.max() ?? 0)
        while low < high {
            let middle = (low + high) / 2
            if counts.reduce(0, { $0 + max(0, $1 - middle) }) <= count { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
