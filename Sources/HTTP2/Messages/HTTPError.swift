/// What went wrong, where, and what to do about it. Equality is that of the code.
public struct HTTPError: Error, Sendable {
    public var code: Code
    /// One sentence for an operator or a log.
    public var reason: String
    /// The code of the RST_STREAM or GOAWAY frame, when there was one.
    public var http2Code: HTTP2ErrorCode?
    public var cause: (any Error)?

    public init(
        _ code: Code,
        _ reason: String,
        http2Code: HTTP2ErrorCode? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.reason = reason
        self.http2Code = http2Code
        self.cause = cause
    }
}

extension HTTPError {
    /// The kind of failure. New kinds may be added: always have a default case.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The connection is gone, so it is unknown whether the peer acted on the request.
        public static let connectionClosed = Code(description: "connectionClosed")
        /// No connection could be made.
        public static let connectFailed = Code(description: "connectFailed")
        /// One side gave up this stream (RST_STREAM); `http2Code` says why.
        public static let streamReset = Code(description: "streamReset")
        /// The peer did not act on the request (REFUSED_STREAM, GOAWAY): it may be sent again elsewhere.
        public static let refused = Code(description: "refused")
        /// A body is larger than the limit set for it.
        public static let bodyTooLarge = Code(description: "bodyTooLarge")
        /// A header list is larger than the limit set for it.
        public static let headersTooLarge = Code(description: "headersTooLarge")
        /// A certificate or its key cannot be used, or the peer's certificate was not accepted.
        public static let certificate = Code(description: "certificate")
        /// A deadline passed.
        public static let timeout = Code(description: "timeout")
        /// The peer broke HTTP.
        public static let protocolViolation = Code(description: "protocolViolation")
        /// A head given to be sent is not valid HTTP.
        public static let invalidMessage = Code(description: "invalidMessage")
        /// Calls came in an order that has no meaning: two heads, bytes after the end, two readers.
        public static let misuse = Code(description: "misuse")
        /// Somebody else listens on the address.
        public static let addressInUse = Code(description: "addressInUse")
        /// The address cannot be listened on: not of this host, not permitted, or not an address.
        public static let addressUnavailable = Code(description: "addressUnavailable")
    }
}

extension HTTPError: Equatable {
    public static func == (left: HTTPError, right: HTTPError) -> Bool {
        left.code == right.code
    }
}

extension HTTPError: CustomStringConvertible {
    public var description: String {
        var text = "\(code): \(reason)"
        if let http2Code {
            text += " (\(http2Code))"
        }
        if let cause {
            text += "; caused by: \(cause)"
        }
        return text
    }
}

/// Error codes of HTTP/2 (RFC 9113, 7).
public struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let noError = HTTP2ErrorCode(rawValue: 0x0)
    public static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    public static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    public static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    public static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    public static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    public static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    public static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xB)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
        "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    public var description: String {
        rawValue < UInt32(Self.names.count) ? Self.names[Int(rawValue)] : "HTTP/2 error \(rawValue)"
    }
}

extension HTTPError {
    /// The error of a stream that ended with `code` before its messages were complete.
    static func reset(_ code: HTTP2ErrorCode, _ what: String) -> HTTPError {
        if code == .refusedStream {
            return HTTPError(.refused, "\(what): the peer refused it unseen; it may be sent again", http2Code: code)
        }
        return HTTPError(.streamReset, "\(what): the stream was reset", http2Code: code)
    }
}
