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
    /// Seconds within which whatever was seen, of anybody, is of one scan of the phone: it listens for so long at most
    /// before it rests. Our own decision. Else who is heard at the beginning of a scan would shorten what counts for
    /// those who are heard at its end.
    package static let listening: Int64 = 25
    /// Seconds that one scan counts for at most, as in the API: a phone listens at least every five minutes.
    package static let longest: Int64 = 300
    /// Seconds between two scans with the key within which it counts as having been there all the time, as within one
    /// window. Our own decision: Android wakes an app once in nine minutes and more, and scans fail.
    package static let longestGap: Int64 = 1800
    /// Seconds before a key's first scan within which the phone must have scanned for that scan to count. Our own
    /// decision: two of the API's longest pauses.
    package static let longestLead: Int64 = 600

    /// Puts the sightings of one key together into scans.
    ///
    /// A scan counts for the time since the last scan in which the key was seen, or since a later one of the phone that
    /// is known, at most `longest`. Where the key was not seen within `longestGap`, a meeting begins: its first scan
    /// counts for the time since a scan of the phone at most `longestLead` before, and for nothing if none is known.
    /// So what all scans count for is never more than the time from `longest` before the first to the last, nor more than
    /// `longest` for each.
    /// - Parameters:
    ///   - sightings: of one key, in any order; repeated ones count once.
    ///   - phone: when the phone scanned; these sightings may be among what it is known from.
    package static func scans(of sightings: [Encounter], phone: PhoneScans = PhoneScans()) -> [KeyScan] {
        let ordered = sightings.sorted { $0.time != $1.time ? $0.time < $1.time : $0 < $1 }
        var scans: [KeyScan] = []
        var current: [Encounter] = []
        func close() {
            guard let first = current.first else { return }
            scans.append(KeyScan(current, after: scans.last, phone, time: first.time))
            current = []
        }
        for sighting in ordered where sighting != current.last {
            if let first = current.first, sighting.time - first.time > length { close() }
            current.append(sighting)
        }
        close()
        return scans
    }

    private init(_ sightings: [Encounter], after former: KeyScan?, _ phone: PhoneScans, time: Int64) {
        self.time = time
        self.sightings = sightings
        // What is not further away than `listening` is of the same scan, of this key's last one or of this one.
        let last: Int64? =
            if let former, time - former.time <= KeyScan.longestGap {
                KeyScan.last(of: phone, after: former.time + KeyScan.listening, before: time) ?? former.time
            } else {
                KeyScan.last(of: phone, after: time - KeyScan.longestLead - 1, before: time)
            }
        seconds = last.map { Int(min(time - $0, KeyScan.longest)) } ?? 0
    }

    private static func last(of phone: PhoneScans, after start: Int64, before time: Int64) -> Int64? {
        start + 1 < time - listening ? phone.last(in: start + 1..<time - listening) : nil
    }
}
