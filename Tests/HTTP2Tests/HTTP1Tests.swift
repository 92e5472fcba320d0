import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("HTTP/1.1", .timeLimit(.minutes(1)))
struct HTTP1Tests {
    private static let answer: @Sendable (RequestHead) -> RequestHandling = { request in
        switch request.path {
        case "/stream":
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                try await response.write(ByteBuffer(string: "one"))
                try await response.write(ByteBuffer(string: "two"))
                try await response.finish()
            }
        case "/count":
            .run { body, response in
                let count = try await body.collect(upTo: 1_000_000).readableBytes
                try await response.send(ResponseHead(status: 200, fields: ["content-length": "\("\(count)".count)"]))
                try await response.write(ByteBuffer(string: "\(count)"))
                try await response.finish()
            }
        case "/same":
            .respond(ResponseHead(status: 304, fields: ["etag": "\"1\""]), ByteBuffer(string: "not to be sent"))
        case "/none":
            .respond(ResponseHead(status: 204), nil)
        case "/short":
            .run { _, response in
                try await response.send(ResponseHead(status: 200, fields: ["content-length": "10"]))
                try await response.write(ByteBuffer(string: "short"))
                try await response.finish()
            }
        case "/fail":
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                try await response.write(ByteBuffer(string: "part"))
                throw TestFailure("the handler fails")
            }
        default:
            .respond(
                ResponseHead(status: 200, fields: ["x-authority": request.authority]),
                ByteBuffer(string: request.path)
            )
        }
    }

    private func withPeer(_ body: (RawPeer) async throws -> Void) async throws {
        try await withServer(answer: Self.answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await body(peer)
            await peer.close()
        }
    }

    @Test("Requests follow each other on one connection")
    func keepAlive() async throws {
        try await withPeer { peer in
            for number in 0..<3 {
                try await peer.send("GET /\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
                try await peer.expect("HTTP/1.1 200 OK\r\nx-authority: x\r\ncontent-length: 2\r\n\r\n/\(number)")
            }
            try await peer.send("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            try await peer.expect("connection: close\r\n\r\n/last")
            try await peer.expectClosed()
        }
    }

    @Test("Requests sent ahead are answered in order, thousands of them")
    func pipelining() async throws {
        try await withPeer { peer in
            let requests = (0..<3000).map { "GET /\($0 % 10 == 0 ? "stream" : "p\($0)") HTTP/1.1\r\nHost: x\r\n\r\n" }
            try await peer.send(requests.joined())
            try await peer.expect("\r\n\r\n/p1HTTP/1.1 200 OK\r\n")
            for number in stride(from: 9, to: 3000, by: 500) {
                try await peer.expect("\r\n\r\n/p\(number)")
            }
            try await peer.expect("\r\n\r\n/p2999")
        }
    }

    @Test("A body in chunks is read, and a streamed response is sent in chunks")
    func chunks() async throws {
        try await withPeer { peer in
            try await peer.send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            try await peer.send("3\r\nyou\r\n0\r\n\r\n")
            try await peer.expect("content-length: 1\r\n\r\n8")
            try await peer.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        }
    }

    @Test("HEAD, 304 and 204 carry no body, and the connection goes on")
    func noBody() async throws {
        try await withPeer { peer in
            try await peer.send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("content-length: 4\r\n\r\n")
            try await peer.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("HTTP/1.1 200 OK\r\n\r\n")
            try await peer.send("GET /same HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n")
            try await peer.send("GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("HTTP/1.1 204 No Content\r\n\r\n")
            #expect(peer.receivedText == "")
        }
    }

    /// Messages of which two readers may think differently where they end.
    private static let doubtfulMessages = [
        "POST /count HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "GET /x HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    ]

    @Test("A message whose end is in doubt is refused, and the connection ends", arguments: doubtfulMessages)
    func faultyFraming(request: String) async throws {
        try await withServer(answer: Self.answer) { server, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(request + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expectClosed()
            let status = peer.receivedText.dropFirst("HTTP/1.".count).dropFirst().prefix(5)
            #expect(status == " 400 ", "\(peer.receivedText)")
            #expect(!peer.receivedText.contains(" 200 "), "\(peer.receivedText)")
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("HTTP/1.0 gets no chunks: the end of the connection ends the body")
    func oldVersion() async throws {
        try await withPeer { peer in
            try await peer.send("GET /stream HTTP/1.0\r\n\r\n")
            try await peer.expect("connection: close\r\n\r\nonetwo")
            try await peer.expectClosed()
        }
    }

    @Test("A peer that asks before it sends a body is told to go on, or is answered at once")
    func expectContinue() async throws {
        try await withPeer { peer in
            let expect = "Host: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            try await peer.send("POST /count HTTP/1.1\r\n" + expect)
            try await peer.expect("HTTP/1.1 100 Continue\r\n\r\n")
            try await peer.send("abc")
            try await peer.expect("content-length: 1\r\n\r\n3")
            try await peer.send("POST /other HTTP/1.1\r\n" + expect)
            try await peer.expect("connection: close\r\n\r\n/other")
            try await peer.expectClosed()
        }
    }

    @Test(
        "Requests that are none are answered 400 and an end",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "what is this\r\n\r\n",
            "GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        ]
    )
    func badRequests(text: String) async throws {
        try await withPeer { peer in
            try await peer.send(text)
            try await peer.expect("HTTP/1.1 400 Bad Request\r\n")
            try await peer.expect("connection: close\r\n")
            try await peer.expectClosed()
        }
    }

    @Test("A target that is a whole URI names the authority")
    func absoluteForm() async throws {
        try await withPeer { peer in
            try await peer.send("GET http://other:1/path?q HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("x-authority: other:1\r\ncontent-length: 7\r\n\r\n/path?q")
        }
    }

    @Test("A body shorter than promised, or cut by a failure, ends the connection so that the peer notices")
    func truncated() async throws {
        try await withPeer { peer in
            try await peer.send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("content-length: 10\r\n\r\nshort")
            try await peer.expectClosed()
        }
        try await withPeer { peer in
            try await peer.send("GET /fail HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.expect("4\r\npart\r\n")
            try await peer.expectClosed()
            #expect(peer.receivedText == "")
        }
    }

    @Test("A peer that disappears in the middle of its body ends the handler")
    func peerDisappears() async throws {
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, _ in
                outcome.note("begun")
                do {
                    _ = try await body.collect(upTo: 1000)
                } catch {
                    outcome.note((error as? HTTPError)?.code.description ?? "\(error)")
                }
            }
        }
        try await withServer(answer: answer) { server, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nfew")
            #expect(try await outcome.first() == "begun")
            await peer.close()
            #expect(try await eventually { outcome.notes.count == 2 })
            #expect(["connectionClosed", "CancellationError()"].contains(outcome.notes.last))
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }
}
