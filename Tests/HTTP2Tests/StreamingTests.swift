import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("Streams in both directions", .timeLimit(.minutes(1)))
struct StreamingTests {
    private static let echo: @Sendable (RequestHead) -> RequestHandling = { _ in
        .run { body, response in
            try await response.send(ResponseHead(status: 200))
            for try await piece in body {
                try await response.write(piece)
            }
            try await response.finish()
        }
    }

    @Test("A stream is a conversation: each message is answered before the next is sent")
    func conversation() async throws {
        try await withServer(answer: Self.echo) { _, port in
            try await withConnection(to: port) { connection in
                let stream = try await connection.open(RequestHead(method: "POST", path: "/v1/link"))
                #expect(try await stream.response().status == 200)
                var pieces = stream.body.makeAsyncIterator()
                for number in 0..<300 {
                    let message = ByteBuffer(string: "message \(number)")
                    try await stream.write(message)
                    #expect(try await pieces.next() == message)
                }
                try await stream.finish()
                #expect(try await pieces.next() == nil)
            }
        }
    }

    @Test("An idle stream with keepalive at both ends outlives many intervals")
    func keepalive() async throws {
        var server = ServerConfiguration()
        server.keepalive = Keepalive(interval: .milliseconds(40), timeout: .seconds(2))
        server.idleTimeout = .seconds(1)
        server.stallTimeout = .milliseconds(100)
        var client = ClientConfiguration()
        client.keepalive = Keepalive(interval: .milliseconds(40), timeout: .seconds(2))
        client.stallTimeout = .milliseconds(100)
        try await withServer(server, answer: Self.echo) { _, port in
            try await withConnection(to: port, client) { connection in
                let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                _ = try await stream.response()
                let before = connection.bytesReceived
                try await Task.sleep(for: .milliseconds(1200))
                #expect(connection.bytesReceived - before >= 17 * 4, "no PING came")
                try await stream.write(ByteBuffer(string: "still here"))
                var pieces = stream.body.makeAsyncIterator()
                #expect(try await pieces.next() == ByteBuffer(string: "still here"))
                stream.reset()
            }
        }
    }

    @Test("A peer that answers no PING is lost within interval and timeout")
    func deadPeer() async throws {
        let (listener, port) = try await RawPeer.listen { peer in
            try await peer.send(Frame.settings)
        }
        var client = ClientConfiguration()
        client.keepalive = Keepalive(interval: .milliseconds(1500), timeout: .milliseconds(200))
        try await withConnection(to: port, client) { connection in
            let start = ContinuousClock.now
            await #expect(throws: HTTPError(.timeout, "")) {
                _ = try await connection.get("/", maxBody: 10)
            }
            #expect(ContinuousClock.now - start < .seconds(5))
            await connection.waitUntilClosed()
            #expect(!connection.isOpen)
        }
        try await listener.close()
    }

    @Test("A handler that writes without end is held back by a client that does not read")
    func writerSuspends() async throws {
        let written = Counter()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                while true {
                    try await response.write(ByteBuffer(repeating: 1, count: 10_000))
                    written.add(10_000)
                }
            }
        }
        var client = ClientConfiguration()
        client.streamWindow = 100_000
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port, client) { connection in
                let stream = try await connection.open(RequestHead(path: "/"))
                _ = try await stream.response()
                #expect(try await eventually { written.value >= 100_000 })
                try await Task.sleep(for: .milliseconds(300))
                let held = written.value
                #expect(held <= 100_000 + 64 * 1024 + 20_000)
                var pieces = stream.body.makeAsyncIterator()
                for _ in 0..<20 {
                    _ = try await pieces.next()
                }
                #expect(try await eventually { written.value > held })
                stream.reset()
            }
        }
    }

    @Test("A client that writes without end is held back by a handler that does not read")
    func uploadSuspends() async throws {
        let isOver = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, response in
                try await response.send(ResponseHead(status: 200))
                _ = try await isOver.first()
                var count = 0
                for try await piece in body {
                    count += piece.readableBytes
                }
                try await response.write(ByteBuffer(string: "\(count)"))
                try await response.finish()
            }
        }
        var server = ServerConfiguration()
        server.streamWindow = 100_000
        try await withServer(server, answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                _ = try await stream.response()
                let written = Counter()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for _ in 0..<100 {
                            try await stream.write(ByteBuffer(repeating: 1, count: 10_000))
                            written.add(10_000)
                        }
                        try await stream.finish()
                    }
                    #expect(try await eventually { written.value >= 100_000 })
                    try await Task.sleep(for: .milliseconds(300))
                    let held = written.value
                    #expect(held <= 100_000 + 64 * 1024 + 20_000)
                    isOver.note("over")
                    try await group.waitForAll()
                }
                #expect(try await stream.body.collect(upTo: 100) == ByteBuffer(string: "1000000"))
            }
        }
    }

    @Test("A reset by the client ends the handler: its task is cancelled and its body throws")
    func clientResets() async throws {
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, response in
                try await response.send(ResponseHead(status: 200))
                do {
                    for try await _ in body {}
                    outcome.note("ended")
                } catch {
                    // The stream is over and so the task is cancelled: either may be noticed first.
                    let isReset = (error as? HTTPError)?.code == .streamReset || error is CancellationError
                    try? await Task.sleep(for: .seconds(4))
                    outcome.note("\(isReset) \(Task.isCancelled)")
                }
            }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                _ = try await stream.response()
                stream.reset()
                #expect(try await outcome.first() == "true true")
                #expect(connection.isOpen)
                await #expect(throws: HTTPError(.streamReset, "")) {
                    try await stream.write(ByteBuffer(string: "late"))
                }
            }
        }
    }

    @Test("A stream that its owner lets go is reset")
    func letGo() async throws {
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { body, response in
                try await response.send(ResponseHead(status: 200))
                do {
                    for try await _ in body {}
                    outcome.note("ended")
                } catch {
                    outcome.note("thrown")
                }
            }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                do {
                    let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                    _ = try await stream.response()
                }
                #expect(try await outcome.first() == "thrown")
            }
        }
    }

    @Test("Handlers that throw: before the head 500, after it a reset stream")
    func handlerThrows() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            .run { _, response in
                if request.path == "/late" {
                    try await response.send(ResponseHead(status: 200))
                    try await response.write(ByteBuffer(string: "some"))
                }
                throw TestFailure("the handler fails")
            }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let (head, body) = try await connection.get("/early", maxBody: 1000)
                #expect(head.status == 500)
                #expect(head.fields["content-type"] == "application/problem+json")
                #expect(head.fields["content-length"] == String(body.readableBytes))
                let error = await #expect(throws: HTTPError.self) {
                    _ = try await connection.get("/late", maxBody: 10)
                }
                #expect(error?.code == .streamReset)
                #expect(error?.http2Code == .internalError)
            }
        }
    }

    @Test("Handlers that return without finishing: the response is ended, or 500 if there was none")
    func handlerReturnsEarly() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            .run { _, response in
                if request.path == "/some" {
                    try await response.send(ResponseHead(status: 200))
                    try await response.write(ByteBuffer(string: "some"))
                }
            }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let (head, body) = try await connection.get("/some", maxBody: 10)
                #expect(head.status == 200)
                #expect(body == ByteBuffer(string: "some"))
                let (last, _) = try await connection.get("/none", maxBody: 1000)
                #expect(last.status == 500)
            }
        }
    }

    @Test("Misuse is told: two heads, bytes before the head and after the end, line breaks in a field")
    func misuse() async throws {
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                await outcome.note(code { try await response.write(ByteBuffer(string: "x")) })
                await outcome.note(code { try await response.finish() })
                await outcome.note(
                    code { try await response.send(ResponseHead(status: 200, fields: ["a": "b\r\nc: d"])) }
                )
                await outcome.note(code { try await response.send(ResponseHead(status: 101)) })
                await outcome.note(code { try await response.send(ResponseHead(status: 200)) })
                await outcome.note(code { try await response.send(ResponseHead(status: 200)) })
                await outcome.note(code { try await response.finish() })
                await outcome.note(code { try await response.write(ByteBuffer(string: "x")) })
            }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 200)
            }
        }
        let expected = ["misuse", "misuse", "invalidMessage", "invalidMessage", "fine", "misuse", "fine", "misuse"]
        #expect(outcome.notes == expected)
    }

    @Test("A cancelled read takes nothing: the next reader gets every byte")
    func cancelledRead() async throws {
        try await withServer(answer: Self.echo) { _, port in
            try await withConnection(to: port) { connection in
                let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                _ = try await stream.response()
                let reader = Task {
                    var pieces = stream.body.makeAsyncIterator()
                    return try await pieces.next()
                }
                try await Task.sleep(for: .milliseconds(50))
                reader.cancel()
                await #expect(throws: CancellationError.self) { try await reader.value }
                try await stream.write(ByteBuffer(string: "kept"))
                try await stream.finish()
                #expect(try await stream.body.collect(upTo: 10) == ByteBuffer(string: "kept"))
            }
        }
    }

    @Test("A cancelled request resets its stream and leaves the connection usable")
    func cancelledRequest() async throws {
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            guard request.path == "/wait" else { return .respond(ResponseHead(status: 204), nil) }
            return .run { _, _ in
                outcome.note("begun")
                try? await Task.sleep(for: .seconds(30))
                outcome.note("cancelled \(Task.isCancelled)")
            }
        }
        try await withServer(answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                let request = Task { try await connection.get("/wait", maxBody: 10) }
                #expect(try await outcome.first() == "begun")
                request.cancel()
                await #expect(throws: CancellationError.self) { try await request.value }
                #expect(try await eventually { outcome.notes == ["begun", "cancelled true"] })
                let (last, _) = try await connection.get("/", maxBody: 10)
                #expect(last.status == 204)
            }
        }
    }

    @Test("More requests at once than the server allows wait their turn")
    func queuedRequests() async throws {
        var server = ServerConfiguration()
        server.maxConcurrentStreams = 5
        let running = Counter()
        let most = Counter()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                let now = running.add(1)
                most.raise(to: now)
                try await Task.sleep(for: .milliseconds(2))
                running.add(-1)
                try await response.send(ResponseHead(status: 200))
                try await response.finish()
            }
        }
        try await withServer(server, answer: answer) { _, port in
            try await withConnection(to: port) { connection in
                _ = try await connection.get("/", maxBody: 0)
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<60 {
                        group.addTask { try await connection.get("/", maxBody: 0).0.status }
                    }
                    for try await status in group {
                        #expect(status == 200)
                    }
                }
            }
        }
        #expect(most.value <= 5)
        #expect(most.value >= 2)
    }
}

/// What a call threw, by name.
private func code(_ call: () async throws -> Void) async -> String {
    do {
        try await call()
        return "fine"
    } catch {
        return (error as? HTTPError)?.code.description ?? "\(error)"
    }
}
