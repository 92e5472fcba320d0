import HTTP2
import NIOCore
import Testing

@Suite("Server and client together", .timeLimit(.minutes(1)))
struct HTTPServerTests {
    @Test("A whole response arrives with its fields, its length and its bytes")
    func wholeResponse() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            .respond(
                ResponseHead(status: 200, fields: ["x-path": request.path, "x-authority": request.authority]),
                ByteBuffer(string: "hello")
            )
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let (head, body) = try await connection.get("/a?b=c", maxBody: 100)
                #expect(head.status == 200)
                #expect(head.fields["X-Path"] == "/a?b=c")
                #expect(head.fields["x-authority"] == "127.0.0.1:\(port)")
                #expect(head.fields["content-length"] == "5")
                #expect(String(buffer: body) == "hello")
                #expect(connection.isOpen)
                #expect(connection.bytesReceived > 5)
                #expect(connection.bytesSent > 24)
            }
        }
    }

    @Test("Bodies from one byte to megabytes arrive unchanged", arguments: [1, 16_375, 16_376, 65_536, 3_000_000])
    func bodySizes(count: Int) async throws {
        let whole = pattern(count)
        try await withServer(answer: { _ in .respond(ResponseHead(status: 200), whole) }) { _, port in
            try await withConnection(to: port) { connection in
                let (_, body) = try await connection.get("/", maxBody: count)
                #expect(body == whole)
            }
        }
    }

    @Test("An uploaded body of megabytes comes back from a task that streams it")
    func echo() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, response in
                try await response.send(ResponseHead(status: 200))
                for try await piece in body {
                    try await response.write(piece)
                }
                try await response.finish()
            }
        }
        let whole = pattern(2_500_000)
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let (_, body) = try await connection.send(
                    RequestHead(method: "POST", path: "/"),
                    body: whole,
                    maxBody: whole.readableBytes
                )
                #expect(body == whole)
            }
        }
    }
}
