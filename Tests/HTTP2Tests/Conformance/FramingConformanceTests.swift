import HTTP2
import NIOCore
import Testing
import TestSupport

/// RFC 9113, sections 3 to 5: prefaces, frames, field blocks, states of streams; at a server.
@Suite("RFC 9113, 3 to 5: server", .timeLimit(.minutes(1)))
struct FramingConformanceTests {
    private static let get = Frame.headers(Block.request())
    private static let post = Frame.headers(Block.request("POST"), isEnd: false)
    private static let tooLarge = [UInt8](repeating: 0, count: 16_385)

    static let prefaces: [ConformanceCase] = [
        .init("3.4", "another preface", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r".utf8) + Frame.settings, .closed),
        .init("3.4", "no SETTINGS after the preface", Frame.preface + Frame.ping(1), .connectionError(.protocolError)),
        .init("3.4", "a request before SETTINGS", Frame.preface + get, .connectionError(.protocolError)),
        .init("3.4", "an acknowledgement first", Frame.preface + Frame.settingsAck, .connectionError(.protocolError)),
        .init("3.4", "requests may follow at once", Frame.preface + Frame.settings + get, .answered("GET / x\n")),
    ]

    static let frames: [ConformanceCase] = [
        .init(
            "4.1",
            "unknown types are ignored",
            Frame.make(type: 0xEE, flags: 0xFF, stream: 7, [1]) + get,
            .answered("GET")
        ),
        .init(
            "4.1",
            "undefined flags are ignored",
            Frame.make(type: 6, flags: 0xFE, stream: 0, Frame.bytes(1) + Frame.bytes(1)),
            .ignored
        ),
        .init(
            "4.1",
            "the reserved bit is ignored",
            Frame.headers(Block.request(), stream: 0x8000_0001),
            .answered("GET")
        ),
        .init(
            "4.2",
            "DATA of 16,384 bytes",
            post + Frame.data(stream: 1, [UInt8](repeating: 0x61, count: 16_384), isEnd: true),
            .answered("POST")
        ),
        .init("4.2", "DATA that is too large", post + Frame.data(stream: 1, tooLarge), .streamError(.frameSize)),
        .init("4.2", "HEADERS that are too large", Frame.headers(tooLarge), .connectionError(.frameSize)),
        .init(
            "4.2",
            "SETTINGS that are too large",
            Frame.make(type: 4, flags: 0, stream: 0, tooLarge),
            .connectionError(.frameSize)
        ),
        .init(
            "4.2",
            "an unknown frame that is too large",
            Frame.make(type: 0xEE, flags: 0, stream: 0, tooLarge),
            .connectionError(.frameSize)
        ),
        .init(
            "4.3",
            "a field block that cannot be decoded",
            Frame.headers([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            .connectionError(.compression)
        ),
        .init(
            "4.3",
            "a field block in three frames",
            Frame.make(type: 1, flags: 1, stream: 1, Array(Block.request().prefix(3)))
                + Frame.continuation(Array(Block.request().dropFirst(3).prefix(4)), isEnd: false)
                + Frame.continuation(Array(Block.request().dropFirst(7))),
            .answered("GET / x\n")
        ),
        .init("4.3", "another type inside a field block", openBlock + Frame.ping(1), .connectionError(.protocolError)),
        .init(
            "4.3",
            "another stream inside a field block",
            openBlock + Frame.headers(Block.request(), stream: 3),
            .connectionError(.protocolError)
        ),
        .init(
            "5.5",
            "an extension inside a field block",
            openBlock + Frame.make(type: 0xEE, flags: 0, stream: 0, []),
            .connectionError(.protocolError)
        ),
    ]

    private static let openBlock = Frame.make(type: 1, flags: 1, stream: 1, Block.request())

    static let states: [ConformanceCase] = [
        .init("5.1", "idle: DATA", Frame.data(stream: 1, [1]), .connectionError(.protocolError)),
        .init("5.1", "idle: RST_STREAM", Frame.reset(stream: 1, 8), .connectionError(.protocolError)),
        .init("5.1", "idle: WINDOW_UPDATE", Frame.windowUpdate(stream: 1, 1), .connectionError(.protocolError)),
        .init("5.1", "idle: CONTINUATION", Frame.continuation(Block.request()), .connectionError(.protocolError)),
        .init(
            "5.1",
            "idle: PRIORITY is allowed",
            Frame.make(type: 2, flags: 0, stream: 9, [0, 0, 0, 0, 1]) + get,
            .answered("GET")
        ),
        .init(
            "5.1",
            "half-closed (remote): DATA",
            get + Frame.data(stream: 1, [1], isEnd: true),
            .streamError(.streamClosed)
        ),
        .init(
            "5.1",
            "half-closed (remote): HEADERS",
            get + Frame.headers(Block.literal("a", "b")),
            .streamError(.streamClosed)
        ),
        .init(
            "5.1",
            "half-closed (remote): WINDOW_UPDATE is allowed",
            get + Frame.windowUpdate(stream: 1, 1),
            .answered("GET")
        ),
        .init("5.1", "half-closed (remote): RST_STREAM is allowed", get + Frame.reset(stream: 1, 8), .ignored),
        .init("5.1", "closed: RST_STREAM", get + Frame.reset(stream: 1, 8) + Frame.reset(stream: 1, 8), .ignored),
        .init(
            "5.1",
            "closed: WINDOW_UPDATE",
            get + Frame.reset(stream: 1, 8) + Frame.windowUpdate(stream: 1, 1),
            .ignored
        ),
        .init(
            "5.1",
            "closed: PRIORITY",
            get + Frame.reset(stream: 1, 8) + Frame.make(type: 2, flags: 0, stream: 1, [0, 0, 0, 0, 1]),
            .ignored
        ),
        .init(
            "5.1",
            "closed by the client: DATA",
            get + Frame.reset(stream: 1, 8) + Frame.data(stream: 1, [1]),
            .streamError(.streamClosed)
        ),
        .init(
            "5.1",
            "closed by the client: HEADERS",
            get + Frame.reset(stream: 1, 8) + Frame.headers(Block.request()),
            .streamError(.streamClosed)
        ),
        .init(
            "5.1.1",
            "HEADERS on a stream below an earlier one",
            Frame.headers(Block.request(), stream: 5) + Frame.headers(Block.request(), stream: 3),
            .connectionError(.protocolError)
        ),
        .init("5.1.1", "an even stream", Frame.headers(Block.request(), stream: 2), .connectionError(.protocolError)),
        .init("5.1.1", "streams may be left out", Frame.headers(Block.request(), stream: 101), .answered("GET")),
        .init(
            "5.1.1",
            "idle streams below a new one are closed",
            Frame.headers(Block.request(), stream: 5) + Frame.reset(stream: 3, 8),
            .answered("GET")
        ),
        .init(
            "5.4.2",
            "an error of one stream leaves the others",
            Frame.headers([0x82, 0x86]) + Frame.headers(Block.request(), stream: 3),
            .answered("GET")
        ),
    ]

    @Test("Prefaces", arguments: prefaces)
    func preface(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration(), saysHello: false)
    }

    @Test("Frames and field blocks", arguments: frames)
    func frame(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    @Test("States of streams", arguments: states)
    func state(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    /// What comes on stream 1 when both sides have ended it, in one piece with the request or after the answer.
    static let afterBothEnds: [ConformanceCase] = [
        .init("5.1", "closed: DATA", Frame.data(stream: 1, [1]), .connectionError(.streamClosed)),
        .init(
            "5.1",
            "closed: the end once more",
            Frame.data(stream: 1, [], isEnd: true),
            .connectionError(.streamClosed)
        ),
        .init("5.1", "closed: HEADERS", Frame.headers(Block.request()), .connectionError(.streamClosed)),
        .init("5.1", "closed: trailers", Frame.headers(Block.literal("a", "b")), .connectionError(.streamClosed)),
        .init(
            "5.1.1",
            "closed: a stream left out",
            Frame.headers(Block.request(), stream: 9) + Frame.headers(Block.request(), stream: 5),
            .connectionError(.protocolError)
        ),
        .init("5.1", "closed: RST_STREAM", Frame.reset(stream: 1, 8), .ignored),
        .init("5.1", "closed: WINDOW_UPDATE", Frame.windowUpdate(stream: 1, 1), .ignored),
        .init("5.1", "closed: the next stream", Frame.headers(Block.request(), stream: 3), .answered("GET")),
    ]

    @Test("A stream that both sides have ended", arguments: afterBothEnds)
    func afterTheAnswer(_ conformanceCase: ConformanceCase) async throws {
        try await withServer(answer: EchoServer.answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings + Self.get)
            #expect(try await eventually { Observed(peer).endedStreams == [1] })
            try await conformanceCase.run(against: peer)
            await peer.close()
        }
    }

    @Test("What is under way on a stream that the server has reset is no mistake")
    func underWay() async throws {
        var configuration = ServerConfiguration()
        configuration.maxDrainedBody = 10
        let hello: @Sendable (RequestHead) -> RequestHandling = { _ in
            .respond(ResponseHead(status: 200), ByteBuffer(string: "hello"))
        }
        try await withServer(configuration, answer: hello) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings + Frame.request(stream: 1, post: true, isEnd: false))
            try await peer.send(Frame.data(stream: 1, [UInt8](repeating: 1, count: 100)))
            #expect(try await eventually { !Observed(peer).resetCodes.isEmpty })
            for _ in 0..<10 { try await peer.send(Frame.data(stream: 1, [1, 2, 3])) }
            try await peer.send(Frame.data(stream: 1, [1], isEnd: true) + Frame.ping(1))
            #expect(try await eventually { Observed(peer).isPingAnswered(1) })
            #expect(Observed(peer).goAwayCode == nil)
            // But after its end, nothing.
            try await peer.send(Frame.data(stream: 1, [1]))
            #expect(try await eventually { Observed(peer).goAwayCode == 5 && peer.isClosed })
        }
    }

    @Test("5.1.2 Streams beyond those allowed at once: REFUSED_STREAM, before their limit was acknowledged or after")
    func concurrentStreams() async throws {
        var configuration = ServerConfiguration()
        configuration.maxConcurrentStreams = 2
        for acknowledged in [false, true] {
            let open = [UInt32(1), 3, 5].flatMap { Frame.headers(Block.request("POST"), stream: $0, isEnd: false) }
            let frames = (acknowledged ? Frame.settingsAck : []) + open
            let expectation: ConformanceCase.Expectation = .streamError(.refusedStream, .protocolError)
            let name = "acknowledged: \(acknowledged)"
            try await EchoServer.run(.init("5.1.2", name, frames, expectation), configuration)
        }
    }

    @Test("3.4, 6.5 The server's first frame is SETTINGS; the client's are acknowledged")
    func serverPreface() async throws {
        try await withServer(answer: EchoServer.answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings)
            let isAcknowledged = try await eventually {
                Frame.parse(peer.received).contains { $0.type == 4 && $0.flags == 1 && $0.payload.isEmpty }
            }
            #expect(isAcknowledged)
            let first = try #require(Frame.parse(peer.received).first)
            #expect((first.type, first.flags, first.stream) == (4, 0, 0))
            await peer.close()
        }
    }

    @Test("5.4.1, 6.8 GOAWAY names the last stream that was acted on")
    func lastStream() async throws {
        try await withServer(answer: EchoServer.answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            let frames = Self.get + Frame.headers(Block.request(), stream: 5) + Frame.data(stream: 0, [1])
            try await peer.send(Frame.preface + Frame.settings + frames)
            try await peer.expectClosed()
            let goAway = Frame.parse(peer.received).first { $0.type == 7 }
            #expect(goAway?.payload.prefix(4) == [0, 0, 0, 5])
        }
    }
}
