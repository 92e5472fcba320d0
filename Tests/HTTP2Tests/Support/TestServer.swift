import HTTP2
import Logging
import NIOCore
import NIOPosix
import TestSupport

/// Answers by a closure.
struct ClosureHandler: RequestHandler {
    let answer: @Sendable (RequestHead) -> RequestHandling

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        answer(request)
    }
}

let loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A server on a free port of 127.0.0.1, for the time of `body`.
func withServer<Result>(
    _ configuration: ServerConfiguration = ServerConfiguration(),
    answer: @escaping @Sendable (RequestHead) -> RequestHandling,
    _ body: (HTTPServer, Int) async throws -> Result
) async throws -> Result {
    let server = try await HTTPServer.bind(
        .tcp("127.0.0.1", 0),
        configuration: configuration,
        group: loops,
        logger: quietLogger,
        handler: ClosureHandler(answer: answer)
    )
    let result: Result
    do {
        guard let port = server.localAddress.port else { throw TestFailure("the server has no port") }
        result = try await body(server, port)
    } catch {
        try await server.shutdown(grace: .zero)
        throw error
    }
    try await server.shutdown(grace: .milliseconds(500))
    return result
}

/// A client connection to a port of 127.0.0.1, for the time of `body`.
func withConnection<Result>(
    to port: Int,
    _ configuration: ClientConfiguration = ClientConfiguration(),
    _ body: (HTTPConnection) async throws -> Result
) async throws -> Result {
    let connection = try await HTTPConnection.connect(
        to: .tcp("127.0.0.1", port),
        configuration: configuration,
        group: loops,
        logger: quietLogger
    )
    do {
        let result = try await body(connection)
        await connection.close()
        return result
    } catch {
        await connection.close()
        throw error
    }
}

/// Bytes that show when they are out of order: a counter modulo a prime.
func pattern(_ count: Int) -> ByteBuffer {
    ByteBuffer(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) })
}

/// Waits until `condition` holds, at most five seconds: what is waited for here takes milliseconds.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    try await TestSupport.eventually(seconds: 5, condition)
}
