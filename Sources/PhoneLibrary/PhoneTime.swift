internal import CKeytide

/// The ranges of times that an app gives.
enum PhoneTime {
    /// Unix seconds, the years 1970 to 9999.
    static let range: ClosedRange<Int64> = 0...253_402_300_799

    static func check(_ time: Int64) throws {
        guard range.contains(time) else {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, "now: unix seconds, 0 to \(range.upperBound); check the clock")
        }
    }

    static func check(utcOffset: Int32) throws {
        guard (0..<86_400).contains(utcOffset) else {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, "utc_offset: seconds ahead of UTC, 0 to 86399")
        }
    }
}
