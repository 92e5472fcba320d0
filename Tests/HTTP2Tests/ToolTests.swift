import Foundation
import HTTP2
import NIOCore
import Testing
import TestSupport

/// Our server against other people's clients, and our client against another server.
@Suite("Other implementations", .timeLimit(.minutes(1)))
struct ToolTests {
    /// Answers `/N` with N bytes of the pattern; a POST with the count of bytes it brought.
    private static let answer: @Sendable (RequestHead) -> RequestHandling = { request in
        if request.method == "POST" {
            return .run { body, response in
                var count = 0
                for try await piece in body {
                    count += piece.readableBytes
                }
                try await response.send(ResponseHead(status: 200))
                try await response.write(ByteBuffer(string: "\(count)"))
                try await response.finish()
            }
        }
        let count = Int(request.path.dropFirst()) ?? 0
        return .respond(ResponseHead(status: 200, fields: ["etag": "\"x\""]), pattern(count))
    }

    @Test("nghttp gets a megabyte", arguments: [1_048_576])
    func nghttpGet(count: Int) async throws {
        try await withServer(answer: Self.answer) { _, port in
            let output = try await Tool("nghttp").run(["http://127.0.0.1:\(port)/\(count)"])
            #expect(output.status == 0)
            #expect(ByteBuffer(bytes: output.standardOutput) == pattern(count))
        }
    }

    @Test("nghttp gets many resources over one connection and leaves no stream open")
    func nghttpMany() async throws {
        try await withServer(answer: Self.answer) { server, port in
            let output = try await Tool("nghttp").run(["-nv", "-m", "200", "http://127.0.0.1:\(port)/1000"])
            #expect(output.status == 0)
            #expect(output.text.components(separatedBy: ":status: 200").count == 201)
            #expect(!output.text.contains("RST_STREAM"))
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("nghttp uploads five megabytes through flow control")
    func nghttpUpload() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let file = try folder.file("body", Data(repeating: 7, count: 5_000_000))
        try await withServer(answer: Self.answer) { _, port in
            let output = try await Tool("nghttp").run(["-d", file.path, "http://127.0.0.1:\(port)/"])
            #expect(output.status == 0)
            #expect(output.text == "5000000")
        }
    }

    @Test("h2load: all requests succeed", arguments: [("20000", "4", "32", "200"), ("2000", "2", "100", "1048576")])
    func h2load(requests: String, clients: String, streams: String, bytes: String) async throws {
        let body = pattern(Int(bytes) ?? 0)
        try await withServer(answer: { _ in .respond(ResponseHead(status: 200), body) }) { _, port in
            let arguments = ["-n", requests, "-c", clients, "-m", streams, "http://127.0.0.1:\(port)/x"]
            let output = try await Tool("h2load").run(arguments, seconds: 50)
            #expect(output.text.contains("\(requests) succeeded, 0 failed, 0 errored, 0 timeout"), "\(output.text)")
        }
    }

    @Test("h2load uploads through tasks: every request is answered")
    func h2loadUpload() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let file = try folder.file("body", Data(repeating: 7, count: 100_000))
        try await withServer(answer: Self.answer) { _, port in
            let arguments = ["-n", "1000", "-c", "4", "-m", "20", "-d", file.path, "http://127.0.0.1:\(port)/"]
            let output = try await Tool("h2load").run(arguments, seconds: 50)
            #expect(output.text.contains("1000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(output.text)")
        }
    }

    @Test("curl gets and uploads", arguments: ["--http2-prior-knowledge", "--http1.1", "--http1.0"])
    func curl(version: String) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let file = try folder.file("body", Data(repeating: 7, count: 3_000_000))
        try await withServer(answer: Self.answer) { _, port in
            let base = "http://127.0.0.1:\(port)"
            let curl = try Tool("curl")
            let got = try await curl.run(["-sS", version, "\(base)/1048576"])
            #expect(got.status == 0, "\(got.standardError)")
            #expect(ByteBuffer(bytes: got.standardOutput) == pattern(1_048_576))
            let put = try await curl.run(["-sS", version, "--data-binary", "@\(file.path)", "\(base)/"])
            #expect(put.text == "3000000", "\(put.standardError)")
        }
    }

    @Test("curl asks for the head only", arguments: ["--http2-prior-knowledge", "--http1.1"])
    func curlHead(version: String) async throws {
        try await withServer(answer: Self.answer) { _, port in
            let output = try await Tool("curl").run(["-sS", "-I", version, "http://127.0.0.1:\(port)/1234"])
            #expect(output.status == 0, "\(output.standardError)")
            #expect(output.text.contains("content-length: 1234\r\n"))
            #expect(!output.text.lowercased().contains("server:"))
        }
    }

    @Test("curl reuses an HTTP/1.1 connection, with bodies of unknown length")
    func curlKeepAlive() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let file = try folder.file("body", Data(repeating: 7, count: 200_000))
        try await withServer(answer: Self.answer) { server, port in
            let url = "http://127.0.0.1:\(port)/"
            let one = ["-sS", "--http1.1", "-H", "Transfer-Encoding: chunked", "--data-binary", "@\(file.path)", url]
            let output = try await Tool("curl").run(["-v"] + one + ["--next"] + one)
            #expect(output.text == "200000200000", "\(output.standardError)")
            #expect(output.standardError.contains("Re-using existing connection"))
        }
    }

    @Test("Our client gets from nghttpd, many requests at once")
    func nghttpd() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let content = pattern(1_048_576)
        try folder.file("big", Data(content.readableBytesView))
        try folder.file("small", Data("tiny".utf8))
        let port = try freePort()
        let server = try Tool("nghttpd").start(["-d", folder.url.path, "--no-tls", "-a", "127.0.0.1", "\(port)"])
        defer { server.stop() }
        let connection = try await connectWhenListening(to: port)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<150 {
                group.addTask {
                    let path = number % 10 == 0 ? "/big" : "/small"
                    let (head, body) = try await connection.get(path, maxBody: 2_000_000)
                    return head.status == 200 && body == (number % 10 == 0 ? content : ByteBuffer(string: "tiny"))
                }
            }
            for try await isRight in group {
                #expect(isRight)
            }
        }
        let (missing, _) = try await connection.get("/missing", maxBody: 10_000)
        #expect(missing.status == 404)
        await connection.close()
        #expect(!connection.isOpen)
    }

    @Test("Our client's upload to nghttpd comes back")
    func nghttpdEcho() async throws {
        let port = try freePort()
        let arguments = ["--no-tls", "-a", "127.0.0.1", "--echo-upload", "\(port)"]
        let server = try Tool("nghttpd").start(arguments)
        defer { server.stop() }
        let connection = try await connectWhenListening(to: port)
        let content = pattern(1_000_000)
        let head = RequestHead(method: "POST", path: "/")
        let (response, body) = try await connection.send(head, body: content, maxBody: 2_000_000)
        #expect(response.status == 200)
        #expect(body == content)
        await connection.close()
    }

    private func connectWhenListening(to port: Int) async throws -> HTTPConnection {
        var connection: HTTPConnection?
        _ = try await eventually {
            connection = try? await HTTPConnection.connect(
                to: .tcp("127.0.0.1", port),
                group: loops,
                logger: quietLogger
            )
            return connection != nil
        }
        guard let connection else { throw TestFailure("nghttpd does not listen") }
        return connection
    }
}
