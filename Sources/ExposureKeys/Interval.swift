/// A moment as a ten-minute interval number: unix time in seconds divided by 600, rounded down (ENIN).
///
/// Range: every `UInt32`, which reaches from 1970 far beyond any date that matters; arithmetic saturates at both ends,
/// so no input can make it trap. Source: Exposure Notification Cryptography Specification 1.2, "ENIntervalNumber".
public struct Interval: Hashable, Comparable, Sendable {
    /// The interval number.
    public let number: UInt32

    public init(_ number: UInt32) {
        self.number = number
    }

    /// The interval that holds a unix time. Times before 1970 count as interval 0.
    /// - Parameter unixSeconds: seconds since 1970-01-01T00:00:00Z.
    public init(unixSeconds: Int64) {
        self.number = UInt32(clamping: max(0, unixSeconds) / Interval.seconds)
    }

    /// Unix time in seconds at which the interval begins.
    public var unixSeconds: Int64 { Int64(number) * Interval.seconds }

    /// The interval `count` intervals later (or earlier), saturating at the ends of the range.
    public func advanced(by count: Int64) -> Interval {
        let (sum, overflow) = Int64(number).addingReportingOverflow(count)
        if overflow { return Interval(count < 0 ? 0 : .max) }
        return Interval(UInt32(clamping: sum))
    }

    /// Intervals from `other` to this one; negative if this one is earlier.
    public func distance(from other: Interval) -> Int64 {
        Int64(number) - Int64(other.number)
    }

    public static func < (left: Interval, right: Interval) -> Bool { left.number < right.number }

    /// Length of one interval in seconds.
    public static let seconds: Int64 = 600
    /// Intervals in an hour.
    public static let perHour: Int64 = 6
    /// Intervals in a day, which is also the longest rolling period.
    public static let perDay: Int64 = 144
}

extension Interval: CustomStringConvertible {
    public var description: String { String(number) }
}
