/// A scan of this phone in which one key was seen, with its time: what windows are made of. Never kept.
package struct KeyScan: Sendable, Equatable {
    /// Unix seconds of the first sighting.
    package let time: Int64
    /// Ascending by time, at least one.
    package let sightings: [Encounter]
    /// What the scan counts for, 0...300.
    package let seconds: Int

    /// Seconds within which sightings are of one scan. Our own decision: phones listen for a few seconds every few
    /// minutes.
    package static let length: Int64 = 10
    /// Seconds that one scan counts for at most, as in the API: a phone listens at least every five minutes.
    package static let longest: Int64 = 300
    /// Seconds after which the next scan counts for nothing, because the other phone was away in between: it missed at
    /// least one scan. Our own decision; the API, which knows of scans that found nothing, needs none.
    package static let longestGap: Int64 = 600

    /// Puts the sightings of one key together into scans.
    ///
    /// A scan counts for the time since the last one in which the key was seen, at most `longest`. The first one, and the
    /// first after `longestGap`, count for nothing: that this phone had listened before, and in vain, is not known here.
    /// So one sighting never lasts, and what all scans count for is never more than from the first to the last.
    /// - Parameter sightings: of one key, in any order; repeated ones count once.
    package static func scans(of sightings: [Encounter]) -> [KeyScan] {
        let ordered = sightings.sorted { $0.time != $1.time ? $0.time < $1.time : $0 < $1 }
        var scans: [KeyScan] = []
        var current: [Encounter] = []
        func close() {
            guard let first = current.first else { return }
            scans.append(KeyScan(current, after: scans.last, time: first.time))
            current = []
        }
        for sighting in ordered where sighting != current.last {
            if let first = current.first, sighting.time - first.time > length { close() }
            current.append(sighting)
        }
        close()
        return scans
    }

    private init(_ sightings: [Encounter], after former: KeyScan?, time: Int64) {
        self.time = time
        self.sightings = sightings
        let gap = former.map { time - $0.time } ?? .max
        seconds = gap > KeyScan.longestGap ? 0 : Int(min(gap, KeyScan.longest))
    }
}
