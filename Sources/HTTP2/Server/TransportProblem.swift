import NIOCore

/// What the transport itself answers, where a request does not reach the handler or its handler fails: a problem
/// document of RFC 9457. Its type is that of the status alone, as this module knows nothing of what is served.
enum TransportProblem {
    case badRequest
    case headerListTooLarge
    case failed
    case busy

    var response: (ResponseHead, ByteBuffer) {
        switch self {
        case .badRequest: Self.make(400, "Bad Request", "The request is not valid HTTP.")
        case .headerListTooLarge:
            Self.make(431, "Request Header Fields Too Large", "The header list is larger than this server takes.")
        case .failed: Self.make(500, "Internal Server Error", "The server failed to answer; its log says why.")
        case .busy:
            Self.make(
                503,
                "Service Unavailable",
                "The server holds as much as it can. Try again later.",
                ["retry-after": "5"]
            )
        }
    }

    private static func make(
        _ status: Int,
        _ title: String,
        _ detail: String,
        _ extra: HTTPFields = [:]
    ) -> (ResponseHead, ByteBuffer) {
        let body = #"{"detail":"\#(detail)","status":\#(status),"title":"\#(title)","type":"about:blank"}"#
        var fields: HTTPFields = ["content-type": "application/problem+json", "cache-control": "no-store"]
        for (name, value) in extra {
            fields.append(name, value)
        }
        return (ResponseHead(status: status, fields: fields), ByteBuffer(string: body))
    }
}
