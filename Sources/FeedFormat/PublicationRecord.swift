public import ExposureKeys

/// What a region's own batches say, as far as they are held, and what it has yet to say: pure, so that a node and a
/// simulation go by the same rules.
public struct PublicationRecord: Sendable {
    public private(set) var ledger = PublicationLedger()
    /// Batches that were found dated more than two hours ahead of the clock, until they have been answered. Whoever keeps
    /// the record makes these durable, since nothing shows them any more once their time has come.
    public private(set) var ahead: [BatchesAhead]
    /// Of what counts as published.
    private var latest = Interval(0)

    public init(ahead: [BatchesAhead] = []) { self.ahead = ahead }

    /// Takes in a batch, in any order and any number of times.
    /// - Parameters:
    ///   - region: the one whose record this is; batches of those that it has taken over are taken in as well.
    ///   - now: by the node's clock.
    /// - Returns: true if the batch is ahead of the clock, or was when it was found: its epoch is over, since nobody takes
    ///   what comes behind it before its time.
    public mutating func take(_ batch: ProvenBatch, of region: Region, at now: Interval) -> Bool {
        // Stored batches were decoded before they were stored.
        guard let keys = try? Batch(batch.bytes).keys() else { return false }
        let reports = keys.map { KeyReport($0, publication: batch.publication) }
        if batch.feed.region == region, PublicationLedger.isAhead(batch.publication, of: now) { note(batch) }
        let isAhead = ahead.contains { $0.contains(batch) }
        if isAhead {
            ledger.foundAhead(reports)
        } else {
            latest = max(latest, batch.publication)
            ledger.published(reports)
        }
        return isAhead
    }

    private mutating func note(_ batch: ProvenBatch) {
        guard let known = ahead.firstIndex(where: { $0.feed == batch.feed }) else {
            return ahead.append(BatchesAhead(batch))
        }
        ahead[known].include(batch)
    }

    /// Counts keys as published that are durable in a batch.
    public mutating func published(_ keys: [DiagnosisKey], at publication: Interval) {
        latest = max(latest, publication)
        ledger.published(keys.map { KeyReport($0, publication: publication) })
    }

    /// Whether what counts as published lies ahead of the clock, as this has been set back: the record is to be made anew.
    public func isAhead(of now: Interval) -> Bool { PublicationLedger.isAhead(latest, of: now) }

    /// Drops what ended at or before `limit`: none of it can be published again.
    public mutating func forget(endedAtOrBefore limit: Interval) { ledger.forget(endedAtOrBefore: limit) }

    // MARK: What comes due

    /// What is published at one time of what has waited.
    public struct Due: Equatable, Sendable {
        /// What became of the held keys.
        public var selection = ImportSelection()
        /// What stands, said again wherever batches from a clock that was ahead begin to count.
        public var answers: [DiagnosisKey] = []

        /// To publish, in any order.
        public var news: [DiagnosisKey] { selection.news + answers }
    }

    /// What is to be published at `now`. When that is durable, `timeHasCome` must follow.
    /// - Parameter held: those of the held keys whose time has come.
    public func due(_ held: [HeldKey], at now: Interval) -> Due {
        var due = Due()
        for isRestated in [false, true] {
            let keys = held.filter { $0.isRestated == isRestated }.map(\.key)
            due.selection.add(ledger.selection(of: keys, at: now, restating: isRestated))
        }
        let chosen = Set(due.selection.news.map(\.identity))
        due.answers = ledger.answers(at: now).filter { !chosen.contains($0.identity) }
        return due
    }

    /// Whether batches that were ahead begin to count.
    public func hasTimeCome(at now: Interval) -> Bool { ahead.contains { $0.latest < now } }

    /// Counts reports whose time has come as published, once they have been answered.
    /// - Returns: whether `ahead` has changed.
    public mutating func timeHasCome(at now: Interval) -> Bool {
        ledger.timeHasCome(at: now)
        guard hasTimeCome(at: now) else { return false }
        ahead.removeAll { $0.latest < now }
        return true
    }
}
