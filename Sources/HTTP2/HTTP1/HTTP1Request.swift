import NIOCore
import NIOHTTP1

/// One request on an HTTP/1.1 connection and how far its answer is.
struct HTTP1Request {
    let method: HTTPMethod
    let version: HTTPVersion
    /// Whether another request may follow.
    var keepsAlive: Bool
    /// Nil when answered without a task.
    var exchange: Exchange?
    /// A body given whole that is too large to be written at once.
    var whole: OutboundBody?
    var isRequestEnded = false
    var isResponseEnded = false
    /// Bytes of a request body that nobody wanted.
    var drainedBytes = 0
    var sentBytes = 0
    private var promisedBytes: Int?
    private var drainStall = ProgressWatch()

    init(method: HTTPMethod, version: HTTPVersion, keepsAlive: Bool) {
        self.method = method
        self.version = version
        self.keepsAlive = keepsAlive
    }

    /// What is to be sent after the head, once that was written.
    var outbound: OutboundBody? {
        whole ?? exchange.flatMap { $0.hasHead ? $0.outbound : nil }
    }

    /// False when the body has not the length that its head gave, so that the peer cannot tell where it ends.
    var isLengthKept: Bool { promisedBytes == nil || promisedBytes == sentBytes }

    /// True when the answer is complete and the peer goes on with its body too slowly.
    mutating func isDrainStalled(now: NIODeadline, _ minimum: MinimumProgress) -> Bool {
        isResponseEnded && drainStall.isStalled(progress: drainedBytes, due: .max, now: now, minimum)
    }

    /// The head as HTTP/1.1 sends it, and whether a body follows. The end of the body is shown by its length, else by
    /// chunks, else (HTTP/1.0) by the end of the connection.
    mutating func frame(_ head: ResponseHead) -> (HTTPResponseHead, Bool) {
        let sendsBody = method != .HEAD && head.statusAllowsBody
        var headers = HTTPHeaders()
        headers.reserveCapacity(head.fields.count + 2)
        var length: Int?
        for (name, value) in head.fields where !FieldRules.isConnectionSpecific(name) {
            if name == "content-length" {
                guard length == nil, head.status != 204, let count = Int(value) else { continue }
                length = count
            }
            headers.add(name: name, value: value)
        }
        if sendsBody {
            promisedBytes = length
            if length == nil, version != .http1_0 {
                headers.add(name: "transfer-encoding", value: "chunked")
            } else if length == nil {
                keepsAlive = false
            }
        }
        if !keepsAlive {
            headers.add(name: "connection", value: "close")
        } else if version == .http1_0 {
            headers.add(name: "connection", value: "keep-alive")
        }
        let status = HTTPResponseStatus(statusCode: head.status)
        return (HTTPResponseHead(version: version, status: status, headers: headers), sendsBody)
    }
}

extension HTTPRequestHead {
    /// Where the message ends cannot be told: HTTP/1.0 has no transfer codings (RFC 9112, 6.1), and with a length beside
    /// one two readers may disagree (6.3), which is how requests are smuggled past a proxy.
    var isFramingFaulty: Bool {
        let codings = headers[canonicalForm: "transfer-encoding"]
        guard !codings.isEmpty else { return false }
        let isOld = version.major < 1 || version == .http1_0
        return isOld || headers.contains(name: "content-length") || codings.last?.lowercased() != "chunked"
    }
}

extension RequestHead {
    /// The head of an HTTP/1.1 request in the terms of HTTP/2; nil if it breaks RFC 9112, 3.2: without one `Host`, or
    /// with a target that is none.
    init?(_ head: HTTPRequestHead, scheme: String) {
        self.init(method: head.method.rawValue, scheme: scheme, path: head.uri)
        var hosts = 0
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers {
            let name = name.lowercased()
            if name == "host" {
                hosts += 1
                authority = value
            } else if !FieldRules.isConnectionSpecific(name) {
                fields.append(lowercaseName: name, value)
            }
        }
        guard hosts == 1 || (hosts == 0 && head.version == .http1_0) else {
            return nil
        }
        if path.hasPrefix("http://") || path.hasPrefix("https://") {
            takeAbsoluteForm()
        }
        guard path.hasPrefix("/") || (path == "*" && method == "OPTIONS") else {
            return nil
        }
    }

    /// Splits a target that is a whole URI, as clients send to proxies; its authority counts, not that of `Host`.
    private mutating func takeAbsoluteForm() {
        let rest = path.drop { $0 != ":" }.dropFirst(3)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(host.count)
        authority = String(host)
        path = target.hasPrefix("/") ? String(target) : "/" + target
    }
}
