public import ExposureKeys

/// Sightings of one diagnosis key on one local day. Holds nothing that says whose key it was.
public struct Exposure: Sendable, Equatable {
    /// Local day.
    public let day: CivilDate
    /// Unix seconds of the first and last sighting.
    public let first: Int64
    public let last: Int64
    /// Number of sightings.
    public let sightings: Int
    /// Estimated duration in seconds: the sum of the gaps between neighbouring sightings that are at most ten minutes
    /// apart. Phones listen every few minutes, so a longer gap means that the other one was away. 0 for one sighting.
    public let duration: Int64
    /// Over the sightings whose attenuation is known, in dB; nil if none is.
    public let attenuation: Levels?
    /// Over the sightings of which only received power is known, in dBm; nil if there is none.
    public let rssi: Levels?
    public let reportType: ReportType
    /// Regions that published the key, ascending.
    public let regions: [Region]
    /// Days from onset of symptoms to the key's day, -14...14; nil if not known.
    public let daysSinceOnset: Int?

    /// How near at most and as a rule.
    public struct Levels: Sendable, Equatable, Codable {
        /// The nearest sighting: least attenuation, or most received power.
        public let nearest: Int
        /// The median; of two in the middle the nearer.
        public let typical: Int

        public init(nearest: Int, typical: Int) {
            self.nearest = nearest
            self.typical = typical
        }
    }

    /// False for a single sighting, and for sightings too far apart or within too short a time to be a meeting.
    public var isContact: Bool { duration >= Exposure.shortestContact }

    /// Seconds of estimated duration from which one speaks of a contact.
    public static let shortestContact: Int64 = 60

    /// Longest gap in seconds between sightings of one meeting.
    public static let longestGap: Int64 = 600

    /// Puts matches together: reports of one key by several regions become one, sightings are split by local day.
    /// - Returns: newest day first, then longest duration, then by time of the first sighting.
    static func grouped(_ matches: [KeyMatch], utcOffset: Int64) -> [Exposure] {
        let ordered = matches.sorted {
            $0.key.identity != $1.key.identity ? $0.key.identity < $1.key.identity : $0.region < $1.region
        }
        var exposures: [Exposure] = []
        var position = ordered.startIndex
        while position < ordered.endIndex {
            var end = position + 1
            while end < ordered.endIndex, ordered[end].key.identity == ordered[position].key.identity { end += 1 }
            exposures += days(of: ordered[position..<end], utcOffset: utcOffset)
            position = end
        }
        return exposures.sorted {
            if $0.day != $1.day { return $0.day > $1.day }
            if $0.duration != $1.duration { return $0.duration > $1.duration }
            return ($0.first, $0.last, $0.sightings) < ($1.first, $1.last, $1.sightings)
        }
    }

    /// Number of keys in matches, whichever regions published them.
    static func distinctKeys(_ matches: [KeyMatch]) -> Int {
        let identities = matches.map(\.key.identity).sorted()
        return zip(identities, identities.dropFirst()).reduce(min(1, identities.count)) { $1.0 == $1.1 ? $0 : $0 + 1 }
    }

    /// - Parameter reports: of one key, each by another region; at least one.
    private static func days(of reports: ArraySlice<KeyMatch>, utcOffset: Int64) -> [Exposure] {
        guard let first = reports.first else { return [] }
        let key = reports.dropFirst().reduce(first.key) { DiagnosisKey.join($0, $1.key) }
        let sightings = first.sightings.sorted { $0.time != $1.time ? $0.time < $1.time : $0 < $1 }
        var exposures: [Exposure] = []
        var rest = sightings[...]
        while let next = rest.first {
            let day = CivilDate(unixSeconds: next.time, utcOffset: utcOffset)
            let ofDay = rest.prefix { CivilDate(unixSeconds: $0.time, utcOffset: utcOffset) == day }
            exposures.append(Exposure(day: day, sightings: ofDay, key: key, regions: reports.map(\.region)))
            rest = rest.dropFirst(ofDay.count)
        }
        return exposures
    }

    /// - Parameter sightings: ascending by time, at least one.
    private init(day: CivilDate, sightings: ArraySlice<Encounter>, key: DiagnosisKey, regions: [Region]) {
        self.day = day
        first = sightings.first?.time ?? 0
        last = sightings.last?.time ?? 0
        self.sightings = sightings.count
        duration = zip(sightings, sightings.dropFirst()).reduce(0) { sum, pair in
            let gap = pair.1.time - pair.0.time
            return gap <= Exposure.longestGap ? sum + gap : sum
        }
        var attenuations: [Int] = []
        var powers: [Int] = []
        for sighting in sightings {
            switch sighting.strength {
            case .attenuation(let value): attenuations.append(value)
            case .rssi(let value), .sealed(let value, _): powers.append(value)
            }
        }
        attenuation = Exposure.levels(attenuations.sorted())
        rssi = Exposure.levels(powers.sorted(by: >))
        reportType = key.metadata.reportType
        self.regions = regions
        daysSinceOnset = key.metadata.daysSinceOnset.flatMap { (-14...14).contains($0) ? $0 : nil }
    }

    /// - Parameter values: nearest first.
    private static func levels(_ values: [Int]) -> Levels? {
        values.first.map { Levels(nearest: $0, typical: values[(values.count - 1) / 2]) }
    }
}
