/// What a region may sign though it must not.
public enum Misdeed: String, CaseIterable, Sendable {
    /// Keys from outside the 15 days before the publication.
    case expiredKeys
    /// A section of keys that cannot be read.
    case malformedKeys
    /// A section that claims to hold more than any may.
    case oversizedSection
    /// Predecessors in a batch that is not the first.
    case latePredecessors
    /// A batch that says it has another number.
    case wrongNumber
    /// Bytes that are no batch.
    case noBatch
    /// A publication far ahead of all clocks.
    case farFuture
    /// A publication so old that it has expired.
    case longAgo
    /// Two batches with one number; some neighbours are told of one, some of the other.
    case twoHistories
}

/// Which release of the program a node runs.
public enum Release: String, CaseIterable, Sendable {
    /// Knows the first six frames only, and sends no others.
    case older
    case current
    /// Announces features, says more in its frames, sends frames and signs sections that no other knows.
    case newer
}
