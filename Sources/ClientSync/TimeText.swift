/// A day of the calendar (proleptic Gregorian).
public struct CivilDate: Hashable, Comparable, Sendable {
    public let year: Int
    public let month: Int
    public let day: Int

    /// - Returns: nil if there is no such day, or the year is not 1970 to 9999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1970...9999).contains(year), (1...12).contains(month),
            (1...CivilDate.length(ofMonth: month, year: year)).contains(day)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day on which a moment falls.
    /// - Parameters:
    ///   - unixSeconds: clamped to the years 1970 to 9999.
    ///   - utcOffset: seconds by which local time is ahead of UTC, 0...86399.
    public init(unixSeconds: Int64, utcOffset: Int64) {
        let local = min(max(unixSeconds, 0), CivilDate.seconds.upperBound - 86_400) + min(max(utcOffset, 0), 86_399)
        var days = Int(local / 86_400)
        var year = 1970
        // At most 8030 steps; a date is made once per exposure and day.
        while days >= CivilDate.length(ofYear: year) {
            days -= CivilDate.length(ofYear: year)
            year += 1
        }
        var month = 1
        while days >= CivilDate.length(ofMonth: month, year: year) {
            days -= CivilDate.length(ofMonth: month, year: year)
            month += 1
        }
        self.year = year
        self.month = month
        day = days + 1
    }

    /// Unix time of midnight UTC at which the day begins, in seconds.
    public var unixSeconds: Int64 {
        var days = day - 1
        for month in 1..<month { days += CivilDate.length(ofMonth: month, year: year) }
        let before = year - 1
        days += (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) - CivilDate.leapDaysBefore1970
        return Int64(days) * 86_400
    }

    public static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func length(ofYear year: Int) -> Int { isLeap(year) ? 366 : 365 }

    private static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static let leapDaysBefore1970 = 1969 / 4 - 1969 / 100 + 1969 / 400
    /// The years 1970 to 9999 in unix seconds.
    fileprivate static let seconds: Range<Int64> = 0..<253_402_300_800
}

extension CivilDate: CustomStringConvertible {
    /// `2021-08-01`.
    public var description: String { "\(year)-\(padded(month))-\(padded(day))" }
}

/// Times as people and files write them.
public enum TimeText {
    /// Reads unix seconds, unix milliseconds (13 digits) or RFC 3339, for example `2021-08-01T06:30:00Z` or
    /// `2021-08-01T13:30:00+07:00`, also with a space for the T, and with the offset as ISO 8601 has it, `+0700` or `+07`.
    /// Fractions of a second are dropped.
    /// - Returns: unix seconds; nil if the text is neither, or lies before 1970 or after 9999.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        let bytes = Array(text.utf8)
        if let seconds = unixSeconds(bytes) { return CivilDate.seconds.contains(seconds) ? seconds : nil }
        guard (20...40).contains(bytes.count), bytes[4] == hyphen, bytes[7] == hyphen,
            [UInt8(ascii: "T"), UInt8(ascii: "t"), space].contains(bytes[10]), bytes[13] == colon, bytes[16] == colon,
            let year = digits(bytes[0..<4]), let month = digits(bytes[5..<7]), let day = digits(bytes[8..<10]),
            let hour = digits(bytes[11..<13]), let minute = digits(bytes[14..<16]),
            let second = digits(bytes[17..<19]),
            hour < 24, minute < 60, second < 61,
            let date = CivilDate(year: year, month: month, day: day),
            let offset = offset(afterFraction: bytes[19...])
        else { return nil }
        let seconds = date.unixSeconds + Int64(hour * 3600 + minute * 60 + min(second, 59)) - offset
        return CivilDate.seconds.contains(seconds) ? seconds : nil
    }

    /// What is wrong with a text that `parse` does not read, and what is right. Repeats nothing of it.
    package static func advice(on text: some StringProtocol) -> String {
        if parse(text + "Z") != nil {
            return "the time has no offset from UTC; write it with one, 2021-08-01T06:30:00+07:00, or with Z for UTC"
        }
        if text.utf8.count > 13, text.utf8.allSatisfy(isDigit) {
            return "the time has more digits than unix seconds or milliseconds; write one of these"
        }
        if text.contains("/") {
            return "the time's date is written 2021-08-01, and the whole of it 2021-08-01T06:30:00+07:00; correct it"
        }
        return "the time is neither RFC 3339 (2021-08-01T06:30:00Z) nor unix seconds; correct it"
    }

    /// - Returns: nil unless it is a number of at most 12 digits, with a fraction or without, or one of 13, milliseconds.
    private static func unixSeconds(_ bytes: [UInt8]) -> Int64? {
        let whole = bytes.prefix { isDigit($0) }
        let rest = bytes.dropFirst(whole.count)
        guard (1...13).contains(whole.count), let number = digits(whole),
            rest.isEmpty || rest.count > 1 && rest.first == UInt8(ascii: ".") && rest.dropFirst().allSatisfy(isDigit)
        else { return nil }
        return whole.count == 13 ? Int64(number) / 1000 : Int64(number)
    }

    /// `2021-08-01T06:30:00Z`.
    public static func utc(_ unixSeconds: Int64) -> String {
        "\(CivilDate(unixSeconds: unixSeconds, utcOffset: 0))T\(clock(unixSeconds, utcOffset: 0)):\(padded(Int(max(0, unixSeconds) % 60)))Z"
    }

    /// Hour and minute, `06:30`.
    /// - Parameter utcOffset: seconds by which local time is ahead of UTC.
    public static func clock(_ unixSeconds: Int64, utcOffset: Int64) -> String {
        let minutes = Int((max(0, unixSeconds) % 86_400 + max(0, utcOffset) % 86_400) % 86_400 / 60)
        return "\(padded(minutes / 60)):\(padded(minutes % 60))"
    }

    private static func offset(afterFraction bytes: ArraySlice<UInt8>) -> Int64? {
        var rest = bytes
        if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",") {
            let fraction = rest.dropFirst().prefix { isDigit($0) }
            guard !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        }
        if rest.first == space { rest = rest.dropFirst() }
        guard let sign = rest.first else { return nil }
        if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return rest.count == 1 ? 0 : nil }
        guard sign == UInt8(ascii: "+") || sign == hyphen else { return nil }
        rest = rest.dropFirst()
        let hour = rest.prefix(2)
        var minute = rest.dropFirst(2)
        if minute.first == colon { minute = minute.dropFirst(minute.count == 3 ? 1 : 0) }
        guard hour.count == 2, let hours = digits(hour), hours < 24, minute.isEmpty || minute.count == 2,
            let minutes = digits(minute), minutes < 60
        else { return nil }
        return Int64(hours * 3600 + minutes * 60) * (sign == hyphen ? -1 : 1)
    }

    private static func digits(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.allSatisfy(isDigit) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static let space = UInt8(ascii: " ")
    private static let hyphen = UInt8(ascii: "-")
    private static let colon = UInt8(ascii: ":")
}

private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
