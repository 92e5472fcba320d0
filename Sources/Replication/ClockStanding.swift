/// What other nodes' clocks say about this one's. Each is held as unix time less the time that has passed here, on the
/// clock that nobody sets: so what was once heard stays good while links are down, and a clock that is set shows at once.
public struct ClockStanding: Equatable, Sendable {
    /// By how much this node's clock may differ from the others', in milliseconds: ten minutes.
    public static let tolerance: Int64 = 600_000
    /// How long a node waits after its start, in milliseconds, for two neighbours that say what time it is, before it
    /// goes by its own clock: an hour.
    public static let patience: Int64 = 3_600_000

    /// The two clocks in the middle of all peers', ascending; the same twice if their number is odd. Nil until there were
    /// two peers.
    var middle: ClosedRange<Int64>?
    /// When this node began to ask.
    var since: Timestamp?
    /// The roster lists no two others, so nobody can ever say.
    public internal(set) var isAlone: Bool

    init(isAlone: Bool) { self.isAlone = isAlone }

    /// By how many milliseconds this node's clock is ahead of the median of its peers', of two in the middle the one that
    /// is nearer; nil if that is not known.
    public func difference(at now: Timestamp) -> Int64? {
        guard let middle else { return nil }
        let own = now.milliseconds &- now.elapsed
        let (left, right) = (own &- middle.lowerBound, own &- middle.upperBound)
        return left.magnitude <= right.magnitude ? left : right
    }

    /// Whether this clock is known to be wrong, or all others are.
    public func isDoubtful(at now: Timestamp) -> Bool {
        difference(at: now).map { $0.magnitude > UInt64(ClockStanding.tolerance) } ?? false
    }

    /// Whether what has expired by this node's clock may be dropped.
    public func mayDrop(at now: Timestamp) -> Bool {
        if middle != nil { return !isDoubtful(at: now) }
        return isAlone || since.map { now.duration(since: $0) >= ClockStanding.patience } ?? false
    }
}
