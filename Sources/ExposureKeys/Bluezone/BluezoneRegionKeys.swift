/// The Bluezone day keys of one region, merged: every one that the region has published, each with the report that
/// stands and the interval in which it was published. The same join semilattice as `RegionKeys`, kept apart from it.
public struct BluezoneRegionKeys: Equatable, Sendable {
    /// All reports, revocations included, strictly ascending by identity.
    public private(set) var reports: [KeyReport<BluezoneDayKey>]

    /// The empty state, neutral for `join`.
    public init() {
        reports = []
    }

    /// The join of single reports in any order, duplicates allowed.
    public init(joining reports: [KeyReport<BluezoneDayKey>]) {
        self.reports = reports.joinedReports()
    }

    /// The join of keys that were published in one interval, in any order, duplicates allowed.
    public init(joining keys: [BluezoneDayKey], publishedAt publication: Interval) {
        self.init(joining: keys.map { KeyReport($0, publication: publication) })
    }

    public var count: Int { reports.count }
    /// The keys of `reports`.
    public var keys: [BluezoneDayKey] { reports.map(\.key) }

    /// Takes in another state of the same region.
    public mutating func join(_ other: BluezoneRegionKeys) {
        reports = reports.joined(withState: other.reports)
    }

    /// The part of `other` that says something else than this state and would stand.
    public func news(in other: BluezoneRegionKeys) -> [KeyReport<BluezoneDayKey>] {
        reports.news(inState: other.reports)
    }

    /// What stands for each sub-key: see `StandingKey`. All forms of one are whole days, so none overlap.
    /// - Parameter successor: the state of the region that has taken this one over.
    public func standing(revisedBy successor: BluezoneRegionKeys = BluezoneRegionKeys()) -> [StandingKey<
        BluezoneDayKey
    >] {
        reports.standing(revisedByState: successor.reports)
    }

    /// Keys that matter at `now`: not withdrawn, ended less than 14 days ago.
    public func live(at now: Interval) -> [BluezoneDayKey] {
        standing().filter { !$0.isWithdrawn && Expiry.isLive(keyEnding: $0.end, now: now) }.flatMap(\.forms)
    }
}
