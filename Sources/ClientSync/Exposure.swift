public import ExposureKeys

/// Sightings of one diagnosis key on one local day, as matching found them. Holds nothing that says whose key it was, but
/// times of day: for trying matching out, not for people, who are told an `ExposureDay`.
public struct Exposure: Sendable, Equatable {
    /// Local day.
    public let day: CivilDate
    /// Unix seconds of the first and last sighting.
    public let first: Int64
    public let last: Int64
    /// Number of sightings.
    public let sightings: Int
    /// What the scans of these sightings count for, in seconds; see `KeyScan`. 0 if no time together is shown.
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

    /// What counts of met keys, by local day. Withdrawn ones are passed over.
    /// - Returns: newest day first, then longest duration, then by time of the first sighting.
    static func grouped(_ met: [MetKey], _ configuration: RiskConfiguration, phone: PhoneScans, utcOffset: Int64)
        -> [Exposure]
    {
        met.flatMap { $0.days(configuration, phone: phone, utcOffset: utcOffset) }.filter { !$0.claim.isWithdrawn }
            .map { Exposure($0, utcOffset: utcOffset) }
            .sorted {
                if $0.day != $1.day { return $0.day > $1.day }
                if $0.duration != $1.duration { return $0.duration > $1.duration }
                return ($0.first, $0.last, $0.sightings) < ($1.first, $1.last, $1.sightings)
            }
    }

    private init(_ counted: MetKey.Day, utcOffset: Int64) {
        let ofDay = counted.claim.sightings.filter {
            CivilDate(unixSeconds: $0.time, utcOffset: utcOffset) == counted.day
        }
        self.init(
            day: counted.day,
            sightings: ofDay[...],
            duration: Int64(counted.windows.reduce(0) { $0 + $1.seconds }),
            metadata: counted.claim.metadata,
            regions: counted.regions
        )
    }

    /// - Parameter sightings: ascending by time, at least one.
    private init(
        day: CivilDate,
        sightings: ArraySlice<Encounter>,
        duration: Int64,
        metadata: KeyMetadata,
        regions: [Region]
    ) {
        self.day = day
        first = sightings.first?.time ?? 0
        last = sightings.last?.time ?? 0
        self.sightings = sightings.count
        self.duration = duration
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
        reportType = metadata.reportType
        self.regions = regions
        daysSinceOnset = metadata.daysSinceOnset.flatMap { (-14...14).contains($0) ? $0 : nil }
    }

    /// - Parameter values: nearest first.
    private static func levels(_ values: [Int]) -> Levels? {
        values.first.map { Levels(nearest: $0, typical: values[(values.count - 1) / 2]) }
    }
}
