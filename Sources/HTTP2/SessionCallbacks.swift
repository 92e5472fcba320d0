internal import CNghttp2
import NIOCore

/// The functions that nghttp2 calls. They append events and copy bytes; they never call nghttp2's send or receive.
enum SessionCallbacks {
    /// The table of callbacks, made once: nghttp2 copies it into each session.
    struct Table: @unchecked Sendable {
        // Sendable: written before it is shared, only read afterwards.
        let pointer: OpaquePointer?

        init() {
            var callbacks: OpaquePointer?
            nghttp2_session_callbacks_new(&callbacks)
            nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, SessionCallbacks.beginHeaders)
            nghttp2_session_callbacks_set_on_header_callback(callbacks, SessionCallbacks.header)
            nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, SessionCallbacks.frameReceived)
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, SessionCallbacks.dataReceived)
            nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, SessionCallbacks.streamClosed)
            nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, SessionCallbacks.frameSent)
            nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, SessionCallbacks.frameNotSent)
            nghttp2_session_callbacks_set_send_data_callback(callbacks, SessionCallbacks.sendData)
            pointer = callbacks
        }
    }

    static let table = Table()

    private static func session(_ userData: UnsafeMutableRawPointer?) -> NGHTTP2Session? {
        userData.map { Unmanaged<NGHTTP2Session>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func has(_ flag: nghttp2_flag, _ header: nghttp2_frame_hd) -> Bool {
        UInt32(header.flags) & UInt32(flag.rawValue) != 0
    }

    private static func isType(_ type: nghttp2_frame_type, _ header: nghttp2_frame_hd) -> Bool {
        UInt32(header.type) == UInt32(type.rawValue)
    }

    // MARK: Receiving

    private static let beginHeaders: nghttp2_on_begin_headers_callback = { _, frame, userData in
        guard let session = session(userData) else { return 0 }
        session.header = HeaderBlock()
        if frame?.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            session.openStreams += 1
        }
        return 0
    }

    private static let header: nghttp2_on_header_callback = { _, _, name, nameCount, value, valueCount, _, userData in
        guard let session = session(userData) else { return 0 }
        let block = session.header
        block.size += nameCount + valueCount + 32
        if block.size <= session.maxHeaderListSize {
            block.add(
                UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: valueCount)
            )
        }
        return 0
    }

    private static let frameReceived: nghttp2_on_frame_recv_callback = { _, frame, userData in
        guard let session = session(userData), let frame = frame?.pointee else { return 0 }
        let header = frame.hd
        if isType(NGHTTP2_HEADERS, header) {
            headersReceived(session, header, category: frame.headers.cat)
        } else if isType(NGHTTP2_DATA, header) {
            if has(NGHTTP2_FLAG_END_STREAM, header) {
                session.events.append(.remoteEnd(stream: header.stream_id))
            }
        } else if isType(NGHTTP2_PING, header) {
            if has(NGHTTP2_FLAG_ACK, header) {
                let payload = withUnsafeBytes(of: frame.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
                session.events.append(.pong(UInt64(bigEndian: payload)))
            }
        } else if isType(NGHTTP2_GOAWAY, header) {
            let code = HTTP2ErrorCode(rawValue: frame.goaway.error_code)
            session.events.append(.goAway(lastStream: frame.goaway.last_stream_id, code: code))
        }
        return 0
    }

    private static func headersReceived(
        _ session: NGHTTP2Session,
        _ header: nghttp2_frame_hd,
        category: nghttp2_headers_category
    ) {
        let block = session.header
        let stream = header.stream_id
        if block.size > session.maxHeaderListSize {
            session.events.append(.headTooLarge(stream: stream))
            return
        }
        let isEnd = has(NGHTTP2_FLAG_END_STREAM, header)
        // A response head may follow informational ones, and then comes in the category of trailers.
        if category == NGHTTP2_HCAT_REQUEST || block.status >= 200 {
            session.events.append(.head(stream: stream, block, isEnd: isEnd))
        } else if isEnd {
            session.events.append(.remoteEnd(stream: stream))
        } else if block.status > 0 {
            session.tally.informational += 1
        }
    }

    private static let dataReceived: nghttp2_on_data_chunk_recv_callback = { _, _, stream, data, count, userData in
        guard let session = session(userData), let base = session.input.baseAddress, let data else { return 0 }
        let offset = UnsafeRawPointer(data) - base
        precondition(offset >= 0 && offset + count <= session.input.count, "nghttp2 names bytes of its input")
        session.events.append(.data(stream: stream, offset: offset, count: count))
        return 0
    }

    private static let streamClosed: nghttp2_on_stream_close_callback = { _, stream, code, userData in
        guard let session = session(userData) else { return 0 }
        session.openStreams -= 1
        session.bodies[stream] = nil
        session.events.append(.closed(stream: stream, code: HTTP2ErrorCode(rawValue: code)))
        return 0
    }

    // MARK: Sending

    private static let frameSent: nghttp2_on_frame_send_callback = { _, frame, userData in
        guard let session = session(userData), let frame, case let header = frame.pointee.hd else { return 0 }
        if isType(NGHTTP2_GOAWAY, header), frame.pointee.goaway.error_code != 0 {
            session.complaint = HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code)
        }
        if isType(NGHTTP2_RST_STREAM, header) {
            session.tally.resetSent(HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code))
        }
        if isType(NGHTTP2_DATA, header) || isType(NGHTTP2_HEADERS, header), has(NGHTTP2_FLAG_END_STREAM, header) {
            session.events.append(.localEnd(stream: header.stream_id))
        }
        return 0
    }

    private static let frameNotSent: nghttp2_on_frame_not_send_callback = { _, frame, _, userData in
        guard let session = session(userData), let frame = frame?.pointee else { return 0 }
        // A request that GOAWAY overtook. nghttp2 closes its stream next, with a code that says less.
        if isType(NGHTTP2_HEADERS, frame.hd), frame.headers.cat == NGHTTP2_HCAT_REQUEST {
            session.events.append(.closed(stream: frame.hd.stream_id, code: .refusedStream))
        }
        return 0
    }

    /// Says how many bytes the next DATA frame carries: what is there, and fits into what is left of the output.
    static let read: nghttp2_data_source_read_callback = { _, _, _, limit, flags, source, userData in
        guard let session = session(userData), let pointer = source?.pointee.ptr else {
            return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        let body = Unmanaged<OutboundBody>.fromOpaque(pointer).takeUnretainedValue()
        guard body.waitingBytes > 0 else {
            guard body.isEnded else {
                body.isDeferred = true
                return Int(NGHTTP2_ERR_DEFERRED.rawValue)
            }
            flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
            return 0
        }
        let count = min(limit, body.waitingBytes, session.roomForData)
        flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        if count == body.waitingBytes && body.isEnded {
            flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        }
        return count
    }

    /// Copies a DATA frame to the output: the one time its bytes are copied.
    private static let sendData: nghttp2_send_data_callback = { _, _, frameHeader, count, source, userData in
        guard let session = session(userData), let pointer = source?.pointee.ptr else {
            return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        let header = UnsafeRawBufferPointer(start: frameHeader, count: NGHTTP2Session.frameHeaderBytes)
        guard session.output.readableBytes + header.count + count <= NGHTTP2Session.outputLimit else {
            return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue)
        }
        let body = Unmanaged<OutboundBody>.fromOpaque(pointer).takeUnretainedValue()
        session.output.writeBytes(header)
        body.take(count, into: &session.output)
        if body.hasWriters {
            session.events.append(.room(body))
        }
        return 0
    }
}

extension NGHTTP2Session {
    /// Payload for the next DATA frame: what is left of the output, or a new one when little is left.
    fileprivate var roomForData: Int {
        let left = Self.outputLimit - output.readableBytes - Self.frameHeaderBytes
        return left >= 1024 ? left : Self.outputLimit - Self.frameHeaderBytes
    }
}
