/// The merged state of one region: every key that the region has published, each with the report that stands.
///
/// A join semilattice: `join` is associative, commutative and idempotent, so batches may arrive in any order and any
/// number of times. Kept as one array sorted by identity, which is compact (32 bytes a key), has one order in every
/// process, and merges in a single pass.
public struct RegionKeys: Equatable, Sendable {
    /// All keys, revoked ones included, strictly ascending by identity.
    public private(set) var keys: [DiagnosisKey]

    /// The empty state, neutral for `join`.
    public init() {
        keys = []
    }

    /// The join of single reports in any order, duplicates allowed.
    public init(joining reports: [DiagnosisKey]) {
        keys = reports.joinedReports()
    }

    public var count: Int { keys.count }

    /// Takes in another state of the same region.
    public mutating func join(_ other: RegionKeys) {
        keys = keys.joined(withState: other.keys)
    }

    /// These keys, each with the report that stands when another region's reports on the same keys count, too: those of
    /// the region that has taken this one over. Keys that only the other has are not added.
    public func revised(by other: RegionKeys) -> RegionKeys {
        var result = self
        result.keys = keys.revised(byState: other.keys)
        return result
    }

    /// The part of `other` that would change this state: new identities and reports that outrank ours.
    public func news(in other: RegionKeys) -> [DiagnosisKey] {
        keys.news(inState: other.keys)
    }

    /// Keys that matter at `now`: not revoked, ended less than 14 days ago.
    public func live(at now: Interval) -> [DiagnosisKey] {
        keys.filter { $0.metadata.isLive(at: now) }
    }

    /// Keys that ended less than 14 days before `now`, revoked ones included.
    public func current(at now: Interval) -> [DiagnosisKey] {
        keys.filter { Expiry.isLive(keyEnding: $0.metadata.end, now: now) }
    }
}
