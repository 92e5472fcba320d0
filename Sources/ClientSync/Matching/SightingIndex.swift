package import ExposureKeys
package import ExposureNotification

/// Sightings in the order of their identifiers, for the exact check of what a filter lets pass.
///
/// A directory over the first bits of identifiers leads to a handful of sightings, so a look-up costs one or two cache
/// lines. It takes 4 bytes for each of 2^p + 1 places, p about log2 of the number of sightings, 1 MiB at most, and 8 for each sighting.
package struct SightingIndex: Sendable {
    /// Ascending, each once.
    package let encounters: [Encounter]
    /// `encounters[directory[i]..<directory[i + 1]]` have identifiers that begin with the bits of i.
    private let directory: [UInt32]
    /// The first halves of identifiers, side by side: what passed by chance ends here.
    private let highs: [UInt64]
    private let shift: UInt64

    /// - Parameter encounters: ascending, each once; at most `Encounter.maximumHeld`.
    package init(_ encounters: [Encounter]) {
        self.encounters = encounters
        let bits = min(18, max(4, Int.bitWidth - encounters.count.leadingZeroBitCount))
        shift = UInt64(64 - bits)
        var directory = [UInt32](repeating: 0, count: (1 << bits) + 1)
        for encounter in encounters { directory[Int(encounter.identifier.high >> shift) + 1] += 1 }
        for place in directory.indices.dropFirst() { directory[place] += directory[place - 1] }
        self.directory = directory
        highs = encounters.map(\.identifier.high)
    }

    /// Sightings of an identifier, at most `tolerance` intervals before or after those in which it was broadcast.
    package func sightings(
        of identifier: ProximityIdentifier,
        _ schedule: Encounter.Schedule = .exposureNotification,
        at broadcast: ClosedRange<Interval>,
        tolerance: Int64
    ) -> ArraySlice<Encounter> {
        let place = Int(identifier.high >> shift)
        var first = Int(directory[place])
        let end = Int(directory[place + 1])
        while first < end, highs[first] != identifier.high { first += 1 }
        if first == end { return [] }
        let candidates = encounters[first..<end]
        func isOfIt(_ encounter: Encounter) -> Bool {
            encounter.identifier == identifier && encounter.schedule == schedule
        }
        // By identifier, then schedule, then time: what lies within the tolerance is one run.
        let start = candidates.firstIndex {
            isOfIt($0) && broadcast.lowerBound.distance(from: $0.interval) <= tolerance
        }
        guard let start else { return [] }
        return candidates[start...].prefix {
            isOfIt($0) && $0.interval.distance(from: broadcast.upperBound) <= tolerance
        }
    }
}
