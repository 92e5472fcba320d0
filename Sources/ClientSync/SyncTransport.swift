/// How a phone asks a node, or a cache in front of it, for bytes. Implementations own sockets, retries of a connection
/// and timeouts; `SyncSession` owns what is asked and what is believed.
public protocol SyncTransport: Sendable {
    /// The node's base URL, for messages and as the name under which its index's ETag is kept.
    var node: String { get }

    /// One GET.
    /// - Parameters:
    ///   - path: absolute path of a public route, ASCII, at most 120 bytes.
    ///   - ifNoneMatch: value of that field, nil to leave it out.
    ///   - limit: largest body in bytes that the caller accepts.
    /// - Returns: the answer, whatever its status. The body of a 503 tells a damaged batch from a node that is busy; that of
    ///   any other answer than 200 may be left out.
    /// - Throws: `SyncError` with code `.bodyTooLarge` if a body exceeds `limit`, and anything if no answer came.
    func get(_ path: String, ifNoneMatch: String?, limit: Int) async throws -> TransportResponse
}

/// A node's answer to one GET.
public struct TransportResponse: Sendable {
    /// HTTP status.
    public let status: Int
    /// The field's value as it stands; nil if absent.
    public let etag: String?
    public let body: [UInt8]

    public init(status: Int, etag: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.etag = etag
        self.body = body
    }
}
