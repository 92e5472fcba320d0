internal import CNghttp2
import NIOCore

/// One HTTP/2 connection as nghttp2 sees it: bytes in, events out; messages in, bytes out. It knows no socket.
/// Confined to the event loop of its connection. Nothing here may be called from inside a callback of nghttp2.
final class NGHTTP2Session {
    enum Role {
        case client
        case server
    }

    /// Bytes put together before each write to the transport: one TLS record.
    static let outputLimit = 16 * 1024
    /// Bytes that nghttp2 has for a session without requests, more or less: a frame, and the tables of fields. They are a
    /// part of what every connection counts for.
    private static let quietBytes = 32 * 1024
    /// A frame header.
    static let frameHeaderBytes = 9

    let role: Role
    let handle: OpaquePointer
    /// What the callbacks work on.
    private let state: UnsafeMutablePointer<SessionState>
    private var fields = FieldBlock()
    private let memory = CountedMemory()

    init(role: Role, limits: ConnectionLimits) throws(HTTPError) {
        self.role = role
        guard let handle = NGHTTP2Session.makeHandle(role, limits, memory) else {
            throw HTTPError(.connectionClosed, "nghttp2 could not make a session: out of memory")
        }
        self.handle = handle
        state = .allocate(capacity: 1)
        state.initialize(to: SessionState(role: role, limits))
        nghttp2_session_set_user_data(handle, state)
        try submitSettings(limits)
    }

    deinit {
        nghttp2_session_del(handle)
        state.deinitialize(count: 1)
        state.deallocate()
    }

    private static func makeHandle(
        _ role: Role,
        _ limits: ConnectionLimits,
        _ memory: CountedMemory
    ) -> OpaquePointer? {
        var options: OpaquePointer?
        guard nghttp2_option_new(&options) == 0, let options else { return nil }
        defer { nghttp2_option_del(options) }
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_no_closed_streams(options, 1)
        nghttp2_option_set_max_reserved_remote_streams(options, 0)
        // nghttp2 counts a CONTINUATION frame again each time that its header goes on arriving, up to nine times. The
        // limit that holds is that of `FrameWatch`.
        nghttp2_option_set_max_continuations(options, 9 * min(max(limits.frameRates.maxContinuations, 0), 1 << 20) + 9)
        var session: OpaquePointer?
        var functions = memory.functions
        let callbacks = SessionCallbacks.table.pointer
        let result =
            switch role {
            case .client: nghttp2_session_client_new3(&session, callbacks, nil, options, &functions)
            case .server: nghttp2_session_server_new3(&session, callbacks, nil, options, &functions)
            }
        return result == 0 ? session : nil
    }

    private func submitSettings(_ limits: ConnectionLimits) throws(HTTPError) {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
        }
        var settings = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.maxHeaderListSize),
            entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        if let maxConcurrentStreams = limits.maxConcurrentStreams {
            settings.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, maxConcurrentStreams))
        }
        if role == .client {
            settings.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        try check(nghttp2_submit_settings(handle, 0, settings, settings.count), "settings")
        let window = nghttp2_session_set_local_window_size(handle, 0, 0, Int32(clamping: limits.connectionWindow))
        try check(window, "connection window")
    }

    private func check(_ result: Int32, _ what: String) throws(HTTPError) {
        guard result < 0 else { return }
        throw HTTPError(.connectionClosed, "nghttp2 did not take the \(what): \(Self.text(result))")
    }

    static func text(_ result: Int32) -> String {
        String(cString: nghttp2_strerror(result))
    }
}

// MARK: Bytes

extension NGHTTP2Session {
    /// Reads all of `bytes`; what they mean is in `events` afterwards.
    /// - Throws: `protocolViolation` when the connection cannot go on.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
        guard let base = bytes.baseAddress else { return }
        state.pointee.borrow(.current)
        state.pointee.input = bytes
        let count = nghttp2_session_mem_recv(handle, base.assumingMemoryBound(to: UInt8.self), bytes.count)
        state.pointee.input = UnsafeRawBufferPointer(start: nil, count: 0)
        if count == Int(NGHTTP2_ERR_FLOODED.rawValue) {
            let reason = "the peer asks for answers and does not take them"
            throw HTTPError(.protocolViolation, reason, http2Code: .enhanceYourCalm)
        }
        if count < 0 {
            throw HTTPError(.protocolViolation, "the peer's bytes are not HTTP/2: \(Self.text(Int32(count)))")
        }
    }

    /// The next bytes to send, at most `outputLimit`; nil when nothing can be sent at present.
    func nextOutput() throws(HTTPError) -> ByteBuffer? {
        let scratch = LoopScratch.current
        state.pointee.borrow(scratch)
        state.pointee.output = scratch.takeOutput(capacity: Self.outputLimit)
        append(state.pointee.leftover)
        while state.pointee.leftover.count == 0, state.pointee.output.readableBytes < Self.outputLimit {
            var bytes: UnsafePointer<UInt8>?
            // DATA frames are written to `output` by a callback during this call, which returns 0 when one does not
            // fit; bytes of all other frames are returned.
            let count = nghttp2_session_mem_send(handle, &bytes)
            guard count >= 0 else {
                state.pointee.output = ByteBuffer()
                throw HTTPError(.connectionClosed, "nghttp2 could not go on: \(Self.text(Int32(count)))")
            }
            guard count > 0, let bytes else { break }
            append(UnsafeRawBufferPointer(start: bytes, count: count))
        }
        defer { state.pointee.output = ByteBuffer() }
        return scratch.give(&state.pointee.output)
    }

    @inline(__always)
    private func append(_ bytes: UnsafeRawBufferPointer) {
        let count = min(bytes.count, Self.outputLimit - state.pointee.output.readableBytes)
        _ = state.pointee.output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        state.pointee.leftover = UnsafeRawBufferPointer(rebasing: bytes[count...])
    }

    var wantsWrite: Bool { state.pointee.leftover.count > 0 || nghttp2_session_want_write(handle) != 0 }
    var wantsRead: Bool { nghttp2_session_want_read(handle) != 0 }
    /// The stream of the last request that was acted on.
    var lastRequest: Int { Int(nghttp2_session_get_last_proc_stream_id(handle)) }
    /// Whether nghttp2 itself says what a frame on this stream means: it knows the stream, or has yet to read of it.
    func judges(_ stream: UInt32) -> Bool {
        let stream = Int32(clamping: stream)
        return Int(stream) > lastRequest || nghttp2_session_find_stream(handle, stream) != nil
    }
    /// Frames other than DATA that wait to be sent.
    var queuedFrames: Int { nghttp2_session_get_outbound_queue_size(handle) }
}

// MARK: What arrived

extension NGHTTP2Session {
    /// Takes what the callbacks noticed, in exchange for an empty list; false when there is nothing.
    func takeEvents(_ events: inout GrowingBuffer<SessionEvent>) -> Bool {
        swap(&events, &state.pointee.events)
        return !events.isEmpty
    }

    /// All events have been acted on: heads that they name are forgotten.
    func finishEvents() {
        state.pointee.giveBack(.current)
    }

    /// Heads that events name.
    func request(_ head: Int) -> RequestHead { state.pointee.heads.request(head) }
    func response(_ head: Int) -> ResponseHead { state.pointee.heads.response(head) }

    /// What `handler` has at hand for a request.
    func prepared(_ head: Int, by handler: any RequestHandler) -> PreparedResponse? {
        state.pointee.heads.prepared(head, by: handler)
    }

    var maxHeaderListSize: Int { state.pointee.maxHeaderListSize }
    var complaint: HTTP2ErrorCode? { state.pointee.complaint }
    var openStreams: Int { state.pointee.openStreams }
    /// What the peer is to be charged for since this was last set.
    var tally: SessionTally {
        get { state.pointee.tally }
        set { state.pointee.tally = newValue }
    }
    /// Bytes held by streamed bodies that wait to be sent.
    var streamedBytes: Int { state.pointee.bodies.sum { $0.streamedBytes } }
    /// Bytes that nghttp2 has for this session beyond those that each has, in whole steps: less than a step comes and goes
    /// with every request.
    var engineBytes: Int { max(0, memory.bytes - Self.quietBytes) & ~(Self.outputLimit - 1) }

    /// Notes the large whole bodies that wait to be sent.
    /// - Returns: their bytes, each counted once.
    func holdWholeBodies(_ account: MemoryAccount) -> Int {
        var seen: [UInt] = []
        return state.pointee.bodies.sum { body in
            guard let buffer = body.hold(account), !seen.contains(buffer.place) else { return 0 }
            seen.append(buffer.place)
            return buffer.bytes
        }
    }

    /// The connection is over: nothing counts as held for it.
    func releaseBodies() {
        for (_, body) in bodies { body.release() }
    }

    /// Bodies under way.
    var bodies: [(stream: Int32, value: OutboundBody)] { state.pointee.bodies.entries }
    func body(_ stream: Int32) -> OutboundBody? { state.pointee.bodies[stream] }
}

// MARK: Messages

extension NGHTTP2Session {
    /// Queues a response; without a body the head ends the stream.
    func submitResponse(_ head: ResponseHead, body: OutboundBody?, stream: Int32) throws(HTTPError) {
        try FieldRules.check(head)
        try checkUnanswered(stream)
        fields.removeAll()
        fields.add(":status", Self.statusText(head.status))
        fields.add(head.fields)
        let result = withProvider(body) { provider in
            fields.withPointers { nghttp2_submit_response(handle, stream, $0, $1, provider) }
        }
        guard result == 0 else {
            throw HTTPError(.streamReset, "the stream takes no response any more: \(Self.text(result))")
        }
        if let body {
            state.pointee.bodies.set(body, for: stream)
        }
    }

    /// Queues a response whose head was checked when it was prepared; without a body the head ends the stream.
    func submitResponse(
        _ head: PreparedHead,
        _ freshness: Freshness?,
        body: OutboundBody?,
        stream: Int32
    ) throws(HTTPError) {
        try checkUnanswered(stream)
        let result = withProvider(body) { provider in
            head.withFields(freshness) { nghttp2_submit_response(handle, stream, $0, $1, provider) }
        }
        guard result == 0 else {
            throw HTTPError(.streamReset, "the stream takes no response any more: \(Self.text(result))")
        }
        if let body {
            state.pointee.bodies.set(body, for: stream)
        }
    }

    /// nghttp2 takes a second response, and refuses it only when it is to be sent. It must not replace the body of the
    /// first, which nghttp2 still points to.
    @inline(__always)
    private func checkUnanswered(_ stream: Int32) throws(HTTPError) {
        guard state.pointee.bodies[stream] == nil else {
            throw HTTPError(.misuse, "stream \(stream) was answered twice")
        }
    }

    /// Queues a 100 (Continue).
    func submitContinue(stream: Int32) {
        fields.removeAll()
        fields.add(":status", "100")
        // Refused only when the stream is closed, which an event tells.
        _ = fields.withPointers { nghttp2_submit_headers(handle, 0, stream, nil, $0, $1, nil) }
    }

    /// Queues a request and returns its stream; without a body the head ends our side.
    func submitRequest(_ head: RequestHead, body: OutboundBody?) throws(HTTPError) -> Int32 {
        try FieldRules.check(head)
        fields.removeAll()
        fields.add(":method", head.method)
        fields.add(":scheme", head.scheme)
        fields.add(":authority", head.authority)
        fields.add(":path", head.path)
        for (name, value) in head.fields where name != "host" && !FieldRules.isConnectionSpecific(name) {
            fields.add(name, value)
        }
        let stream = withProvider(body) { provider in
            fields.withPointers { nghttp2_submit_request(handle, nil, $0, $1, provider, nil) }
        }
        guard stream > 0 else {
            throw HTTPError(.refused, "the connection takes no more requests: \(Self.text(stream)); open another one")
        }
        if let body {
            state.pointee.bodies.set(body, for: stream)
        }
        state.pointee.openStreams += 1
        return stream
    }

    @inline(__always)
    private func withProvider<Result>(
        _ body: OutboundBody?,
        _ call: (UnsafePointer<nghttp2_data_provider>?) -> Result
    ) -> Result {
        guard let body else { return call(nil) }
        // nghttp2 asks for the body only while the stream is open, and `bodies` holds it that long.
        let source = nghttp2_data_source(ptr: Unmanaged.passUnretained(body).toOpaque())
        var provider = nghttp2_data_provider(source: source, read_callback: SessionCallbacks.read)
        return call(&provider)
    }

    /// There is something to send again on a stream whose body had nothing.
    func resume(_ body: OutboundBody, stream: Int32) {
        guard body.isDeferred else { return }
        body.isDeferred = false
        nghttp2_session_resume_data(handle, stream)
    }

    /// The application has taken `count` bytes of `stream`: the peer may send as many more.
    func consume(_ count: Int, stream: Int32) {
        nghttp2_session_consume(handle, stream, count)
    }

    /// Bytes were dropped: other streams may use their share of the connection, but their own stream gets no more.
    func consumeForConnection(_ count: Int) {
        nghttp2_session_consume_connection(handle, count)
    }

    /// Refuses a request that was not acted on, through no fault of the peer (RFC 9113, 8.7).
    func refuse(stream: Int32) {
        tally.ownRefusals += 1
        reset(stream: stream, .refusedStream)
    }

    func reset(stream: Int32, _ code: HTTP2ErrorCode) {
        nghttp2_submit_rst_stream(handle, 0, stream, code.rawValue)
    }

    private static func statusText(_ status: Int) -> String {
        switch status {
        case 200: "200"
        case 304: "304"
        case 404: "404"
        default: String(status)
        }
    }
}

// MARK: Connection

extension NGHTTP2Session {
    func ping(_ payload: UInt64) {
        withUnsafeBytes(of: payload.bigEndian) { bytes in
            _ = nghttp2_submit_ping(handle, 0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// First step of ending: says that an end is coming, while requests under way are still taken (RFC 9113, 6.8).
    func announceShutdown() {
        nghttp2_submit_shutdown_notice(handle)
    }

    /// Second step: no request after those seen will be acted on.
    func goAway() {
        nghttp2_submit_goaway(
            handle,
            0,
            nghttp2_session_get_last_proc_stream_id(handle),
            HTTP2ErrorCode.noError.rawValue,
            nil,
            0
        )
    }

    /// Ends the connection as soon as the GOAWAY is out, streams or not.
    func terminate(_ code: HTTP2ErrorCode) {
        nghttp2_session_terminate_session(handle, code.rawValue)
    }
}
