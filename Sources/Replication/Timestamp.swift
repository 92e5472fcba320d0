public import ExposureKeys

/// A moment as the shell or the simulator hands it to a replica: unix time in milliseconds.
public struct Timestamp: Hashable, Comparable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public var interval: Interval { Interval(unixSeconds: milliseconds / 1000) }

    public func advanced(byMilliseconds count: Int64) -> Timestamp {
        Timestamp(milliseconds: milliseconds &+ count)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }
}
