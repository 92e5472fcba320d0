import HTTP2
import NIOCore
import Synchronization
import Testing
import TestSupport

/// A peer of the client whose frames a test writes.
enum ScriptedServer {
    /// Accepts one connection of a client that makes requests with `request`, waits for its first HEADERS (or for its
    /// preface), sends `begin` and then the frames of the case, and waits for what is expected.
    static func run(
        _ conformanceCase: ConformanceCase,
        begin: [UInt8],
        request: @escaping @Sendable (HTTPConnection) async throws -> Void = { connection in
            _ = try await connection.open(RequestHead(method: "POST", path: "/")).response()
        }
    ) async throws {
        try await withScript({ peer in
            try await peer.send(begin)
            try await conformanceCase.run(against: peer)
        }) { port in
            try await withConnection(to: port) { connection in
                let asking = Task { try? await request(connection) }
                await connection.waitUntilClosed()
                _ = await asking.value
            }
        }
    }

    /// Listens; `script` gets the first connection once it has sent a request. Both must end for this to end.
    static func withScript(
        _ script: @escaping @Sendable (RawPeer) async throws -> Void,
        _ body: (Int) async throws -> Void
    ) async throws {
        let (outcome, result) = (Waiting(), Failure())
        let (listener, port) = try await RawPeer.listen { peer in
            do {
                let isAsked = try await eventually { Frame.parse(peer.received).contains { $0.type == 1 } }
                guard isAsked else { throw TestFailure("the client made no request") }
                try await script(peer)
            } catch {
                result.set(error)
            }
            await peer.close()
            outcome.note("over")
        }
        do {
            try await body(port)
        } catch {
            try await listener.close()
            throw error
        }
        _ = try await outcome.first()
        try await listener.close()
        if let error = result.error { throw error }
    }
}

/// What a script failed with.
final class Failure: Sendable {
    private let kept = Mutex<(any Error)?>(nil)

    func set(_ error: any Error) {
        kept.withLock { $0 = error }
    }

    var error: (any Error)? { kept.withLock { $0 } }
}
