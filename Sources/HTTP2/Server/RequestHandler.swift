public import NIOCore

/// What a server does with requests.
public protocol RequestHandler: Sendable {
    /// Says how `request` is answered. Called on the connection's event loop as soon as the head is there: it must not
    /// block, wait or compute for long.
    /// - Parameter connection: what is known of the connection, whatever the request says.
    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling

    /// The answer to a GET without a body, if it is at hand. Asked before `handle`, which gives the same answer: this is
    /// for what very many ask for, on whatever connection, and makes no text of what they send. By default nothing is at
    /// hand.
    /// - Parameters:
    ///   - path: path and query as they were sent.
    ///   - ifNoneMatch: value of the one `if-none-match` field; empty when there is none. Requests with several are not
    ///     offered.
    func prepared(path: Span<UInt8>, ifNoneMatch: Span<UInt8>) -> PreparedResponse?
}

extension RequestHandler {
    public func prepared(path: Span<UInt8>, ifNoneMatch: Span<UInt8>) -> PreparedResponse? { nil }
}

/// How a request is answered. To a HEAD request the body is not sent, whatever the handler gives.
public enum RequestHandling: Sendable {
    /// Completely, at once, without a task. `content-length` is set unless given. A request body is read up to
    /// `maxDrainedBody` and dropped.
    case respond(ResponseHead, ByteBuffer?)

    /// By a task of its own, which is cancelled when the stream is reset or the connection lost, not when it ends as
    /// it should. If the closure returns without having finished the response, the response is ended (500 if there
    /// was none); if it throws, the answer is 500, or a reset stream when the head has left already.
    case run(@Sendable (RequestBody, ResponseWriter) async throws -> Void)
}
