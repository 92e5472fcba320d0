/// The head of a request, in the terms of HTTP/2 (RFC 9113, 8.3.1) whichever version carried it.
public struct RequestHead: Sendable, Equatable {
    public var method: String
    /// `http` or `https`.
    public var scheme: String
    /// Host and port as the client named them (`:authority`, or `Host` in HTTP/1.1); empty when it named none.
    public var authority: String
    /// Path and query, beginning with `/`, not decoded.
    public var path: String
    public var fields: HTTPFields

    public init(
        method: String = "GET",
        scheme: String = "http",
        authority: String = "",
        path: String,
        fields: HTTPFields = [:]
    ) {
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.fields = fields
    }
}

/// The head of a final response.
public struct ResponseHead: Sendable, Equatable {
    /// 200...599.
    public var status: Int
    public var fields: HTTPFields

    public init(status: Int, fields: HTTPFields = [:]) {
        self.status = status
        self.fields = fields
    }
}

extension ResponseHead {
    /// False where the status alone forbids a body (RFC 9110, 6.4.1).
    var statusAllowsBody: Bool {
        status >= 200 && status != 204 && status != 304
    }

    /// The head as it goes out with a body given whole: `content-length` is set unless the handler did, and left out
    /// where RFC 9110, 8.6 forbids or does not need it.
    func framed(bodyBytes: Int) -> ResponseHead {
        guard statusAllowsBody, !fields.contains(lowercaseName: "content-length") else {
            return self
        }
        var head = self
        head.fields.append(lowercaseName: "content-length", String(bodyBytes))
        return head
    }
}
