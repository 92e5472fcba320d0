internal import HTTP2
internal import NIOCore

extension PreparedResponse {
    /// The same answer, counted.
    func metered(_ metrics: RequestMetrics, _ route: RouteName) -> PreparedResponse {
        metrics.answered(route, status: head.head.status, bytes: body?.readableBytes ?? 0)
        return self
    }
}

extension RequestHandling {
    /// The same answer, counted: at once if it is at hand, when it has been given if a task gives it.
    func metered(_ metrics: RequestMetrics, _ route: RouteName) -> RequestHandling {
        switch self {
        case .respond(let head, let body):
            metrics.answered(route, status: head.status, bytes: body?.readableBytes ?? 0)
            return self
        case .run(let answer):
            return .run { body, writer in
                let began = ContinuousClock.now
                let result: Result<Void, any Error>
                do {
                    result = .success(try await answer(body, writer))
                } catch {
                    result = .failure(error)
                }
                let outcome = await writer.outcome
                metrics.answered(route, status: outcome.status ?? 500, bytes: outcome.bytes)
                metrics.took(route, .now - began)
                try result.get()
            }
        }
    }
}
