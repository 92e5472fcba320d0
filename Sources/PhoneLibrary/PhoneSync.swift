public import CKeytide
internal import ClientSync
internal import ExposureKeys

@c @implementation
public func keytide_sync(
    _ phone: OpaquePointer?,
    _ node: UnsafePointer<CChar>?,
    _ now: Int64,
    _ get: keytide_get?,
    _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<keytide_sync_result>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let node = unsafe node else { throw PhoneFailure.null("node") }
        guard let get = unsafe get else { throw PhoneFailure.null("get") }
        try PhoneTime.check(now)
        let url = unsafe String(cString: node)
        guard (1...200).contains(url.utf8.count) else {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, "node: a base URL of 1 to 200 bytes")
        }
        let report = try handle.sync(with: url, now: now) { unsafe answer($0, get, context) }
        handle.message = report.firstProblem ?? ""
        unsafe result?.pointee = keytide_sync_result(report, now: now)
    }
}

/// Has the app's callback make a request.
private func answer(
    _ request: PhoneRequest,
    _ get: keytide_get,
    _ context: UnsafeMutableRawPointer?
) -> PhoneAnswer {
    let response = ResponseBuilder(limit: request.limit)
    let status = unsafe request.node.withCString { node in
        unsafe request.path.withCString { path in
            unsafe withOptionalCString(request.ifNoneMatch) { etag in
                var asked = unsafe keytide_request(node: node, path: path, if_none_match: etag, limit: request.limit)
                return unsafe get(context, &asked, OpaquePointer(Unmanaged.passUnretained(response).toOpaque()))
            }
        }
    }
    return withExtendedLifetime(response) { status == 0 ? response.answer : .none }
}

private func withOptionalCString<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
}

@c @implementation
public func keytide_respond(
    _ response: OpaquePointer?,
    _ status: CInt,
    _ etag: UnsafePointer<CChar>?
) -> keytide_code {
    guard let builder = unsafe ResponseBuilder.at(response) else { return KEYTIDE_NULL_ARGUMENT }
    return builder.respond(status: Int(status), etag: unsafe etag.map { unsafe String(cString: $0) })
}

@c @implementation
public func keytide_respond_body(
    _ response: OpaquePointer?,
    _ bytes: UnsafeRawPointer?,
    _ count: Int
) -> keytide_code {
    guard let builder = unsafe ResponseBuilder.at(response) else { return KEYTIDE_NULL_ARGUMENT }
    if count == 0 { return KEYTIDE_OK }
    guard let bytes = unsafe bytes else { return KEYTIDE_NULL_ARGUMENT }
    // A size_t beyond the range of Int arrives as a negative one.
    guard count > 0 else { return KEYTIDE_OUT_OF_RANGE }
    return unsafe builder.append(UnsafeRawBufferPointer(start: bytes, count: count))
}

@c @implementation
public func keytide_cancel(_ phone: OpaquePointer?) -> keytide_code {
    guard let handle = unsafe PhoneHandle.at(phone) else { return KEYTIDE_NULL_ARGUMENT }
    handle.cancel()
    return KEYTIDE_OK
}

@c @implementation
public func keytide_next_sync(
    _ phone: OpaquePointer?,
    _ isComplete: CInt,
    _ now: Int64,
    _ next: UnsafeMutablePointer<Int64>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let next = unsafe next else { throw PhoneFailure.null("next") }
        try PhoneTime.check(now)
        var random = SystemRandomNumberGenerator()
        var schedule = handle.contents.schedule
        unsafe next.pointee = schedule.next(isComplete: isComplete != 0, now: now, using: &random)
        handle.contents.schedule = schedule
    }
}

@c @implementation
public func keytide_evidence_count(_ phone: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let count = unsafe count else { throw PhoneFailure.null("count") }
        let storage = handle.contents.storage
        unsafe count.pointee = try waiting { await storage.evidence().count }
    }
}

extension ResponseBuilder {
    /// - Parameter pointer: one that a callback was given and that has not returned yet.
    fileprivate static func at(_ pointer: OpaquePointer?) -> ResponseBuilder? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe Unmanaged<ResponseBuilder>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }
}

extension PhoneHandle {
    /// - Parameter answer: makes a request, on this thread.
    fileprivate func sync(
        with node: String,
        now: Int64,
        answer: (PhoneRequest) -> PhoneAnswer
    ) throws -> SyncReport {
        let (options, storage) = (options, contents.storage)
        defer { setCancel(nil) }
        return try CallingThread().run(
            { ask in
                let session = SyncSession(
                    transport: CallbackTransport(node: node, ask: ask),
                    storage: storage,
                    options: options,
                    others: { CallbackTransport(node: $0, ask: ask) }
                )
                let report = try await session.run(now: now)
                // Also where nobody matches for long, sightings go when nothing can match them any more.
                let horizon = try await storage.encounterHorizon(now: now)
                await storage.dropEncounters(before: Interval(unixSeconds: horizon))
                return report
            },
            began: { setCancel($0) },
            answer: answer
        )
    }
}

extension SyncReport {
    fileprivate var allProblems: [SyncError] { problems + feeds.compactMap(\.problem) }

    fileprivate var firstProblem: String? {
        allProblems.first?.reason ?? witnesses.findings.first?.reason
    }
}

extension keytide_sync_result {
    fileprivate init(_ report: SyncReport, now: Int64) {
        let freshness = Freshness(report.freshness, now: now)
        self.init(
            is_up_to_date: report.isUpToDate ? 1 : 0,
            not_modified: report.notModified ? 1 : 0,
            roster_version: report.rosterVersion,
            index_time: report.indexTime ?? 0,
            feeds: UInt64(report.feeds.count),
            problems: UInt64(report.allProblems.count),
            batches: UInt64(report.batches),
            keys: UInt64(report.keys),
            requests: UInt64(report.requests),
            bytes: UInt64(report.bytes),
            evidence: UInt64(report.evidence.count),
            witnesses: UInt64(report.witnesses.present.count),
            witnesses_wanted: UInt64(report.witnesses.wanted),
            freshness: keytide_freshness(freshness, saysSomething: freshness.standing == .fresh)
        )
    }
}
