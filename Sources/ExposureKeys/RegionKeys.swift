/// The merged state of one region: every form of a key that the region has published, each with the report that stands
/// and the interval in which it was published.
///
/// A join semilattice: `join` is associative, commutative and idempotent, so batches may arrive in any order and any
/// number of times. Kept as one array sorted by identity, which is compact (32 bytes a key), has one order in every
/// process, and merges in a single pass. What the forms of one key's bytes mean together, `standing` computes.
public struct RegionKeys: Equatable, Sendable {
    /// All reports, revocations included, strictly ascending by identity.
    public private(set) var reports: [KeyReport<DiagnosisKey>]

    /// The empty state, neutral for `join`.
    public init() {
        reports = []
    }

    /// The join of single reports in any order, duplicates allowed.
    public init(joining reports: [KeyReport<DiagnosisKey>]) {
        self.reports = reports.joinedReports()
    }

    /// The join of keys that were published in one interval, in any order, duplicates allowed.
    public init(joining keys: [DiagnosisKey], publishedAt publication: Interval) {
        self.init(joining: keys.map { KeyReport($0, publication: publication) })
    }

    public var count: Int { reports.count }
    /// The keys of `reports`.
    public var keys: [DiagnosisKey] { reports.map(\.key) }

    /// Takes in another state of the same region.
    public mutating func join(_ other: RegionKeys) {
        reports = reports.joined(withState: other.reports)
    }

    /// The part of `other` that says something else than this state and would stand: new identities, and reports to which
    /// ours yield. A report with the content of what stands is none, whenever it was published.
    public func news(in other: RegionKeys) -> [KeyReport<DiagnosisKey>] {
        reports.news(inState: other.reports)
    }

    /// Of forms of which `other` says something else, what does not stand after the join.
    func losers(joining other: RegionKeys) -> [DiagnosisKey] { reports.losers(joiningState: other.reports) }

    /// The report that stands for a form; nil if there is none.
    public func report(of identity: DiagnosisKey.Identity) -> KeyReport<DiagnosisKey>? {
        let position = reports.firstPosition(notBelow: identity)
        guard position < reports.count, reports[position].key.identity == identity else { return nil }
        return reports[position]
    }

    /// All reports of one key's bytes, ascending by rolling start and period.
    public func reports(of data: KeyData) -> ArraySlice<KeyReport<DiagnosisKey>> {
        let lowest = DiagnosisKey.Identity(data: data, rollingStart: Interval(0), rollingPeriod: 0)
        return reports[reports.firstPosition(notBelow: lowest)...].prefix { $0.key.data == data }
    }

    /// What stands for each key's bytes: see `StandingKey`.
    /// - Parameter successor: the state of the region that has taken this one over.
    public func standing(revisedBy successor: RegionKeys = RegionKeys()) -> [StandingKey<DiagnosisKey>] {
        reports.standing(revisedByState: successor.reports)
    }

    /// Forms that matter at `now`: not withdrawn, of keys that ended less than 14 days ago.
    public func live(at now: Interval) -> [DiagnosisKey] {
        standing().filter { !$0.isWithdrawn && Expiry.isLive(keyEnding: $0.end, now: now) }.flatMap(\.forms)
    }

    /// Without what ended at or before `limit`. A revocation stays as long as a form that it reaches does.
    public mutating func forget(endedAtOrBefore limit: Interval) {
        var kept: [KeyReport<DiagnosisKey>] = []
        var rest = reports[...]
        while let data = rest.first?.key.data {
            let forms = rest.prefix { $0.key.data == data }
            let latest = forms.filter { $0.key.metadata.end > limit }.map(\.key.metadata)
            kept += forms.filter { form in
                form.key.metadata.end > limit
                    || form.key.metadata.reportType == .revoked && latest.contains { $0.overlaps(form.key.metadata) }
            }
            rest = rest.dropFirst(forms.count)
        }
        reports = kept
    }
}
