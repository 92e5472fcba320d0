public import ExposureKeys

/// The sightings that a phone holds, and how many of them can no longer be read.
public struct EncounterLog: Sendable, Equatable {
    /// Ascending.
    public let encounters: [Encounter]
    /// Intervals of sightings that are damaged, ascending, one entry each.
    public let damaged: [Interval]
    /// Sightings that went because there was no room for them, while any of them could still count.
    public let lost: Int

    public init(encounters: [Encounter], damaged: [Interval] = [], lost: Int = 0) {
        self.encounters = encounters
        self.damaged = damaged
        self.lost = lost
    }

    /// How many are set aside: their times lie in the future as far as the phone knows the time, so they match nothing
    /// yet. When their time has come they count as all others.
    /// - Parameter latest: `DeviceStorage.latestTime(now:)`.
    public func waiting(after latest: Int64) -> Int {
        encounters.count { EncounterLog.isAhead($0.time, of: latest) }
    }

    /// Whether a time lies further ahead than clocks may differ.
    static func isAhead(_ time: Int64, of latest: Int64) -> Bool {
        let (ahead, overflows) = time.subtractingReportingOverflow(latest)
        return overflows ? time > latest : ahead > ExposureMatching.tolerance * Interval.seconds
    }
}

/// Sightings that went for want of room.
struct LostSightings: Sendable, Equatable {
    var count = 0
    /// Of the newest one.
    var last = Interval(0)

    /// With some more.
    /// - Parameter end: unix seconds, `LogBound.end`; what claims to be from later counts as from then, else it would be
    ///   told for ever.
    mutating func add(_ encounters: some Sequence<Encounter>, notAfter end: Int64) {
        let end = Interval(unixSeconds: end)
        for encounter in encounters {
            count += 1
            last = max(last, min(encounter.interval, end))
        }
    }

    /// Once none of them could count any more, nothing is said of them.
    mutating func forget(before interval: Interval) {
        if last < interval { self = LostSightings() }
    }
}

extension DeviceStorage {
    /// The sightings held that can be read, ascending. `encounterLog()` says also how many cannot.
    public func encounters() async throws -> [Encounter] { try await encounterLog().encounters }

    /// The latest unix time that the phone knows of: by its clock, from regions' batches, or from a node's index.
    public func latestTime(now: Int64) async throws -> Int64 { max(now, try await shownTime() ?? now) }

    /// The latest unix time that regions or nodes have shown, whatever the phone's clock says; nil if none has.
    package func shownTime() async throws -> Int64? {
        let published = try await cursors().map(\.lastPublication.unixSeconds).max()
        let fetched = try await freshness().fetchedUntil
        return [published, fetched].compactMap { $0 }.max()
    }
}
