import HTTP2
import NIOCore
import Testing
import TestSupport

/// Servers that mean no good.
@Suite("Attacks on a client", .timeLimit(.minutes(2)))
struct ClientAttackTests {
    /// Lets a client ask `/` of a server that sends `begin` and then `round` again and again.
    /// - Returns: what the request failed with.
    private static func attack(
        _ begin: [UInt8],
        _ round: [UInt8],
        _ configuration: ClientConfiguration = ClientConfiguration()
    ) async throws -> (HTTPError, LimitLog) {
        let (log, outcome) = (LimitLog(), Failure())
        var configuration = configuration
        configuration.onLimit = { log.note($0) }
        try await ScriptedServer.withScript({ peer in
            try await peer.send(Frame.settings + begin)
            for _ in 0..<1000 where !peer.isClosed {
                try? await peer.send(round)
            }
            try await peer.expectClosed()
        }) { port in
            try await withConnection(to: port, configuration) { connection in
                do {
                    _ = try await connection.get("/", maxBody: 10)
                } catch {
                    outcome.set(error)
                }
                await connection.waitUntilClosed()
            }
        }
        return (try #require(outcome.error as? HTTPError), log)
    }

    private static func many(_ frame: [UInt8]) -> [UInt8] { Array(repeatElement(frame, count: 100).joined()) }

    private static let informational = Frame.headers(Block.literal(":status", "103"), isEnd: false)
    private static let openBlock = Frame.make(type: 1, flags: 0, stream: 1, [0x88])

    static let floods: [(TransportLimit, begin: [UInt8], frame: [UInt8])] = [
        (.pings, [], Frame.ping(1)),
        (.settings, [], Frame.settings(id: 4, 1)),
        (.informational, [], informational),
        (.continuations, openBlock, Frame.continuation(Block.literal("a", "b"), isEnd: false)),
        (.emptyFrames, Frame.headers([0x88], isEnd: false), Frame.data(stream: 1, [])),
        (.windowUpdates, [], Frame.windowUpdate(stream: 0, 1)),
        (.priorities, [], Frame.make(type: 2, flags: 0, stream: 1, [0, 0, 0, 3, 9])),
        (.unknownFrames, [], Frame.make(type: 0xFA, flags: 0, stream: 0, [])),
    ]

    @Test("A server that floods its client loses it; the request fails", arguments: floods.indices)
    func flood(index: Int) async throws {
        let (limit, begin, frame) = Self.floods[index]
        let (error, log) = try await Self.attack(begin, Self.many(frame))
        #expect(log.limits == [limit])
        #expect([.protocolViolation, .connectionClosed].contains(error.code), "\(error)")
    }

    @Test("A head that does not become complete ends the connection")
    func slowHead() async throws {
        var configuration = ClientConfiguration()
        configuration.headerTimeout = .milliseconds(300)
        let (error, log) = try await Self.attack(Self.openBlock, [], configuration)
        #expect(log.limits == [.headerTime])
        #expect([.protocolViolation, .connectionClosed].contains(error.code), "\(error)")
    }

    @Test("A body without end: the client takes as much as it allowed, and resets the stream")
    func endlessBody() async throws {
        try await ScriptedServer.withScript({ peer in
            // Larger windows hold once their settings are acknowledged.
            try await peer.send(Frame.settings + Frame.settingsAck + Frame.headers([0x88], isEnd: false))
            for _ in 0..<60 where Observed(peer).resetCodes.isEmpty {
                try await peer.send(Frame.data(stream: 1, [UInt8](repeating: 1, count: 16_384)))
            }
            guard try await eventually({ Observed(peer).resetCodes.first == 8 }) else {
                throw TestFailure("no RST_STREAM with CANCEL, but \(Observed(peer).frames.map(\.type))")
            }
        }) { port in
            try await withConnection(to: port) { connection in
                await #expect(throws: HTTPError(.bodyTooLarge, "")) {
                    _ = try await connection.get("/", maxBody: 100_000)
                }
                #expect(connection.isOpen)
                // Until the server has seen the reset.
                await connection.waitUntilClosed()
            }
        }
    }
}
