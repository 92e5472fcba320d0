internal import HTTP2
internal import NIOCore

/// The one route of the listener for monitors.
struct MetricsHandler: RequestHandler {
    let observer: NodeObserver

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        guard request.path == "/metrics" else { return ProblemDocument.noSuchRoute.response() }
        guard request.method == "GET" || request.method == "HEAD" else {
            return ProblemDocument.methodNotAllowed.response(["allow": "GET, HEAD"])
        }
        return .run { _, writer in
            let text = observer.node.metrics.text(await observer.observe())
            let body = ByteBuffer(string: text)
            let head = ResponseHead(
                status: 200,
                fields: [
                    "content-type": PrometheusText.contentType, "cache-control": "no-store",
                    "content-length": String(body.readableBytes),
                ]
            )
            try await writer.send(head)
            try await writer.write(body)
            try await writer.finish()
        }
    }
}
