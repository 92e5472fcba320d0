public import ExposureKeys
public import FeedFormat

/// Whom a node links with while it runs: those that its operator names, or else those of the `Overlay`, the nearest of
/// which are found by measuring. The ring and those drawn by hash are neighbours at once, the nearest when each region has
/// been tried. A value: the shell measures what it asks for and tells the outcome.
public struct Neighbourhood: Sendable {
    private let region: Region
    private let configured: [Region]?
    private let settings: SurveySettings
    private var roster: Roster
    private var survey: RoundTripSurvey
    private var nearest: NearestRegions
    /// Each region of some roster has been tried; those of later rosters count as they are measured.
    private var isSurveyed = false

    /// Ascending, without this region, each in the roster.
    public private(set) var neighbours: [Region] = []

    /// - Parameters:
    ///   - region: this node's.
    ///   - configured: those that the operator names; nil for those of the overlay.
    public init(
        of region: Region,
        configured: [Region]?,
        roster: Roster,
        settings: SurveySettings = SurveySettings(),
        now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) {
        self.region = region
        self.configured = configured
        self.settings = settings
        self.roster = roster
        survey = RoundTripSurvey(settings: settings)
        nearest = NearestRegions(limit: settings.nearest)
        take(roster, now: now, using: &random)
    }

    /// A roster is in force from now on.
    public mutating func take(_ roster: Roster, now: Timestamp, using random: inout some RandomNumberGenerator) {
        self.roster = roster
        choose()
        survey.take(measurable, now: now, using: &random)
        choose()
    }

    /// The round trip to a region was measured, as `nextMeasurement` asked.
    /// - Parameters:
    ///   - microseconds: nil if the region did not answer. What is negative counts as nothing.
    ///   - isConnected: over a connection that is open anyway, so that it may be done more often.
    public mutating func measured(
        _ region: Region,
        _ microseconds: Int64?,
        isConnected: Bool,
        now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) {
        let time = microseconds.map { max(0, $0) }
        survey.measured(region, time, isConnected: isConnected, now: now, using: &random)
        choose()
    }

    /// Which region is to be measured next, and when. Measurements follow one another.
    public var nextMeasurement: (region: Region, due: Timestamp)? { survey.next }

    /// Microseconds, the least of the newest measurements; nil if there is none.
    public func roundTrip(of region: Region) -> Int64? { survey.roundTrip(of: region) }

    /// Those that may become neighbours by being near, ascending.
    private var candidates: [Region] {
        guard configured == nil, settings.nearest > 0, roster.region(region)?.successor == nil else { return [] }
        return roster.regions.filter { $0.successor == nil && $0.id != region }.map(\.id)
    }

    /// Candidates, and neighbours for whatever reason.
    private var measurable: [Region] {
        let candidates = candidates
        return (candidates + neighbours.filter { !candidates.contains($0) }).sorted()
    }

    private mutating func choose() {
        isSurveyed = isSurveyed || survey.isComplete
        if let configured {
            neighbours = roster.regions.map(\.id).filter { $0 != region && configured.contains($0) }
            return
        }
        if isSurveyed {
            nearest.update(
                candidates.compactMap { region in
                    survey.roundTrip(of: region).map { NearestRegions.Candidate(region: region, time: $0) }
                }
            )
        }
        let near = nearest.chosen
        neighbours = Overlay(roster: roster, nearest: settings.nearest).neighbours(of: region) { region in
            near.contains(region) ? 0 : nil
        }
    }
}
