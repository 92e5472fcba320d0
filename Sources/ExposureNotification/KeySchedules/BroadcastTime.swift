public import ExposureKeys

/// When a phone broadcast one identifier: unix seconds from `start` up to but not including `end`, by that phone's clock.
public struct BroadcastTime: Hashable, Sendable {
    public let start: Int64
    /// Later than `start`.
    public let end: Int64

    @inlinable
    public init(start: Int64, end: Int64) {
        self.start = start
        self.end = max(end, start + 1)
    }

    /// The intervals that share at least a second with this time. One for Exposure Notification, whose slots are
    /// intervals; two for Bluezone's quarters of an hour, each of which begins or ends in the middle of an interval.
    @inlinable
    public var intervals: ClosedRange<Interval> {
        Interval(unixSeconds: start)...Interval(unixSeconds: end - 1)
    }

    /// Whether a sighting in `interval` may be of this broadcast, clocks being wrong by up to `tolerance` intervals: it
    /// lies in one of `intervals`, or at most that many before the first or after the last.
    /// - Parameter tolerance: at least 0.
    @inlinable
    public func mayBeSeen(in interval: Interval, tolerance: Int64) -> Bool {
        intervals.lowerBound.distance(from: interval) <= tolerance
            && interval.distance(from: intervals.upperBound) <= tolerance
    }
}
