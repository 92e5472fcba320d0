import Foundation
import HTTP2
import NIOCore
import Testing
import TestSupport

/// What a peer can make a server hold or wait for is bounded.
@Suite("Limits", .timeLimit(.minutes(1)))
struct LimitTests {
    private static let hello: @Sendable (RequestHead) -> RequestHandling = { _ in
        .respond(ResponseHead(status: 200), ByteBuffer(string: "hello"))
    }

    @Test("One connection too many is closed when all have made requests; when another goes, the next is served")
    func connections() async throws {
        var configuration = ServerConfiguration()
        configuration.maxConnections = 2
        let log = LimitLog()
        configuration.onLimit = { log.note($0) }
        try await withServer(configuration, answer: Self.hello) { server, port in
            let first = try await RawPeer.connect(to: port)
            let second = try await RawPeer.connect(to: port)
            for peer in [first, second] {
                try await peer.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                try await peer.expect("hello")
            }
            let third = try await RawPeer.connect(to: port)
            try await third.expectClosed()
            #expect(server.connectionCount == 2)
            #expect(log.count(.connections) == 1 && log.count(.waitingConnections) == 0)
            #expect(!first.isClosed && !second.isClosed)
            await first.close()
            #expect(try await eventually { server.connectionCount == 1 })
            try await withConnection(to: port) { connection in
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 200)
            }
            await second.close()
        }
    }

    @Test("One that has made no request gives way to the next, the oldest first; a quarter is for those that have")
    func waitingConnections() async throws {
        var configuration = ServerConfiguration()
        configuration.maxConnections = 8
        let log = LimitLog()
        configuration.onLimit = { log.note($0) }
        try await withServer(configuration, answer: Self.hello) { server, port in
            var silent: [RawPeer] = []
            for number in 1...6 {
                silent.append(try await RawPeer.connect(to: port))
                #expect(try await eventually { server.connectionCount == number })
            }
            #expect(log.limits == [])
            // Whoever asks for something has a place of those that are kept, so that the silent ones keep theirs.
            try await withConnection(to: port) { honest in
                #expect(try await honest.get("/", maxBody: 10).0.status == 200)
                try await silent[0].expectClosed()
                #expect(log.count(.waitingConnections) == 1)
                // The honest one waits no more, so there is a place for another; each one after that takes the oldest's.
                // One at a time, since connections that come at once may be accepted in another order.
                silent.append(try await RawPeer.connect(to: port))
                #expect(try await eventually { server.connectionCount == 7 })
                for oldest in 1...19 {
                    silent.append(try await RawPeer.connect(to: port))
                    try await silent[oldest].expectClosed()
                }
                #expect(silent.map(\.isClosed) == Array(repeating: true, count: 20) + Array(repeating: false, count: 6))
                #expect(try await honest.get("/", maxBody: 10).0.status == 200)
                #expect(log.count(.connections) == 0)
            }
            for peer in silent { await peer.close() }
        }
    }

    @Test("A connection that shows no protocol is closed at the deadline", arguments: ["", "PRI * HTTP/2.0\r\n"])
    func prefaceDeadline(begin: String) async throws {
        var configuration = ServerConfiguration()
        configuration.prefaceDeadline = .milliseconds(300)
        try await withServer(configuration, answer: Self.hello) { server, port in
            let peer = try await RawPeer.connect(to: port)
            try? await peer.send(begin)
            try await peer.expectClosed()
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("A preface that comes byte by byte is recognised")
    func slowPreface() async throws {
        try await withServer(answer: Self.hello) { _, port in
            let peer = try await RawPeer.connect(to: port)
            for byte in Frame.preface {
                try await peer.send([byte])
                try await Task.sleep(for: .milliseconds(1))
            }
            try await peer.send(Frame.settings + Frame.request(stream: 1))
            #expect(try await eventually { Frame.parse(peer.received).contains { $0.type == 0 && $0.stream == 1 } })
            await peer.close()
        }
    }

    @Test("Requests that come byte by byte, at once on several connections, are those that were sent")
    func slowRequests() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            .respond(ResponseHead(status: 200), ByteBuffer(string: "\(request.path) \(request.fields)"))
        }
        try await withServer(answer: answer) { _, port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask { try await Self.askSlowly(port, "/path-\(number)", "value-\(number)") }
                }
                try await group.waitForAll()
            }
        }
    }

    /// Asks twice on one connection, a byte at a time; the second head goes on in a CONTINUATION frame.
    private static func askSlowly(_ port: Int, _ path: String, _ value: String) async throws {
        let peer = try await RawPeer.connect(to: port)
        let fields = Block.request("GET", path, Block.literal("name", value))
        let head = Frame.make(type: 1, flags: 1, stream: 3, Array(fields.prefix(20)))
        let requests = Frame.headers(fields) + head + Frame.continuation(Array(fields.dropFirst(20)), stream: 3)
        try await peer.send(Frame.preface + Frame.settings)
        for (place, byte) in requests.enumerated() {
            guard !peer.isClosed else {
                throw TestFailure("closed before byte \(place): \(Observed(peer).frames.suffix(1))")
            }
            try await peer.send([byte])
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(try await eventually { Observed(peer).endedStreams == [1, 3] })
        #expect(Observed(peer).bodies == "\(path) name: \(value)\(path) name: \(value)")
        await peer.close()
    }

    @Test("A connection without requests is closed after the idle timeout, with GOAWAY")
    func idle() async throws {
        var configuration = ServerConfiguration()
        configuration.idleTimeout = .milliseconds(500)
        try await withServer(configuration, answer: Self.hello) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings)
            try await peer.expectClosed()
            #expect(Frame.parse(peer.received).last?.type == 7)
            let old = try await RawPeer.connect(to: port)
            try await old.send("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HT")
            try await old.expect("hello")
            try await old.expectClosed()
        }
    }

    @Test("A header list over the limit is answered 431", arguments: ["--http2-prior-knowledge", "--http1.1"])
    func headerList(version: String) async throws {
        var configuration = ServerConfiguration()
        configuration.maxHeaderListSize = 2000
        try await withServer(configuration, answer: Self.hello) { _, port in
            let field = "x-long: " + String(repeating: "a", count: 3000)
            let url = "http://127.0.0.1:\(port)/"
            let output = try await Tool("curl").run([
                "-sS", "-o", "/dev/null", "-w", "%{http_code}", version, "-H", field, url,
            ])
            #expect(output.text == "431", "\(output.standardError)")
        }
    }

    @Test("A response's header list over the client's limit fails that request alone")
    func responseHeaderList() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            let count = request.path == "/long" ? 5000 : 5
            return .respond(ResponseHead(status: 200, fields: ["x": String(repeating: "a", count: count)]), nil)
        }
        var client = ClientConfiguration()
        client.maxHeaderListSize = 1000
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port, client) { connection in
                await #expect(throws: HTTPError(.headersTooLarge, "")) {
                    _ = try await connection.get("/long", maxBody: 10)
                }
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 200)
            }
        }
    }

    @Test("An unwanted body within the limit is read and dropped, and the connection goes on")
    func drainedBody() async throws {
        try await withServer(answer: Self.hello) { _, port in
            try await withConnection(to: port) { connection in
                for _ in 0..<5 {
                    let head = RequestHead(method: "POST", path: "/")
                    let (response, _) = try await connection.send(head, body: pattern(60_000), maxBody: 10)
                    #expect(response.status == 200)
                }
            }
            let old = try await RawPeer.connect(to: port)
            for _ in 0..<3 {
                try await old.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody")
                try await old.expect("hello")
            }
            await old.close()
        }
    }

    @Test("An unwanted body over the limit: the stream is closed without blame, the connection goes on")
    func tooMuchToDrain() async throws {
        var configuration = ServerConfiguration()
        configuration.maxDrainedBody = 10_000
        try await withServer(configuration, answer: Self.hello) { _, port in
            try await withConnection(to: port) { connection in
                let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                let error = await #expect(throws: HTTPError.self) {
                    for _ in 0..<1000 {
                        try await stream.write(pattern(10_000))
                    }
                    try await stream.finish()
                }
                #expect(error?.code == .streamReset)
                #expect(error?.http2Code == .noError)
                #expect(try await stream.response().status == 200)
                #expect(try await stream.body.collect(upTo: 10) == ByteBuffer(string: "hello"))
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 200)
            }
            let old = try await RawPeer.connect(to: port)
            try await old.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
            try await old.send(String(repeating: "b", count: 11_000))
            try await old.expect("hello")
            try await old.expectClosed()
        }
    }

    @Test("An unwanted body over the limit that comes with its head does not cost the client the answer")
    func tooMuchAtOnce() async throws {
        var configuration = ServerConfiguration()
        configuration.maxDrainedBody = 1000
        try await withServer(configuration, answer: Self.hello) { _, port in
            let peer = try await RawPeer.connect(to: port)
            let request = Frame.request(stream: 1, post: true, isEnd: false) + Frame.data(stream: 1, pattern(9000))
            try await peer.send(Frame.preface + Frame.settings + request)
            #expect(try await eventually { Frame.parse(peer.received).contains { $0.type == 3 } })
            let frames = Frame.parse(peer.received).filter { $0.stream == 1 }
            #expect(frames.map(\.type) == [1, 0, 3])
            #expect(frames.dropFirst().first?.payload == Array("hello".utf8))
            #expect(frames.last?.payload == [0, 0, 0, 0])
            await peer.close()
        }
    }

    @Test("A body over what the handler collects throws bodyTooLarge there", arguments: [true, false])
    func collectLimit(isHTTP2: Bool) async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, response in
                do {
                    _ = try await body.collect(upTo: 1000)
                    try await response.send(ResponseHead(status: 200))
                } catch let error as HTTPError where error.code == .bodyTooLarge {
                    try await response.send(ResponseHead(status: 413))
                }
                try await response.finish()
            }
        }
        try await withServer(answer: answer) { _, port in
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let file = try folder.file("body", .init(repeating: 1, count: 3000))
            let version = isHTTP2 ? "--http2-prior-knowledge" : "--http1.1"
            let common = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", version, "--data-binary"]
            let url = "http://127.0.0.1:\(port)/"
            let large = try await Tool("curl").run(common + ["@\(file.path)", url])
            #expect(large.text == "413", "\(large.standardError)")
            let small = try await Tool("curl").run(common + ["small", url])
            #expect(small.text == "200", "\(small.standardError)")
        }
    }

    @Test("A body that is collected but does not arrive throws timeout, and can be answered", arguments: [true, false])
    func collectTimeout(isHTTP2: Bool) async throws {
        var configuration = ServerConfiguration()
        configuration.stallTimeout = .milliseconds(200)
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, response in
                do {
                    _ = try await body.collect(upTo: 1000)
                } catch let error as HTTPError where error.code == .timeout {
                    try await response.send(ResponseHead(status: 408, fields: ["x-late": "late"]))
                }
            }
        }
        try await withServer(configuration, answer: answer) { server, port in
            let peer = try await RawPeer.connect(to: port)
            if isHTTP2 {
                try await peer.send(Frame.preface + Frame.settings + Frame.request(stream: 1, post: true, isEnd: false))
                let isEnded = { Frame.parse(peer.received).contains { $0.stream == 1 && $0.flags & 1 == 1 } }
                #expect(try await eventually { isEnded() })
                #expect(try await eventually { Frame.parse(peer.received).contains { $0.stream == 1 && $0.type == 3 } })
                #expect(!peer.isClosed)
            } else {
                try await peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nfew")
                try await peer.expect("HTTP/1.1 408 Request Timeout\r\nx-late: late\r\n")
                try await peer.expectClosed()
            }
            await peer.close()
        }
    }

    @Test("The client refuses a response body over its limit and goes on")
    func clientBodyLimit() async throws {
        try await withServer(answer: { _ in .respond(ResponseHead(status: 200), pattern(100_000)) }) { _, port in
            try await withConnection(to: port) { connection in
                for _ in 0..<60 {
                    await #expect(throws: HTTPError(.bodyTooLarge, "")) {
                        _ = try await connection.get("/", maxBody: 1000)
                    }
                }
                // 60 refused bodies are more than the connection's window: what was dropped has been given back.
                let (_, whole) = try await connection.get("/", maxBody: 100_000)
                #expect(whole.readableBytes == 100_000)
            }
        }
    }

    @Test("A server that never answers: the request ends by its timeout, the connection stays")
    func requestTimeout() async throws {
        var client = ClientConfiguration()
        client.requestTimeout = .milliseconds(700)
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            request.path == "/" ? Self.hello(request) : .run { _, _ in try await Task.sleep(for: .seconds(30)) }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port, client) { connection in
                await #expect(throws: HTTPError(.timeout, "")) {
                    _ = try await connection.get("/never", maxBody: 10)
                }
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 200)
            }
        }
    }

    @Test("A peer that opens no window loses its stream after the stall timeout, not its connection")
    func stalledStream() async throws {
        var configuration = ServerConfiguration()
        configuration.stallTimeout = .milliseconds(200)
        let body = pattern(200_000)
        try await withServer(configuration, answer: { _ in .respond(ResponseHead(status: 200), body) }) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings + Frame.request(stream: 1))
            #expect(try await eventually { Frame.parse(peer.received).contains { $0.type == 3 && $0.stream == 1 } })
            let sent = Frame.parse(peer.received).filter { $0.type == 0 }.map(\.payload.count).reduce(0, +)
            #expect(sent == 65_535)
            #expect(!peer.isClosed)
            await peer.close()
        }
    }

    @Test("A peer that reads nothing at all makes the server hold little, and is cut", arguments: [true, false])
    func slowReader(isHTTP2: Bool) async throws {
        let written = Counter()
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                do {
                    try await response.send(ResponseHead(status: 200))
                    for _ in 0..<100_000 {
                        try await response.write(ByteBuffer(repeating: 1, count: 50_000))
                        written.add(50_000)
                    }
                } catch {
                    outcome.note("cut")
                }
            }
        }
        var configuration = ServerConfiguration()
        configuration.stallTimeout = .milliseconds(500)
        try await withServer(configuration, answer: answer) { server, port in
            let peer = try await RawPeer.connect(to: port, reads: false)
            if isHTTP2 {
                let windows = Frame.settings(id: 4, 0x7FFF_FFFF) + Frame.windowUpdate(stream: 0, 0x7FFF_0000)
                try await peer.send(Frame.preface + windows + Frame.request(stream: 1))
            } else {
                try await peer.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            }
            #expect(try await outcome.first() == "cut")
            // What the kernel's socket buffers take is a few megabytes; the rest of 5 GB was never made.
            #expect(written.value < 30_000_000)
            #expect(try await eventually { server.connectionCount == 0 })
            await peer.close()
        }
    }

    @Test("Requests that are reset as soon as they are made end the connection, not the server")
    func rapidReset() async throws {
        try await withServer(answer: Self.hello) { server, port in
            let peer = try await RawPeer.connect(to: port)
            var flood = Frame.preface + Frame.settings
            for number in 0..<5000 {
                let stream = UInt32(number * 2 + 1)
                flood += Frame.request(stream: stream, isEnd: false) + Frame.reset(stream: stream, 8)
            }
            try? await peer.send(flood)
            try await peer.expectClosed()
            #expect(try await eventually { server.connectionCount == 0 })
            try await withConnection(to: port) { connection in
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 200)
            }
        }
    }

    @Test("Bytes that are no HTTP/2 after a right preface get a GOAWAY and an end")
    func garbage() async throws {
        try await withServer(answer: Self.hello) { server, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + [UInt8](repeating: 0xFF, count: 100))
            try await peer.expectClosed()
            #expect(Frame.parse(peer.received).contains { $0.type == 7 })
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("HTTP/1.1 can be switched off")
    func onlyHTTP2() async throws {
        var configuration = ServerConfiguration()
        configuration.allowsHTTP1 = false
        try await withServer(configuration, answer: Self.hello) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            try await peer.expectClosed()
            #expect(peer.received.readableBytes == 0)
        }
    }
}
