package import ExposureKeys

/// Which few of many regions are nearest, by round trips that are never measured twice alike. A region gives way only to
/// one that is clearly nearer, so that noise exchanges nobody and two regions cannot take turns.
package struct NearestRegions: Sendable {
    package struct Candidate: Sendable {
        package let region: Region
        /// Round trip in microseconds.
        package let time: Int64

        package init(region: Region, time: Int64) {
            self.region = region
            self.time = time
        }
    }

    private let limit: Int
    /// Ascending.
    package private(set) var chosen: [Region] = []

    package init(limit: Int) {
        self.limit = limit
    }

    /// Whether a link is worth being exchanged for another: by a fifth, and by a millisecond, below which nothing but the
    /// load of two machines differs.
    package static func isClearlyNearer(_ time: Int64, than other: Int64) -> Bool {
        let gain = other &- time
        return gain >= 1000 && gain >= other / 5
    }

    /// - Parameter candidates: all that may be chosen, each once; whoever is not among them is chosen no more.
    package mutating func update(_ candidates: [Candidate]) {
        var (kept, others): ([Candidate], [Candidate]) = ([], [])
        for candidate in candidates {
            if chosen.contains(candidate.region) { kept.append(candidate) } else { others.append(candidate) }
        }
        kept.sort(by: NearestRegions.isNearer)
        others.sort(by: NearestRegions.isNearer)
        for other in others {
            if kept.count < limit {
                kept.append(other)
            } else if let farthest = kept.last, NearestRegions.isClearlyNearer(other.time, than: farthest.time) {
                kept[kept.count - 1] = other
            } else {
                break
            }
            kept.sort(by: NearestRegions.isNearer)
        }
        chosen = kept.map(\.region).sorted()
    }

    private static func isNearer(_ left: Candidate, _ right: Candidate) -> Bool {
        (left.time, left.region) < (right.time, right.region)
    }
}
