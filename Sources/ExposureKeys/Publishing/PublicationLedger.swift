/// What a region that publishes knows of its own reports, and what it makes of an import: pure, so that a node and a
/// simulation go by the same rules.
///
/// Three sorts of reports are told apart. The *standing* ones are the merged state of what was published. *Replaced* is
/// what this region once said of a form and says no more; an import that says it again would undo a correction.
/// *Ahead* are reports in batches of this region that are dated more than two hours after its clock, as a clock that was
/// wrong leaves them: other nodes withhold such batches, so nothing in them counts as published here.
public struct PublicationLedger: Equatable, Sendable {
    public private(set) var standing = RegionKeys()
    /// Ascending by identity, then by metadata; none of them equals what stands.
    private(set) var replaced: [DiagnosisKey] = []
    /// Reports that wait for their time, in any order: see `answers(at:)`.
    public private(set) var ahead: [KeyReport<DiagnosisKey>] = []

    public init() {}

    /// Whether other nodes withhold a batch of this publication interval until later.
    public static func isAhead(_ publication: Interval, of now: Interval) -> Bool {
        Expiry.admission(publishedAt: publication, now: now) == .wait
    }

    /// Takes in reports that this region has published, in any order and any number of times.
    public mutating func published(_ reports: [KeyReport<DiagnosisKey>]) {
        let joined = RegionKeys(joining: reports)
        var losers = standing.losers(joining: joined)
        if joined.count < reports.count {
            losers += reports.map(\.key).filter { joined.report(of: $0.identity)?.key != $0 }
        }
        standing.join(joined)
        if losers.isEmpty && replaced.isEmpty { return }
        var all: [DiagnosisKey] = []
        for key in (replaced + losers).sorted(by: PublicationLedger.precedes) where all.last != key { all.append(key) }
        replaced = all.filter { standing.report(of: $0.identity)?.key != $0 }
    }

    /// Takes in reports of a batch that is dated too far ahead of this node's clock.
    public mutating func foundAhead(_ reports: [KeyReport<DiagnosisKey>]) { ahead += reports }

    /// Forgets what ended at or before `limit`; revocations stay as long as a form that they reach.
    public mutating func forget(endedAtOrBefore limit: Interval) {
        standing.forget(endedAtOrBefore: limit)
        replaced.removeAll { $0.metadata.end <= limit }
        ahead.removeAll { $0.key.metadata.end <= limit }
    }

    // MARK: Imports

    /// What becomes of the keys of an import at `now`.
    /// - Parameters:
    ///   - keys: in any order, duplicates allowed.
    ///   - restating: publishes also what this region has said before and since replaced.
    public func selection(of keys: [DiagnosisKey], at now: Interval, restating: Bool = false) -> ImportSelection {
        var selection = ImportSelection()
        let reports = RegionKeys(joining: keys, publishedAt: now)
        selection.duplicates = keys.count - reports.count
        for report in reports.reports { sort(report, at: now, restating: restating, into: &selection) }
        // A form that must wait is withdrawn all the same, and with it every form that is public.
        let revoked = (selection.news + selection.held.map(\.key)).filter { $0.metadata.reportType == .revoked }
        selection.refuseForms(of: revoked)
        let further = otherForms(of: revoked, at: now)
        selection.furtherRevocations = further.count
        selection.news += further
        return selection
    }

    private func sort(
        _ report: KeyReport<DiagnosisKey>,
        at now: Interval,
        restating: Bool,
        into selection: inout ImportSelection
    ) {
        let key = report.key
        let stands = standing.report(of: key.identity)
        if now.distance(from: key.metadata.end) >= Expiry.batchLifetime { return selection.expired += 1 }
        // A form that is public already keeps no secret: a revocation of it need not wait.
        if stands == nil, let due = PublicationLedger.dueTime(of: key, after: now) {
            guard key.metadata.end.distance(from: now) <= ImportSelection.furthestEnd else {
                return selection.tooFarAhead.append(key)
            }
            return selection.held.append(HeldKey(key, due: due, reason: .inUse, isRestated: restating))
        }
        if stands?.key == key { return selection.duplicates += 1 }
        if stands == nil, key.metadata.reportType != .revoked, isRevoked(key.data) {
            return selection.formsOfRevoked.append(key)
        }
        if !restating, isReplaced(key) { return selection.superseded.append(key) }
        guard let stands else { return selection.news.append(key) }
        if key.metadata.reportType < stands.key.metadata.reportType {
            selection.duplicates += 1
        } else if stands.yields(to: report) {
            selection.news.append(key)
        } else {
            // It would lose only because what stands was published in this very interval, or a little later.
            let due = stands.publication.advanced(by: 1)
            selection.held.append(HeldKey(key, due: due, reason: .sameInterval, isRestated: restating))
        }
    }

    /// When a key may be published: two hours after its end. Nil if that has come.
    private static func dueTime(of key: DiagnosisKey, after now: Interval) -> Interval? {
        let due = key.metadata.end.advanced(by: Expiry.publicationDelay)
        return due > now ? due : nil
    }

    private func isRevoked(_ data: KeyData) -> Bool {
        standing.reports(of: data).contains { $0.key.metadata.reportType == .revoked }
    }

    private func isReplaced(_ key: DiagnosisKey) -> Bool {
        var (low, high) = (0, replaced.count)
        while low < high {
            let middle = (low + high) / 2
            if PublicationLedger.precedes(replaced[middle], key) { low = middle + 1 } else { high = middle }
        }
        return low < replaced.count && replaced[low] == key
    }

    /// Revocations of all other forms held of keys that are being revoked: a test that is withdrawn warns in no form. Also
    /// of those in batches that are ahead, once they have ended.
    private func otherForms(of revoked: [DiagnosisKey], at now: Interval) -> [DiagnosisKey] {
        var known = Set(revoked.map(\.identity))
        var further: [DiagnosisKey] = []
        let formsAhead = revoked.isEmpty ? [:] : Dictionary(grouping: ahead.map(\.key), by: \.data)
        for data in revoked.map(\.data) {
            let forms = standing.reports(of: data).map(\.key) + (formsAhead[data] ?? [])
            for form in forms where form.metadata.reportType != .revoked {
                guard Expiry.mayCarry(keyEnding: form.metadata.end, publishedAt: now),
                    known.insert(form.identity).inserted
                else { continue }
                further.append(form.with(reportType: .revoked))
            }
        }
        return further
    }

    private static func precedes(_ left: DiagnosisKey, _ right: DiagnosisKey) -> Bool {
        left.identity != right.identity ? left.identity < right.identity : left.metadata < right.metadata
    }

    // MARK: Batches that were ahead of the clock

    /// What must be published at `now` so that reports from batches dated ahead, whose time has come, do not beat what was
    /// published after them: of each form what stands, where the batch says something else of equal rank and with a later
    /// date, and revocations of forms of keys that are revoked. Empty before that time.
    public func answers(at now: Interval) -> [DiagnosisKey] {
        var answers: [DiagnosisKey] = []
        for report in ahead where report.publication < now {
            if let stands = standing.report(of: report.key.identity) {
                guard stands.key != report.key, stands.yields(to: report),
                    stands.key.metadata.reportType == report.key.metadata.reportType,
                    Expiry.mayCarry(keyEnding: stands.key.metadata.end, publishedAt: now)
                else { continue }
                answers.append(stands.key)
            } else if report.key.metadata.reportType != .revoked, isRevoked(report.key.data),
                Expiry.mayCarry(keyEnding: report.key.metadata.end, publishedAt: now)
            {
                answers.append(report.key.with(reportType: .revoked))
            }
        }
        return RegionKeys(joining: answers, publishedAt: now).keys
    }

    /// Counts reports whose time has come as published, once they have been answered.
    public mutating func timeHasCome(at now: Interval) {
        let due = ahead.filter { $0.publication < now }
        if due.isEmpty { return }
        ahead.removeAll { $0.publication < now }
        published(due)
    }
}

/// What becomes of the keys of an import. Every key is in one of these, further revocations apart.
public struct ImportSelection: Equatable, Sendable {
    /// To publish now, in any order; the last `furtherRevocations` are no keys of the import.
    public internal(set) var news: [DiagnosisKey] = []
    /// Revocations of other forms of the keys that the import revokes.
    public internal(set) var furtherRevocations = 0
    /// To publish later.
    public internal(set) var held: [HeldKey] = []
    /// Ended 15 days ago or earlier.
    public internal(set) var expired = 0
    /// End further ahead than `furthestEnd`: no key of a phone does.
    public internal(set) var tooFarAhead: [DiagnosisKey] = []
    /// What stands says the same or has a higher report type; or twice in the import.
    public internal(set) var duplicates = 0
    /// This region has said that before and says something else since.
    public internal(set) var superseded: [DiagnosisKey] = []
    /// Further forms of keys that this region has revoked.
    public internal(set) var formsOfRevoked: [DiagnosisKey] = []

    /// Intervals by which a key may end after the import: the rest of the longest rolling period, and two hours for clocks.
    public static let furthestEnd = Interval.perDay + Expiry.futureTolerance

    public init() {}

    /// Of an import that revokes a key no other form of it is published.
    mutating func refuseForms(of revoked: [DiagnosisKey]) {
        let data = Set(revoked.map(\.data))
        let isRefused = { (key: DiagnosisKey) in key.metadata.reportType != .revoked && data.contains(key.data) }
        formsOfRevoked += news.filter(isRefused)
        news.removeAll(where: isRefused)
    }

    /// Adds up what became of two sets of keys.
    public mutating func add(_ other: ImportSelection) {
        let further = other.news.suffix(other.furtherRevocations)
        news = other.news.dropLast(other.furtherRevocations) + news + further
        furtherRevocations += other.furtherRevocations
        held += other.held
        expired += other.expired
        tooFarAhead += other.tooFarAhead
        duplicates += other.duplicates
        superseded += other.superseded
        formsOfRevoked += other.formsOfRevoked
    }
}

/// A key of an import that must wait. As long as it is in use it lets whoever has it pose as its owner, so nothing but the
/// node's own store may show it.
public struct HeldKey: Equatable, Sendable {
    public enum Reason: UInt8, Sendable {
        /// It ends later than two hours before the import.
        case inUse = 0
        /// A correction of what was published in the same interval: published now it would not stand.
        case sameInterval = 1
    }

    public let key: DiagnosisKey
    /// The first interval in which it can be published.
    public let due: Interval
    public let reason: Reason
    /// Whether the import asked for what was superseded.
    public let isRestated: Bool

    /// Keys that a node holds at most.
    public static let maximumCount = 100_000

    public init(_ key: DiagnosisKey, due: Interval, reason: Reason, isRestated: Bool) {
        self.key = key
        self.due = due
        self.reason = reason
        self.isRestated = isRestated
    }
}
