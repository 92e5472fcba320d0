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
            nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, SessionCallbacks.invalidReceived)
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, SessionCallbacks.dataReceived)
            nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, SessionCallbacks.streamClosed)
            nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, SessionCallbacks.frameSent)
            nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, SessionCallbacks.frameNotSent)
            nghttp2_session_callbacks_set_send_data_callback(callbacks, SessionCallbacks.sendData)
            pointer = callbacks
        }
    }

    static let table = Table()

    @inline(__always)
    private static func session(_ userData: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<SessionState>? {
        userData?.assumingMemoryBound(to: SessionState.self)
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
        session.pointee.heads.begin()
        if frame?.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            session.pointee.openStreams += 1
        }
        return 0
    }

    private static let header: nghttp2_on_header_callback = { _, _, name, nameCount, value, valueCount, _, userData in
        guard let session = session(userData) else { return 0 }
        session.pointee.heads.add(
            UnsafeBufferPointer(start: name, count: nameCount),
            UnsafeBufferPointer(start: value, count: valueCount),
            limit: session.pointee.maxHeaderListSize
        )
        guard session.pointee.heads.current.size > session.pointee.bombSize else { return 0 }
        // nghttp2 resets the stream and reads the rest without a word.
        session.pointee.heads.drop()
        session.pointee.tally.headBombs += 1
        return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }

    private static let invalidReceived: nghttp2_on_invalid_frame_recv_callback = { _, frame, code, userData in
        guard let session = session(userData), let frame, isType(NGHTTP2_HEADERS, frame.pointee.hd) else { return 0 }
        session.pointee.heads.drop()
        // Beyond as many streams as the peer has agreed to, nghttp2 ends the connection.
        if code == NGHTTP2_ERR_PROTO.rawValue, session.pointee.openStreams >= session.pointee.maxConcurrentStreams {
            session.pointee.tally.refusedStreams += 1
        }
        return 0
    }

    private static let frameReceived: nghttp2_on_frame_recv_callback = { _, frame, userData in
        guard let session = session(userData), let frame else { return 0 }
        let header = frame.pointee.hd
        if isType(NGHTTP2_HEADERS, header) {
            headersReceived(session, header, category: frame.pointee.headers.cat)
        } else if isType(NGHTTP2_DATA, header) {
            if has(NGHTTP2_FLAG_END_STREAM, header) {
                session.pointee.events.append(.remoteEnd(stream: header.stream_id))
            }
        } else if isType(NGHTTP2_PING, header) {
            if has(NGHTTP2_FLAG_ACK, header) {
                let payload = withUnsafeBytes(of: frame.pointee.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
                session.pointee.events.append(.pong(UInt64(bigEndian: payload)))
            }
        } else if isType(NGHTTP2_GOAWAY, header) {
            let code = HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code)
            session.pointee.events.append(.goAway(lastStream: frame.pointee.goaway.last_stream_id, code: code))
        }
        return 0
    }

    private static func headersReceived(
        _ session: UnsafeMutablePointer<SessionState>,
        _ header: nghttp2_frame_hd,
        category: nghttp2_headers_category
    ) {
        let stream = header.stream_id
        let status = session.pointee.heads.current.status
        let size = session.pointee.heads.current.size
        let head = session.pointee.heads.end()
        if size > session.pointee.maxHeaderListSize {
            let isTrailer = session.pointee.role == .server && category != NGHTTP2_HCAT_REQUEST
            session.pointee.events.append(.headTooLarge(stream: stream, isTrailer: isTrailer))
            if session.pointee.role == .server, !isTrailer { session.pointee.tally.provokedResets += 1 }
            return
        }
        let isEnd = has(NGHTTP2_FLAG_END_STREAM, header)
        // A response head may follow informational ones, and then comes in the category of trailers.
        if category == NGHTTP2_HCAT_REQUEST || status >= 200 {
            session.pointee.events.append(.head(stream: stream, head: head, isEnd: isEnd))
        } else if isEnd {
            session.pointee.events.append(.remoteEnd(stream: stream))
        } else if status > 0 {
            session.pointee.tally.informational += 1
        }
    }

    private static let dataReceived: nghttp2_on_data_chunk_recv_callback = { _, _, stream, data, count, userData in
        guard let session = session(userData), let base = session.pointee.input.baseAddress, let data else { return 0 }
        let offset = UnsafeRawPointer(data) - base
        precondition(offset >= 0 && offset + count <= session.pointee.input.count, "nghttp2 names bytes of its input")
        session.pointee.events.append(.data(stream: stream, offset: offset, count: count))
        return 0
    }

    private static let streamClosed: nghttp2_on_stream_close_callback = { _, stream, code, userData in
        guard let session = session(userData) else { return 0 }
        session.pointee.openStreams -= 1
        session.pointee.bodies.remove(stream)?.streamClosed()
        session.pointee.events.append(.closed(stream: stream, code: HTTP2ErrorCode(rawValue: code)))
        return 0
    }

    // MARK: Sending

    private static let frameSent: nghttp2_on_frame_send_callback = { _, frame, userData in
        guard let session = session(userData), let frame else { return 0 }
        let header = frame.pointee.hd
        if isType(NGHTTP2_GOAWAY, header), frame.pointee.goaway.error_code != 0 {
            session.pointee.complaint = HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code)
        }
        if isType(NGHTTP2_RST_STREAM, header) {
            session.pointee.tally.resetSent(HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code))
        }
        if isType(NGHTTP2_DATA, header) || isType(NGHTTP2_HEADERS, header), has(NGHTTP2_FLAG_END_STREAM, header) {
            session.pointee.events.append(.localEnd(stream: header.stream_id))
        }
        return 0
    }

    private static let frameNotSent: nghttp2_on_frame_not_send_callback = { _, frame, _, userData in
        guard let session = session(userData), let frame = frame?.pointee else { return 0 }
        if isType(NGHTTP2_HEADERS, frame.hd) {
            // Of a stream that was closed first. nghttp2 will never ask for the body, nor say again that it is over.
            session.pointee.bodies.remove(frame.hd.stream_id)
        }
        // A request that GOAWAY overtook. nghttp2 closes its stream next, with a code that says less.
        if isType(NGHTTP2_HEADERS, frame.hd), frame.headers.cat == NGHTTP2_HCAT_REQUEST {
            session.pointee.events.append(.closed(stream: frame.hd.stream_id, code: .refusedStream))
        }
        return 0
    }

    /// Says how many bytes the next DATA frame carries: what is there, and fits into what is left of the output.
    static let read: nghttp2_data_source_read_callback = { _, _, _, limit, flags, source, userData in
        guard let session = session(userData), let pointer = source?.pointee.ptr else {
            return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        // `bodies` holds the body for as long as nghttp2 asks for it, so it need not be held once more meanwhile.
        return Unmanaged<OutboundBody>.fromOpaque(pointer)._withUnsafeGuaranteedRef { body in
            guard body.waitingBytes > 0 else {
                // What failed must not look as if it were whole.
                if body.failure != nil { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
                guard body.isEnded else {
                    body.isDeferred = true
                    return Int(NGHTTP2_ERR_DEFERRED.rawValue)
                }
                flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
                return 0
            }
            let count = min(limit, body.waitingBytes, session.pointee.roomForData)
            body.announcedBytes = count
            flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
            if count == body.waitingBytes && body.isEnded {
                flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
            }
            return count
        }
    }

    /// Copies a DATA frame to the output: the one time its bytes are copied.
    private static let sendData: nghttp2_send_data_callback = { _, frame, frameHeader, count, source, userData in
        guard let session = session(userData), let pointer = source?.pointee.ptr else {
            return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        let header = UnsafeRawBufferPointer(start: frameHeader, count: NGHTTP2Session.frameHeaderBytes)
        guard session.pointee.output.readableBytes + header.count + count <= NGHTTP2Session.outputLimit else {
            return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue)
        }
        return Unmanaged<OutboundBody>.fromOpaque(pointer)._withUnsafeGuaranteedRef { body in
            guard count <= body.waitingBytes else { return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
            session.pointee.output.writeWithUnsafeMutableBytes(minimumWritableBytes: header.count + count) { room in
                room.copyMemory(from: header)
                body.take(into: UnsafeMutableRawBufferPointer(rebasing: room[header.count..<header.count + count]))
                return header.count + count
            }
            if body.hasWriters, let frame {
                session.pointee.events.append(.room(stream: frame.pointee.hd.stream_id))
            }
            return 0
        }
    }
}

extension SessionState {
    /// Payload for the next DATA frame: what is left of the output, or a new one when little is left.
    fileprivate var roomForData: Int {
        let left = NGHTTP2Session.outputLimit - output.readableBytes - NGHTTP2Session.frameHeaderBytes
        return left >= 1024 ? left : NGHTTP2Session.outputLimit - NGHTTP2Session.frameHeaderBytes
    }
}
