internal import ClientSync

/// One GET that the app is to make.
struct PhoneRequest: Sendable {
    let node: String
    let path: String
    let ifNoneMatch: String?
    let limit: Int

    typealias Asking = @Sendable (PhoneRequest) async -> PhoneAnswer
}

/// What the app made of it.
enum PhoneAnswer: Sendable {
    case response(TransportResponse)
    case tooLarge
    /// No answer came.
    case none
}

/// A transport that has the app make its requests.
struct CallbackTransport: SyncTransport {
    let node: String
    let ask: PhoneRequest.Asking

    func get(_ path: String, ifNoneMatch: String?, limit: Int) async throws -> TransportResponse {
        let request = PhoneRequest(node: node, path: path, ifNoneMatch: ifNoneMatch, limit: limit)
        switch await ask(request) {
        case .response(let response): return response
        case .tooLarge: throw SyncError(.bodyTooLarge, "\(node)\(path): a body of more than \(limit) bytes")
        case .none:
            try Task.checkCancellation()
            throw NoAnswer()
        }
    }

    private struct NoAnswer: Error, CustomStringConvertible {
        var description: String { "the app's callback says so" }
    }
}
