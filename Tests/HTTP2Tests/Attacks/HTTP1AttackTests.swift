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
