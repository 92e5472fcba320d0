import HTTP2
import NIOCore
import Testing
import TestSupport

/// Peers that ask for much and take nothing.
@Suite("Memory of a server", .timeLimit(.minutes(2)))
struct MemoryAttackTests {
    private static let large: [UInt8] = [0x82, 0x86, 0x44, 6] + Array("/large".utf8) + [0x41, 1, 0x78]
    private static let alone: [UInt8] = [0x82, 0x86, 0x44, 6] + Array("/alone".utf8) + [0x41, 1, 0x78]

    @Test("What all streams hold together counts once: nobody is refused")
    func sharedBody() async throws {
        var configuration = ServerConfiguration()
        configuration.maxMemory = 16_000_000
        try await withSiege(configuration) { siege in
            var peers: [RawPeer] = []
            for _ in 0..<5 {
                let peer = try await siege.attacker()
                let requests = (0..<50).flatMap { Frame.headers(Self.large, stream: UInt32($0 * 2 + 1)) }
                try await peer.send(Frame.settings(id: 4, 10) + requests + Frame.ping(1))
                #expect(try await eventually { Observed(peer).isPingAnswered(1) })
                #expect(Observed(peer).resetCodes == [])
                peers.append(peer)
            }
            #expect(siege.log.count(.memory) == 0)
            for peer in peers { await peer.close() }
        }
    }

    @Test("A connection that holds its share has its requests refused; others are served")
    func share() async throws {
        var configuration = ServerConfiguration()
        configuration.maxMemory = 16_000_000
        try await withSiege(configuration) { siege in
            let peer = try await siege.attacker()
            try await peer.send(Frame.settings(id: 4, 0))
            for stream in stride(from: UInt32(1), to: 40, by: 2) {
                try await peer.send(Frame.headers(Self.alone, stream: stream))
                try await peer.send(Frame.ping(stream))
                #expect(try await eventually { Observed(peer).isPingAnswered(stream) })
            }
            let refused = Frame.parse(peer.received).filter { $0.type == 3 && $0.payload == [0, 0, 0, 7] }
            // Two megabytes are its share.
            #expect(refused.map(\.stream) == Array(stride(from: 5, to: 40, by: 2)))
            try await siege.expect(.memory)
            #expect(!peer.isClosed)
            await peer.close()
        }
    }

    @Test("When many connections hold too much, those that take nothing are ended and the server goes on")
    func everything() async throws {
        var configuration = ServerConfiguration()
        configuration.maxMemory = 8_000_000
        let log = LimitLog()
        configuration.onLimit = { log.note($0) }
        try await withServer(configuration, answer: Siege.answer) { server, port in
            var peers: [RawPeer] = []
            for _ in 0..<20 {
                let peer = try await RawPeer.connect(to: port)
                try await peer.send(Frame.preface + Frame.settings(id: 4, 0) + Frame.headers(Self.alone))
                peers.append(peer)
            }
            #expect(try await eventually { log.count(.memory) > 0 })
            #expect(try await eventually { peers.contains { $0.isClosed } })
            let told = peers.filter { $0.isClosed }.map(\.goAwayCodes)
            #expect(told.allSatisfy { $0 == [11] })
            try await withConnection(to: port) { connection in
                let isServed = try await eventually {
                    (try? await connection.get("/", maxBody: 10))?.0.status == 200
                }
                #expect(isServed)
            }
            for peer in peers { await peer.close() }
        }
    }

    @Test("A full server refuses what it has not begun: 503 with a problem document, or REFUSED_STREAM")
    func full() async throws {
        var configuration = ServerConfiguration()
        configuration.maxMemory = 0
        try await withServer(configuration, answer: Siege.answer) { _, port in
            let old = try await RawPeer.connect(to: port)
            try await old.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            try await old.expect("HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n")
            try await old.expect(#""status":503"#)
            try await old.expectClosed()
            try await withConnection(to: port) { connection in
                // As often as it likes: this is no fault of the client.
                for _ in 0..<150 {
                    await #expect(throws: HTTPError(.refused, "")) {
                        _ = try await connection.get("/", maxBody: 10)
                    }
                }
                #expect(connection.isOpen)
            }
        }
    }

    private static let huge = ByteBuffer(repeating: 1, count: 16_000_000)

    @Test(
        "A connection that holds too much while it says so is ended, and the server goes on",
        arguments: ["http/1.1", "h2"],
        [false, true]
    )
    func alone(version: String, tls: Bool) async throws {
        var configuration = ServerConfiguration()
        configuration.maxMemory = 4_000_000
        let log = LimitLog()
        configuration.onLimit = { log.note($0) }
        let handler = ClosureHandler { _ in .respond(ResponseHead(status: 200), Self.huge) }
        let server = try await HTTPServer.bind(
            .tcp("127.0.0.1", 0),
            configuration: configuration,
            group: loops,
            logger: quietLogger,
            tls: tls ? TLSServer(TestCertificate().identity) : nil,
            handler: handler
        )
        let port = try #require(server.localAddress.port)
        for round in 1...3 {
            let peer = try await RawPeer.connect(to: port, reads: false, receiveBuffer: 8192, tls: tls ? version : nil)
            if version == "h2" {
                let windows = Frame.settings(id: 4, 0x7FFF_FFFF) + Frame.windowUpdate(stream: 0, 0x7FFF_0000)
                peer.sendSoon(Frame.preface + windows + Frame.headers(Self.large))
            } else {
                peer.sendSoon(Array("GET /large HTTP/1.1\r\nhost: x\r\n\r\n".utf8))
            }
            #expect(try await eventually { log.count(.memory) >= round && server.connectionCount == 0 })
            await peer.close()
        }
        try await server.shutdown(grace: .zero)
    }
}
