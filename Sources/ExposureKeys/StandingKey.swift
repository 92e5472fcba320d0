/// What stands for one key's bytes in what one region has published: a run of forms, read as one key.
///
/// A form is a pair of rolling start and rolling period. The same bytes may be published in several forms, for example
/// with rolling period 90 on the day of the test and with 144 on the day after. What they mean together is computed when
/// the state is read, and is no part of it:
///
/// 1. A revocation reaches the form that it names and every form of the same bytes that overlaps that one, of the region
///    that published it and of the region that the publisher has taken over. Forms that are reached are withdrawn.
/// 2. Of the others, forms that overlap make one run, directly or through a third one. A run is valid from its first form's
///    start to its last form's end.
/// 3. The report of a run is the highest of its forms' reports by the order of `KeyReport`.
///
/// For example forms 0..<90 (self-report) and 0..<144 (confirmed) are one key, valid for 0..<144 and confirmed. If the
/// region revokes either, both are withdrawn. Forms 0..<90 and 200..<290 are two keys.
///
/// Source: docs/FEED-FORMAT.md, "Merging".
public struct StandingKey<Key: PublishedKey>: Equatable, Sendable {
    /// Ascending by rolling start, then rolling period; at least one.
    public let forms: [Key]
    /// Of a withdrawn run it is a revocation.
    public let report: KeyReport<Key>

    public var material: Key.Material { report.key.material }
    public var isWithdrawn: Bool { report.key.metadata.reportType == .revoked }
    /// The first interval of the run's validity.
    public var start: Interval { forms[0].metadata.rollingStart }
    /// The first interval after it.
    public let end: Interval

    /// - Parameter forms: the reports of one run, ascending; at least one.
    fileprivate init(_ forms: [KeyReport<Key>], isWithdrawn: Bool) {
        let highest = forms.dropFirst().reduce(forms[0], KeyReport.join)
        self.forms = forms.map(\.key)
        report =
            isWithdrawn
            ? KeyReport(highest.key.with(reportType: .revoked), publication: highest.publication) : highest
        end = forms.dropFirst().reduce(forms[0].key.metadata.end) { max($0, $1.key.metadata.end) }
    }

    /// - Parameters:
    ///   - forms: reports of one key's bytes, ascending by identity.
    ///   - others: what the region says that has taken this one over: its reports of the same bytes.
    static func runs(
        of forms: ArraySlice<KeyReport<Key>>,
        revisedBy others: ArraySlice<KeyReport<Key>>
    ) -> [StandingKey] {
        let revised = forms.map { form in
            others.first { $0.key.identity == form.key.identity }.map { KeyReport.join(form, $0) } ?? form
        }
        let revocations = (revised + others).map(\.key.metadata).filter { $0.reportType == .revoked }
        if revocations.isEmpty { return runs(of: revised, areWithdrawn: false) }
        func isWithdrawn(_ form: KeyReport<Key>) -> Bool {
            revocations.contains { $0.overlaps(form.key.metadata) }
        }
        return runs(of: revised.filter { !isWithdrawn($0) }, areWithdrawn: false)
            + runs(of: revised.filter(isWithdrawn), areWithdrawn: true)
    }

    private static func runs(of forms: [KeyReport<Key>], areWithdrawn: Bool) -> [StandingKey] {
        var runs: [StandingKey] = []
        var rest = forms[...]
        while let first = rest.first {
            var end = first.key.metadata.end
            let run = rest.prefix { form in
                guard form.key.metadata.rollingStart < end else { return false }
                end = max(end, form.key.metadata.end)
                return true
            }
            runs.append(StandingKey(Array(run), isWithdrawn: areWithdrawn))
            rest = rest.dropFirst(run.count)
        }
        return runs
    }
}

extension Array {
    /// What stands for each key's bytes, ascending by them; withdrawn runs come after those that stand.
    /// - Parameter other: the state of the region that has taken this one over.
    func standing<Key>(revisedByState other: [KeyReport<Key>]) -> [StandingKey<Key>] where Element == KeyReport<Key> {
        var result: [StandingKey<Key>] = []
        result.reserveCapacity(count)
        var (rest, others) = (self[...], other[...])
        while let material = rest.first?.key.material {
            let forms = rest.prefix { $0.key.material == material }
            others = others.drop { $0.key.material < material }
            result += StandingKey.runs(of: forms, revisedBy: others.prefix { $0.key.material == material })
            rest = rest.dropFirst(forms.count)
        }
        return result
    }
}
