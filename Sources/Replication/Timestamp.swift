public import ExposureKeys

/// A moment as the shell or the simulator hands it to a replica, on two clocks: what the date is, which decides what has
/// expired and may be set by an operator at any time, and how much time has passed, which decides when to look again.
/// Moments compare by the second one, so that a clock that is set stops nothing.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Unix time in milliseconds.
    public let milliseconds: Int64
    /// Milliseconds since some moment, on a clock that nobody sets.
    public let elapsed: Int64

    /// - Parameter elapsed: nil for a clock that is never set.
    public init(milliseconds: Int64, elapsed: Int64? = nil) {
        self.milliseconds = milliseconds
        self.elapsed = elapsed ?? milliseconds
    }

    public var interval: Interval { Interval(unixSeconds: milliseconds / 1000) }

    public func advanced(byMilliseconds count: Int64) -> Timestamp {
        Timestamp(milliseconds: milliseconds &+ count, elapsed: elapsed &+ count)
    }

    /// Milliseconds that pass between two moments.
    public func duration(since earlier: Timestamp) -> Int64 { elapsed &- earlier.elapsed }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.elapsed < right.elapsed }
}
