import HTTP2
import NIOCore
import TestSupport
import Testing

/// Has one path at hand, and says of every request how it was answered.
private struct PreparedHandler: RequestHandler {
    static let path = Array("/ready".utf8)
    static let tag = Array("\"tag\"".utf8)

    let whole = PreparedHead(
        ResponseHead(status: 200, fields: ["content-type": "text/odd", "x-by": "prepared", "etag": "\"tag\""]),
        bodyBytes: 5
    )
    let unchanged = PreparedHead(ResponseHead(status: 304, fields: ["etag": "\"tag\""]))

    func prepared(path: Span<UInt8>, ifNoneMatch: Span<UInt8>) -> PreparedResponse? {
        guard bytes(path) == PreparedHandler.path else { return nil }
        let freshness = Freshness(maxAge: 77, isImmutable: true)
        if bytes(ifNoneMatch) == PreparedHandler.tag { return PreparedResponse(unchanged, freshness) }
        return ifNoneMatch.isEmpty ? PreparedResponse(whole, freshness, ByteBuffer(string: "ready")) : nil
    }

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        let answer = prepared(path: Array(request.path.utf8).span, ifNoneMatch: [UInt8]().span)
        if let answer, request.fields["if-none-match"] == nil { return answer.handling }
        return .respond(ResponseHead(status: 200, fields: ["x-by": "hand"]), ByteBuffer(string: request.path))
    }

    private func bytes(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }
}

@Suite("Answers at hand", .timeLimit(.minutes(1)))
struct PreparedResponseTests {
    private func withPrepared(_ body: (HTTPConnection, Int) async throws -> Void) async throws {
        let server = try await HTTPServer.bind(
            .tcp("127.0.0.1", 0),
            group: loops,
            logger: quietLogger,
            handler: PreparedHandler()
        )
        let port = try #require(server.localAddress.port)
        try await withConnection(to: port) { try await body($0, port) }
        try await server.shutdown(grace: .milliseconds(500))
    }

    @Test("They are complete, and the same by both ways")
    func complete() async throws {
        try await withPrepared { connection, port in
            for method in ["GET", "HEAD"] {
                let request = RequestHead(method: method, path: "/ready")
                let (head, body) = try await connection.send(request, body: nil, maxBody: 100)
                #expect(head.status == 200)
                #expect(head.fields["x-by"] == "prepared" && head.fields["content-type"] == "text/odd")
                #expect(head.fields["content-length"] == "5" && head.fields["etag"] == "\"tag\"")
                #expect(head.fields["cache-control"] == "public, max-age=77, immutable")
                #expect(String(buffer: body) == (method == "GET" ? "ready" : ""))
            }
            let peer = try await RawPeer.connect(to: port)
            try await peer.send("GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")
            try await peer.expect("cache-control: public, max-age=77, immutable")
            await peer.close()
        }
    }

    @Test("Tags: the one at hand, others, several; and a request with a body")
    func tags() async throws {
        try await withPrepared { connection, _ in
            func ask(_ tags: String...) async throws -> ResponseHead {
                var fields: HTTPFields = [:]
                for tag in tags { fields.append("if-none-match", tag) }
                return try await connection.get("/ready", fields: fields, maxBody: 100).0
            }
            let unchanged = try await ask("\"tag\"")
            #expect(unchanged.status == 304 && unchanged.fields["content-length"] == nil)
            #expect(unchanged.fields["cache-control"] == "public, max-age=77, immutable")
            #expect(try await ask().fields["x-by"] == "prepared")
            #expect(try await ask("\"other\"").fields["x-by"] == "hand")
            #expect(try await ask("\"tag\"", "\"tag\"").fields["x-by"] == "hand")
            let post = RequestHead(method: "POST", path: "/other")
            let (head, body) = try await connection.send(post, body: ByteBuffer(string: "x"), maxBody: 100)
            #expect(head.fields["x-by"] == "hand" && String(buffer: body) == "/other")
        }
    }

    @Test("Many at a time on one connection, with bodies of any size")
    func many() async throws {
        try await withPrepared { connection, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        let path = number % 3 == 0 ? "/ready" : "/\(number)"
                        let (_, body) = try await connection.get(path, maxBody: 100)
                        #expect(String(buffer: body) == (number % 3 == 0 ? "ready" : path))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A head that may not be sent is a bare 500")
    func invalid() {
        let head = PreparedHead(ResponseHead(status: 200, fields: ["x": "a\r\nb"]), bodyBytes: 3).head
        #expect(head.status == 500 && head.fields["x"] == nil)
    }

    @Test("Ages are written as they read")
    func ages() {
        var random = SplitMix64(seed: 9)
        var ages: [Int64] = [0, 9, 10, 99, 100, 1_296_000, .max, .min, -1]
        for bits in 1..<63 { ages.append(Int64(random.next() >> UInt64(bits))) }
        for age in ages {
            for isImmutable in [false, true] {
                let freshness = Freshness(maxAge: age, isImmutable: isImmutable)
                let text = String(unsafeUninitializedCapacity: Freshness.maximumBytes) { freshness.write(to: $0) }
                #expect(text == freshness.description)
                #expect(text == "public, max-age=\(max(0, age))" + (isImmutable ? ", immutable" : ""))
            }
        }
    }
}
