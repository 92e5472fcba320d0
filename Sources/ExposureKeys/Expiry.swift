/// The times that decide what is published, kept and matched. All of them compare with a batch's publication interval
/// or a key's end; none of them needs two nodes to agree on the time of day.
public enum Expiry {
    /// How long a batch is admitted, kept and served after its publication interval: 15 days.
    public static let batchLifetime: Int64 = 15 * Interval.perDay
    /// How long a key matters after its end: 14 days.
    public static let keyLifetime: Int64 = 14 * Interval.perDay
    /// How long after its end a key is published: 2 hours. Phones take an identifier for one that was just broadcast if
    /// their clock is no further off than that, so a key that is out sooner lets others pose as its owner.
    public static let publicationDelay: Int64 = 2 * Interval.perHour
    /// How far ahead of a node's clock a batch's publication interval may lie: 2 hours.
    public static let futureTolerance: Int64 = 2 * Interval.perHour

    /// What a node does with a batch, judged by its publication interval alone.
    public enum Admission: Equatable, Sendable {
        case admit
        /// Published further ahead than `futureTolerance`: wait until the clock has caught up.
        case wait
        /// Older than `batchLifetime`: its keys can matter to nobody.
        case expired
    }

    /// now - 15 d < P < now + 2 h admits.
    public static func admission(publishedAt publication: Interval, now: Interval) -> Admission {
        if publication.distance(from: now) >= futureTolerance { return .wait }
        return isDropped(publishedAt: publication, now: now) ? .expired : .admit
    }

    /// True from P + 15 d on: the batch leaves disk and routes.
    public static func isDropped(publishedAt publication: Interval, now: Interval) -> Bool {
        now.distance(from: publication) >= batchLifetime
    }

    /// The rule for a key inside a batch: it ends in (P - 15 d, P].
    public static func mayCarry(keyEnding end: Interval, publishedAt publication: Interval) -> Bool {
        end <= publication && publication.distance(from: end) < batchLifetime
    }

    /// A key is live while it ends after now - 14 d. A filter when reading, never a change of state.
    public static func isLive(keyEnding end: Interval, now: Interval) -> Bool {
        now.distance(from: end) < keyLifetime
    }
}
