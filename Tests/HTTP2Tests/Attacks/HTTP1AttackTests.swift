import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("Attacks in HTTP/1.1", .timeLimit(.minutes(2)))
struct HTTP1AttackTests {
    private static let problem = "content-type: application/problem+json\r\ncache-control: no-store\r\n"

    @Test(
        "Heads beyond the limit are answered 431 with a problem document, and an end",
        arguments: [
            "GET /" + String(repeating: "a", count: 20_000) + " HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nlong: " + String(repeating: "a", count: 20_000) + "\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n" + String(repeating: "many: fields\r\n", count: 2000) + "\r\n",
        ]
    )
    func largeHeads(text: String) async throws {
        try await withSiege { siege in
            let peer = try await RawPeer.connect(to: siege.port)
            try await peer.send(text)
            try await peer.expect("HTTP/1.1 431 Request Header Fields Too Large\r\n" + Self.problem)
            try await peer.expect(#""status":431"#)
            try await peer.expectClosed()
            try await siege.expect(.headerList)
        }
    }

    @Test("Trailers beyond the limit end the connection")
    func largeTrailers() async throws {
        try await withSiege { siege in
            let peer = try await RawPeer.connect(to: siege.port)
            try await peer.send(
                "POST /collect HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
            )
            try? await peer.send(String(repeating: "trailer: one more\r\n", count: 2000))
            try await peer.expectClosed()
        }
    }

    @Test(
        "A head that comes byte by byte has its time, and no more",
        arguments: ["", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"]
    )
    func slowHead(before: String) async throws {
        var configuration = ServerConfiguration()
        configuration.headerTimeout = .milliseconds(300)
        try await withSiege(configuration) { siege in
            let peer = try await RawPeer.connect(to: siege.port)
            try await peer.send(before)
            for byte in ("GET / HTTP/1.1\r\nfield: " + String(repeating: "a", count: 200)).utf8 where !peer.isClosed {
                try? await peer.send([byte])
                try await Task.sleep(for: .milliseconds(20))
            }
            try await peer.expectClosed()
            try await siege.expect(.headerTime)
        }
    }

    @Test("Chunk extensions without end, and chunks that are mostly extension, end the connection")
    func chunkExtensions() async throws {
        for round in [String(repeating: "x", count: 1000), "1;" + String(repeating: "x", count: 1000) + "\r\na\r\n"] {
            try await withSiege { siege in
                let peer = try await RawPeer.connect(to: siege.port)
                let isOne = !round.hasPrefix("1")
                try await peer.send("POST /collect HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
                try await peer.send(isOne ? "1;" : "")
                for _ in 0..<2000 where !peer.isClosed {
                    try? await peer.send(round)
                }
                try await peer.expectClosed()
                try await siege.expect(.framing)
            }
        }
    }

    @Test("Requests sent ahead by a peer that takes no answers make the server hold few of them")
    func pipelining() async throws {
        var configuration = ServerConfiguration()
        configuration.stallTimeout = .seconds(1)
        try await withSiege(configuration) { siege in
            let peer = try await RawPeer.connect(to: siege.port, reads: false)
            peer.sendSoon(Array(String(repeating: "GET /large HTTP/1.1\r\nhost: x\r\n\r\n", count: 3000).utf8))
            #expect(try await eventually { siege.log.count(.progress) == 1 })
            #expect(try await eventually { siege.server.connectionCount == 1 })
            await peer.close()
        }
    }

    @Test("Requests sent ahead in one piece are not answered ahead", arguments: [false, true])
    func pipeliningAtOnce(tls: Bool) async throws {
        let begun = Counter()
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            begun.add(1)
            return .respond(ResponseHead(status: 200), Self.megabyte)
        }
        try await Self.withServer(tls: tls, answer) { port in
            let peer = try await RawPeer.connect(
                to: port,
                reads: false,
                receiveBuffer: 8192,
                tls: tls ? "http/1.1" : nil
            )
            // One TLS record, and one read.
            peer.sendSoon(Array(String(repeating: "GET / HTTP/1.1\r\nhost: x\r\n\r\n", count: 400).utf8))
            #expect(try await eventually { begun.value > 0 })
            try await Task.sleep(for: .milliseconds(500))
            // As many as the kernel holds.
            #expect(begun.value < 40)
            await peer.close()
        }
    }

    @Test("Large answers to requests sent ahead come whole and in their order", arguments: [false, true])
    func largeAnswersInOrder(tls: Bool) async throws {
        let bodies = (0..<20).map { Self.megabyte.getSlice(at: $0 * 7, length: 60_000 + $0 * 5_000) ?? ByteBuffer() }
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            let number = Int(request.path.dropFirst()) ?? 0
            guard number % 2 == 0 else { return .respond(ResponseHead(status: 200), bodies[number]) }
            return .run { _, response in
                let fields: HTTPFields = ["content-length": "\(bodies[number].readableBytes)"]
                try await response.send(ResponseHead(status: 200, fields: fields))
                try await response.write(bodies[number])
                try await response.finish()
            }
        }
        var expected = ByteBuffer()
        for body in bodies {
            expected.writeString("HTTP/1.1 200 OK\r\ncontent-length: \(body.readableBytes)\r\n\r\n")
            expected.writeImmutableBuffer(body)
        }
        try await Self.withServer(tls: tls, answer) { port in
            let peer = try await RawPeer.connect(to: port, tls: tls ? "http/1.1" : nil)
            let requests = bodies.indices.map { "GET /\($0) HTTP/1.1\r\nhost: x\r\n\r\n" }
            try await peer.send(requests.joined())
            #expect(try await eventually { peer.received.readableBytes >= expected.readableBytes })
            #expect(peer.received == expected)
            await peer.close()
        }
    }

    private static let megabyte = pattern(1_000_000)

    private static func withServer(
        tls: Bool,
        _ answer: @escaping @Sendable (RequestHead) -> RequestHandling,
        _ body: (Int) async throws -> Void
    ) async throws {
        if tls {
            let server = try TLSServer(TestCertificate().identity)
            try await withTLSServer(server, handler: ClosureHandler(answer: answer)) { _, port in try await body(port) }
        } else {
            try await HTTP2Tests.withServer(answer: answer) { _, port in try await body(port) }
        }
    }

    @Test("What is no HTTP is answered 400 with a problem document")
    func badRequest() async throws {
        try await withSiege { siege in
            let peer = try await RawPeer.connect(to: siege.port)
            try await peer.send("GET / HTTP/1.1\r\n\r\n")
            try await peer.expect("HTTP/1.1 400 Bad Request\r\n" + Self.problem)
            try await peer.expect(#"{"detail":"The request is not valid HTTP.","status":400,"#)
            try await peer.expectClosed()
        }
    }
}
