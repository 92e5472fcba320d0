internal import ExposureKeys
internal import Foundation
internal import HTTP2
internal import NIOCore

/// An error as every route answers it: RFC 9457, `application/problem+json`.
struct ProblemDocument: Encodable {
    /// `urn:keytide:problem:` and a name that clients may rely on.
    let type: String
    let title: String
    let status: Int
    /// What this request met and what to do.
    let detail: String

    init(_ name: String, status: Int, title: String, detail: String) {
        type = "urn:keytide:problem:\(name)"
        self.title = title
        self.status = status
        self.detail = detail
    }

    var body: ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Four strings and numbers always encode.
        return ByteBuffer(bytes: (try? encoder.encode(self)) ?? Data())
    }

    /// The complete answer; errors of a request are kept by caches for a few seconds at most, those of the node
    /// never.
    func response(_ extra: HTTPFields = [:]) -> RequestHandling {
        .respond(head(extra), body)
    }

    func head(_ extra: HTTPFields = [:]) -> ResponseHead {
        var fields: HTTPFields = [
            "content-type": "application/problem+json", "cache-control": status < 500 ? "max-age=5" : "no-store",
        ]
        for (name, value) in extra { fields.append(name, value) }
        return ResponseHead(status: status, fields: fields)
    }

    /// Answers with this document from a request's task.
    func send(_ writer: ResponseWriter, _ extra: HTTPFields = [:]) async throws {
        let body = body
        var head = head(extra)
        head.fields["content-length"] = String(body.readableBytes)
        try await writer.send(head)
        try await writer.write(body)
        try await writer.finish()
    }

    static let noSuchRoute = ProblemDocument(
        "no-such-route",
        status: 404,
        title: "No such route",
        detail: "The path is none of this node's routes; docs/HTTP-API.md lists them."
    )

    static let methodNotAllowed = ProblemDocument(
        "method-not-allowed",
        status: 405,
        title: "Method not allowed",
        detail: "The field 'allow' names the methods of this route."
    )

    static let linkNeedsPost = ProblemDocument(
        "method-not-allowed",
        status: 405,
        title: "Method not allowed",
        detail: "This route takes POST only, and the request's body is one side of a link."
    )

    static let unknownPeer = ProblemDocument(
        "unknown-peer",
        status: 403,
        title: "Unknown peer",
        detail: "The roster names no certificate by which this connection may carry a link."
    )

    static let tooManyLinks = ProblemDocument(
        "too-many-links",
        status: 503,
        title: "Too many links",
        detail: "This node has as many links as it takes, or is stopping. Try again later."
    )

    static let busy = ProblemDocument(
        "busy",
        status: 503,
        title: "Busy",
        detail: "This node is reading as many ranges as it can hold. Try again in a second, or another node."
    )

    static func unknownRegion(_ region: String) -> ProblemDocument {
        ProblemDocument(
            "unknown-region",
            status: 404,
            title: "Unknown region",
            detail: "This node holds no feed of \(region); GET /v1/index lists those it holds."
        )
    }

    static func unknownFeed(_ feed: String) -> ProblemDocument {
        ProblemDocument(
            "unknown-feed",
            status: 404,
            title: "Unknown feed",
            detail: "This node does not hold the feed \(feed); GET /v1/index lists those it holds."
        )
    }

    static func noIndexHeld(_ region: String) -> ProblemDocument {
        ProblemDocument(
            "no-index-held",
            status: 404,
            title: "No index held",
            detail: "This node holds no index of \(region): the two have had no link since this node started."
        )
    }

    static func beyondEnd(_ feed: String, count: UInt64) -> ProblemDocument {
        ProblemDocument(
            "beyond-end",
            status: 404,
            title: "Beyond the end",
            detail: "The feed \(feed) has \(count.counted("batch")) here; ask for ranges that end there or before."
        )
    }

    static func gone(_ feed: String, first: UInt64) -> ProblemDocument {
        ProblemDocument(
            "gone",
            status: 410,
            title: "Gone",
            detail: "Batches of \(feed) below \(first) are not here: they are older than 15 days and were dropped "
                + "everywhere, or have yet to come from other nodes."
        )
    }

    /// What `damaged` calls itself.
    static let damagedType = "urn:keytide:problem:damaged"

    static func damaged(_ feed: String) -> ProblemDocument {
        ProblemDocument(
            "damaged",
            status: 503,
            title: "Damaged",
            detail:
                "Batches of \(feed) in this range are damaged or lacking here and being fetched. Try another node, or later."
        )
    }

    static func unknownPart(_ hash: String) -> ProblemDocument {
        ProblemDocument(
            "unknown-part",
            status: 404,
            title: "Unknown part",
            detail: "The part \(hash) belongs to no index that is served here now; get the index again."
        )
    }

    static let storeFailed = ProblemDocument(
        "store-failed",
        status: 503,
        title: "Store failed",
        detail: "The node could not read its store; its status says why. Try another node."
    )
}
