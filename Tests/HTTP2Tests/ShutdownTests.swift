import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("Ends of connections", .timeLimit(.minutes(1)))
struct ShutdownTests {
    /// Answers when `gate` has a note.
    private static func answer(after gate: Waiting, _ begun: Waiting) -> @Sendable (RequestHead) -> RequestHandling {
        { _ in
            .run { _, response in
                begun.note("begun")
                try await response.send(ResponseHead(status: 200))
                _ = try await gate.first()
                try await response.write(ByteBuffer(string: "done"))
                try await response.finish()
            }
        }
    }

    @Test("Shutdown lets a stream under way finish, and refuses new ones")
    func streamsFinish() async throws {
        let (gate, begun) = (Waiting(), Waiting())
        try await withServer(answer: Self.answer(after: gate, begun)) { server, port in
            try await withConnection(to: port) { connection in
                let request = Task { try await connection.get("/", maxBody: 10) }
                _ = try await begun.first()
                let shutdown = Task { try await server.shutdown(grace: .seconds(10)) }
                #expect(try await eventually { !connection.isOpen })
                await #expect(throws: HTTPError(.refused, "")) {
                    _ = try await connection.get("/", maxBody: 10)
                }
                await #expect(throws: HTTPError(.connectFailed, "")) {
                    try await withConnection(to: port) { _ in }
                }
                gate.note("go")
                #expect(try await request.value.1 == ByteBuffer(string: "done"))
                try await shutdown.value
                await connection.waitUntilClosed()
                #expect(server.connectionCount == 0)
            }
        }
    }

    @Test("Shutdown announces its end in two steps, so that requests on their way are served")
    func twoSteps() async throws {
        let (gate, begun) = (Waiting(), Waiting())
        try await withServer(answer: Self.answer(after: gate, begun)) { server, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings + Frame.request(stream: 1))
            _ = try await begun.first()
            let shutdown = Task { try await server.shutdown(grace: .seconds(10)) }
            let goAways = { Frame.parse(peer.received).filter { $0.type == 7 }.map { Array($0.payload.prefix(4)) } }
            #expect(try await eventually { goAways() == [[0x7F, 0xFF, 0xFF, 0xFF]] })
            try await peer.send(Frame.request(stream: 3))
            #expect(try await eventually { begun.notes.count == 2 })
            let ping = Frame.parse(peer.received).first { $0.type == 6 && $0.flags == 0 }
            try await peer.send(Frame.make(type: 6, flags: 1, stream: 0, ping?.payload ?? []))
            #expect(try await eventually { goAways() == [[0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 3]] })
            gate.note("go")
            try await shutdown.value
            try await peer.expectClosed()
            let ends = Frame.parse(peer.received).filter { $0.type == 0 && $0.flags & 1 == 1 }.map(\.stream)
            #expect(ends.sorted() == [1, 3])
        }
    }

    @Test("What does not finish within the grace is cut, and its task cancelled")
    func graceEnds() async throws {
        let outcome = Waiting()
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                do {
                    try await Task.sleep(for: .seconds(30))
                } catch {
                    outcome.note("cancelled")
                }
            }
        }
        try await withServer(answer: answer) { server, port in
            try await withConnection(to: port) { connection in
                let stream = try await connection.open(RequestHead(path: "/"))
                _ = try await stream.response()
                let start = ContinuousClock.now
                try await server.shutdown(grace: .milliseconds(200))
                #expect(ContinuousClock.now - start < .seconds(3))
                #expect(outcome.notes == ["cancelled"])
                await #expect(throws: HTTPError(.connectionClosed, "")) {
                    _ = try await stream.body.collect(upTo: 10)
                }
                #expect(!connection.isOpen)
            }
        }
    }

    @Test("HTTP/1.1: shutdown ends an idle connection, and a busy one after its response with Connection: close")
    func oldVersion() async throws {
        let (gate, begun) = (Waiting(), Waiting())
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                begun.note("begun")
                _ = try await gate.first()
                try await response.send(ResponseHead(status: 200, fields: ["content-length": "4"]))
                try await response.write(ByteBuffer(string: "done"))
                try await response.finish()
            }
        }
        try await withServer(answer: answer) { server, port in
            let silent = try await RawPeer.connect(to: port)
            let busy = try await RawPeer.connect(to: port)
            try await busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await begun.first()
            let shutdown = Task { try await server.shutdown(grace: .seconds(10)) }
            try await silent.expectClosed()
            gate.note("go")
            try await busy.expect("connection: close\r\n\r\ndone")
            try await busy.expectClosed()
            try await shutdown.value
        }
    }

    @Test("A server that disappears in the middle of a body: what came can be read, then connectionClosed")
    func serverDisappears() async throws {
        let (listener, port) = try await RawPeer.listen { peer in
            _ = try await eventually { Frame.parse(peer.received).contains { $0.type == 1 } }
            try await peer.send(Frame.settings + Frame.response(stream: 1) + Frame.data(stream: 1, [1, 2, 3]))
            try await Task.sleep(for: .milliseconds(50))
            await peer.close()
        }
        try await withConnection(to: port) { connection in
            let stream = try await connection.open(RequestHead(path: "/"))
            #expect(try await stream.response().status == 200)
            var pieces = stream.body.makeAsyncIterator()
            #expect(try await pieces.next() == ByteBuffer(bytes: [1, 2, 3]))
            await #expect(throws: HTTPError(.connectionClosed, "")) { try await pieces.next() }
            #expect(!connection.isOpen)
            await #expect(throws: HTTPError(.connectionClosed, "")) {
                _ = try await connection.get("/", maxBody: 10)
            }
        }
        try await listener.close()
    }

    @Test("GOAWAY: requests it names are finished, later ones are refused and may be sent again")
    func goAway() async throws {
        let seen = Waiting()
        let (listener, port) = try await RawPeer.listen { peer in
            _ = try await eventually { Frame.parse(peer.received).contains { $0.type == 1 } }
            seen.note("first")
            _ = try await eventually { Frame.parse(peer.received).filter { $0.type == 1 }.count == 2 }
            try await peer.send(Frame.settings + Frame.goAway(last: 1))
            try await Task.sleep(for: .milliseconds(50))
            try await peer.send(Frame.response(stream: 1) + Frame.data(stream: 1, [1], isEnd: true))
        }
        try await withConnection(to: port) { connection in
            let first = Task { try await connection.get("/", maxBody: 10) }
            _ = try await seen.first()
            await #expect(throws: HTTPError(.refused, "")) {
                _ = try await connection.get("/", maxBody: 10)
            }
            #expect(try await first.value.1 == ByteBuffer(bytes: [1]))
            await connection.waitUntilClosed()
        }
        try await listener.close()
    }

    @Test("A response shorter than its content-length is no response")
    func wrongLength() async throws {
        let (listener, port) = try await RawPeer.listen { peer in
            _ = try await eventually { Frame.parse(peer.received).contains { $0.type == 1 } }
            // content-length (static table, 28) with the literal value 5
            let head = Frame.make(type: 1, flags: 0x4, stream: 1, [0x88, 0x0F, 0x0D, 0x01, UInt8(ascii: "5")])
            try await peer.send(Frame.settings + head + Frame.data(stream: 1, [1, 2], isEnd: true))
        }
        try await withConnection(to: port) { connection in
            let error = await #expect(throws: HTTPError.self) {
                _ = try await connection.get("/", maxBody: 10)
            }
            #expect(error?.code == .streamReset)
            #expect(error?.http2Code == .protocolError)
        }
        try await listener.close()
    }

    @Test("A peer that speaks HTTP/1.1 is a protocol violation")
    func notHTTP2() async throws {
        let (listener, port) = try await RawPeer.listen { peer in
            try await peer.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        }
        try await withConnection(to: port) { connection in
            let error = await #expect(throws: HTTPError.self) {
                _ = try await connection.get("/", maxBody: 10)
            }
            #expect([.protocolViolation, .connectionClosed].contains(error?.code))
        }
        try await listener.close()
    }

    @Test("Closing gives up what is under way")
    func close() async throws {
        let (gate, begun) = (Waiting(), Waiting())
        try await withServer(answer: Self.answer(after: gate, begun)) { server, port in
            try await withConnection(to: port) { connection in
                let request = Task { try await connection.get("/", maxBody: 10) }
                _ = try await begun.first()
                await connection.close()
                await #expect(throws: HTTPError(.connectionClosed, "")) { try await request.value }
                #expect(try await eventually { server.connectionCount == 0 })
            }
            gate.note("go")
        }
    }

    @Test("A connection nobody holds any more is closed; a stream of it holds it")
    func letGo() async throws {
        try await withServer(answer: { _ in .respond(ResponseHead(status: 200), pattern(10)) }) { server, port in
            do {
                let address = ConnectAddress.tcp("127.0.0.1", port)
                let stream = try await HTTPConnection.connect(to: address, group: loops, logger: quietLogger)
                    .open(RequestHead(path: "/"))
                #expect(try await stream.body.collect(upTo: 10) == pattern(10))
            }
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("Nobody listens: connectFailed, with the address in the reason")
    func nobodyListens() async throws {
        let port = try freePort()
        let error = await #expect(throws: HTTPError.self) {
            try await withConnection(to: port) { _ in }
        }
        #expect(error?.code == .connectFailed)
        #expect(error?.reason.contains("127.0.0.1:\(port)") == true)
    }
}
