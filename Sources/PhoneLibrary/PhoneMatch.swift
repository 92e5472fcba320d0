public import CKeytide
internal import ClientSync
internal import ExposureKeys

@c @implementation
public func keytide_match(
    _ phone: OpaquePointer?,
    _ now: Int64,
    _ utcOffset: Int32,
    _ result: UnsafeMutablePointer<keytide_match_result>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        try PhoneTime.check(now)
        try PhoneTime.check(utcOffset: utcOffset)
        let storage = handle.contents.storage
        let report = try waiting {
            let matching = ExposureMatching(now: Interval(unixSeconds: now), utcOffset: Int64(utcOffset))
            let report = try await matching.run(over: storage)
            await storage.hold(report)
            return report
        }
        unsafe result?.pointee = keytide_match_result(report, now: now)
    }
}

@c @implementation
public func keytide_last_match(
    _ phone: OpaquePointer?,
    _ now: Int64,
    _ result: UnsafeMutablePointer<keytide_match_result>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let result = unsafe result else { throw PhoneFailure.null("result") }
        try PhoneTime.check(now)
        unsafe result.pointee = keytide_match_result(try handle.report(), now: now)
    }
}

@c @implementation
public func keytide_get_day(
    _ phone: OpaquePointer?,
    _ number: Int,
    _ day: UnsafeMutablePointer<keytide_day>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let day = unsafe day else { throw PhoneFailure.null("day") }
        let days = try handle.report().days
        guard days.indices.contains(number) else {
            throw PhoneFailure(KEYTIDE_NOTHING, "the last match has \(days.count.counted("day"))")
        }
        unsafe day.pointee = keytide_day(days[number])
    }
}

@c @implementation
public func keytide_explain(
    _ phone: OpaquePointer?,
    _ language: CInt,
    _ now: Int64,
    _ utcOffset: Int32,
    _ buffer: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ length: UnsafeMutablePointer<Int>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let length = unsafe length else { throw PhoneFailure.null("length") }
        try PhoneTime.check(now)
        try PhoneTime.check(utcOffset: utcOffset)
        let languages: [CInt: ExposureExplanation.Language] = [
            CInt(KEYTIDE_VIETNAMESE): .vietnamese, CInt(KEYTIDE_ENGLISH): .english,
        ]
        guard let chosen = languages[language] else {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, "language: KEYTIDE_VIETNAMESE or KEYTIDE_ENGLISH")
        }
        let report = try handle.report()
        let text = ExposureExplanation(report, language: chosen, utcOffset: Int64(utcOffset), now: now).text
        let needed = text.utf8.count + 1
        unsafe length.pointee = needed
        guard unsafe buffer != nil, size >= needed else {
            throw PhoneFailure(KEYTIDE_TOO_SMALL, "the text takes \(needed) bytes with the zero; give as many")
        }
        unsafe CText.write(text, to: buffer, size)
    }
}

extension PhoneHandle {
    fileprivate func report() throws -> ExposureReport {
        let storage = contents.storage
        guard let report = try waiting({ await storage.report() }) else {
            throw PhoneFailure(KEYTIDE_NOTHING, "nothing was matched yet; call keytide_match first")
        }
        return report
    }
}

extension keytide_match_result {
    fileprivate init(_ report: ExposureReport, now: Int64) {
        self.init(
            as_of: report.asOf,
            sightings: UInt64(clamping: report.encounters),
            keys: UInt64(clamping: report.keys),
            matched_keys: UInt64(clamping: report.matchedKeys),
            days: UInt64(report.days.count),
            contacts: UInt64(report.days.count(where: \.isContact)),
            lapsed: UInt64(report.lapsed.count),
            freshness: keytide_freshness(report.judgedFreshness(at: now), saysSomething: report.saysSomething(at: now))
        )
    }
}

extension keytide_day {
    fileprivate init(_ day: ExposureDay) {
        self.init(
            year: Int32(clamping: day.day.year),
            month: Int32(clamping: day.day.month),
            day: Int32(clamping: day.day.day),
            is_contact: day.isContact ? 1 : 0,
            seconds: day.duration,
            score: day.scoreSum,
            maximum_score: day.maximumScore,
            weighted_seconds: day.weightedDurationSum,
            nearness: Int32(clamping: day.nearness.rawValue),
            report_type: Int32(day.reportType.rawValue),
            infectiousness: Int32(clamping: day.infectiousness.rawValue),
            confidence: Int32(clamping: day.calibrationConfidence.rawValue)
        )
    }
}
