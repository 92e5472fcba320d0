/// Moments as people read them, without a calendar of the system: for messages of modules that have none.
public enum UTCText {
    /// A moment in UTC, as in `2020-12-24T00:00:00Z` (ISO 8601).
    /// - Parameter unixSeconds: any; what lies before 1970 or after 9999 is shown as the nearest moment within.
    public static func moment(_ unixSeconds: Int64) -> String {
        let seconds = min(max(unixSeconds, 0), last)
        let (days, time) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = date(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))Z"
    }

    /// 9999-12-31T23:59:59Z.
    private static let last: Int64 = 253_402_300_799

    /// The date so many days after 1970-01-01, in the Gregorian calendar.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        var year: Int64 = 1970
        var left = days
        while left >= length(ofYear: year) {
            left -= length(ofYear: year)
            year += 1
        }
        var month: Int64 = 1
        while left >= length(ofMonth: month, year) {
            left -= length(ofMonth: month, year)
            month += 1
        }
        return (year, month, left + 1)
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func length(ofYear year: Int64) -> Int64 { isLeap(year) ? 366 : 365 }

    private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
