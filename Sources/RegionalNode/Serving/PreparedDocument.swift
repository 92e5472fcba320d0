internal import FeedFormat
internal import HTTP2
internal import NIOCore

/// A document with an entity tag, ready to send whole or as unchanged.
struct PreparedDocument: Sendable {
    let body: ByteBuffer
    /// With its quotation marks.
    let tag: String
    private let tagBytes: [UInt8]
    private let whole: PreparedHead
    private let unchanged: PreparedHead

    /// - Parameter hash: SHA-256 of the body.
    init(_ body: ByteBuffer, hash: Hash256, contentType: String) {
        self.body = body
        tag = "\"\(hash.hexadecimal.prefix(16))\""
        tagBytes = Array(tag.utf8)
        whole = PreparedHead(
            ResponseHead(status: 200, fields: ["content-type": contentType, "etag": tag]),
            bodyBytes: body.readableBytes
        )
        unchanged = PreparedHead(ResponseHead(status: 304, fields: ["etag": tag]))
    }

    /// - Parameter ifNoneMatch: what the request says; empty if nothing.
    /// - Returns: nil if that is neither nothing nor this document's tag, so that it needs a closer look.
    func answer(ifNoneMatch: Span<UInt8>, _ freshness: Freshness) -> PreparedResponse? {
        if ifNoneMatch.isEmpty { return PreparedResponse(whole, freshness, body) }
        return ifNoneMatch.isEqual(to: tagBytes) ? PreparedResponse(unchanged, freshness) : nil
    }
}
