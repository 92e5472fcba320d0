/// The Bluezone day keys of one region, merged: every one that the region has published, each with the report that
/// stands. The same join semilattice as `RegionKeys`, kept apart from it.
public struct BluezoneRegionKeys: Equatable, Sendable {
    /// All keys, revoked ones included, strictly ascending by identity.
    public private(set) var keys: [BluezoneDayKey]

    /// The empty state, neutral for `join`.
    public init() {
        keys = []
    }

    /// The join of single reports in any order, duplicates allowed.
    public init(joining reports: [BluezoneDayKey]) {
        keys = reports.joinedReports()
    }

    public var count: Int { keys.count }

    /// Takes in another state of the same region.
    public mutating func join(_ other: BluezoneRegionKeys) {
        keys = keys.joined(withState: other.keys)
    }

    /// These keys, each with the report that stands when those of the region that has taken this one over count, too.
    /// Keys that only the other has are not added.
    public func revised(by other: BluezoneRegionKeys) -> BluezoneRegionKeys {
        var result = self
        result.keys = keys.revised(byState: other.keys)
        return result
    }

    /// The part of `other` that would change this state: new identities and reports that outrank ours.
    public func news(in other: BluezoneRegionKeys) -> [BluezoneDayKey] {
        keys.news(inState: other.keys)
    }

    /// Keys that matter at `now`: not revoked, ended less than 14 days ago.
    public func live(at now: Interval) -> [BluezoneDayKey] {
        keys.filter { $0.metadata.isLive(at: now) }
    }
}
