/// Asks the node, charging the ledger, and turns statuses into errors.
struct SyncFetcher: Sendable {
    let transport: any SyncTransport
    let ledger: SyncLedger

    /// - Returns: an answer of status 200, or 304 if an ETag was given.
    /// - Throws: `SyncError`, `CancellationError`.
    func get(_ path: String, ifNoneMatch etag: String? = nil, limit: Int) async throws -> TransportResponse {
        try Task.checkCancellation()
        try await ledger.request()
        let response: TransportResponse
        do {
            response = try await transport.get(path, ifNoneMatch: etag, limit: limit)
        } catch let error as SyncError where error.code == .bodyTooLarge {
            await ledger.received(limit)
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            await ledger.failed()
            throw SyncError(
                .noAnswer,
                "\(transport.node)\(path): no answer (\(error)); check the network and the address, or try another node",
                cause: error
            )
        }
        await ledger.received(response.body.count)
        switch response.status {
        case 200 where response.body.count <= limit: return response
        case 200: throw SyncError(.bodyTooLarge, "\(transport.node)\(path): a body of more than \(limit) bytes")
        case 304 where etag != nil: return response
        case 404:
            throw SyncError(.notFound, "\(transport.node)\(path): the node does not know this; try another node")
        case 410:
            throw SyncError(
                .gone,
                "\(transport.node)\(path): the node has dropped these batches since it wrote its index; sync again"
            )
        case 503 where ServedProblem.isDamaged(response.body):
            throw SyncError(
                .damaged,
                "\(transport.node)\(path): a batch of these is damaged or lacking at the node; what follows is taken, and "
                    + "the batch from a node that has it: sync with another node"
            )
        default:
            throw SyncError(
                .unexpectedStatus,
                "\(transport.node)\(path): status \(response.status); try again later or at another node"
            )
        }
    }
}

/// Paths of the public routes (docs/HTTP-API.md).
enum Route {
    static let roster = "/v1/roster"
    static let index = "/v1/index"
}
