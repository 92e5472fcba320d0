internal import ExposureKeys

/// The times of a phone's scans, as an app hands them over: what a sighting cannot show is that the phone listened and
/// heard nobody. Kept as sightings are, forgotten and erased with them.
public enum ScanTimes {
    /// Times that a phone keeps: one every ten seconds for 15 days. Beyond, the oldest days go.
    public static let maximumHeld = 130_000
    /// Unix seconds that a time may have: the years 1970 to 9999. Others are passed over.
    public static let range: ClosedRange<Int64> = 0...253_402_300_799

    /// Those held with those handed over, as a phone keeps them.
    /// - Parameters:
    ///   - held: ascending, each once.
    ///   - new: in any order, repeated or not.
    /// - Returns: ascending, each once.
    static func merged(_ held: [Int64], _ new: [Int64]) -> [Int64] {
        var merged: [Int64] = []
        for time in (held + new.filter(range.contains)).sorted() where merged.last != time { merged.append(time) }
        while merged.count > maximumHeld, let first = merged.first {
            merged.removeFirst(merged.prefix { day(of: $0) == day(of: first) }.count)
        }
        return merged
    }

    /// Those not before an interval, of what is held.
    static func kept(_ held: [Int64], from interval: Interval) -> [Int64] {
        Array(held.drop { $0 < interval.unixSeconds })
    }

    /// Days since 1970 in UTC.
    package static func day(of time: Int64) -> Int64 { time / 86_400 }
}
