import HTTP2
import NIOCore
import Testing
import TestSupport

/// RFC 9113, section 6: each type of frame; at a server and at a client.
@Suite("RFC 9113, 6: types of frames", .timeLimit(.minutes(1)))
struct FrameConformanceTests {
    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ count: Int) -> [UInt8] {
        Frame.make(type: type, flags: flags, stream: stream, [UInt8](repeating: 0, count: count))
    }

    /// Stream 1 is open, at a client as well as at a server.
    static let both: [ConformanceCase] = [
        .init("6.1", "DATA on stream 0", Frame.data(stream: 0, [1]), .connectionError(.protocolError)),
        .init(
            "6.1",
            "DATA with more padding than payload",
            Frame.make(type: 0, flags: 8, stream: 1, [2, 0]),
            .connectionError(.protocolError)
        ),
        .init(
            "6.1",
            "DATA without its pad length",
            Frame.make(type: 0, flags: 8, stream: 1, []),
            .connectionError(.protocolError, .frameSize)
        ),
        .init(
            "6.2",
            "HEADERS on stream 0",
            Frame.headers(Block.request(), stream: 0),
            .connectionError(.protocolError)
        ),
        .init(
            "6.2",
            "HEADERS with more padding than payload",
            Frame.make(type: 1, flags: 0xC, stream: 1, [9, 0x82]),
            .connectionError(.protocolError)
        ),
        .init(
            "6.2",
            "HEADERS without their priority",
            Frame.make(type: 1, flags: 0x24, stream: 1, [0, 0]),
            .connectionError(.frameSize)
        ),
        .init("6.3", "PRIORITY on stream 0", frame(2, 0, 0, 5), .connectionError(.protocolError)),
        .init("6.3", "PRIORITY of 4 bytes", frame(2, 0, 1, 4), .streamError(.frameSize)),
        .init("6.3", "PRIORITY has no effect", Frame.make(type: 2, flags: 0, stream: 1, [0, 0, 0, 3, 5]), .ignored),
        .init("6.4", "RST_STREAM on stream 0", Frame.reset(stream: 0, 8), .connectionError(.protocolError)),
        .init("6.4", "RST_STREAM of 3 bytes", frame(3, 0, 1, 3), .connectionError(.frameSize)),
        .init("6.4", "RST_STREAM of 5 bytes", frame(3, 0, 1, 5), .connectionError(.frameSize)),
        .init("6.5", "SETTINGS on a stream", frame(4, 0, 1, 0), .connectionError(.protocolError)),
        .init("6.5", "an acknowledgement with a payload", frame(4, 1, 0, 6), .connectionError(.frameSize)),
        .init("6.5", "SETTINGS of 5 bytes", frame(4, 0, 0, 5), .connectionError(.frameSize)),
        .init("6.5.2", "unknown settings are ignored", Frame.settings(id: 0xFEED, 1), .ignored),
        .init("6.5.2", "ENABLE_PUSH of 2", Frame.settings(id: 2, 2), .connectionError(.protocolError)),
        .init(
            "6.5.2",
            "INITIAL_WINDOW_SIZE of 2^31",
            Frame.settings(id: 4, 0x8000_0000),
            .connectionError(.flowControl)
        ),
        .init("6.5.2", "MAX_FRAME_SIZE of 16,383", Frame.settings(id: 5, 16_383), .connectionError(.protocolError)),
        .init("6.5.2", "MAX_FRAME_SIZE of 2^24", Frame.settings(id: 5, 1 << 24), .connectionError(.protocolError)),
        .init("6.5.2", "the largest MAX_FRAME_SIZE", Frame.settings(id: 5, 1 << 24 - 1), .ignored),
        .init("6.7", "PING on a stream", frame(6, 0, 1, 8), .connectionError(.protocolError)),
        .init("6.7", "PING of 7 bytes", frame(6, 0, 0, 7), .connectionError(.frameSize)),
        .init("6.7", "PING of 9 bytes", frame(6, 0, 0, 9), .connectionError(.frameSize)),
        .init("6.7", "an answer to no PING is not answered", Frame.ping(1, isAck: true), .ignored),
        .init(
            "6.8",
            "GOAWAY on a stream",
            Frame.make(type: 7, flags: 0, stream: 1, Frame.bytes(0) + Frame.bytes(0)),
            .connectionError(.protocolError)
        ),
        .init("6.8", "GOAWAY of 7 bytes", frame(7, 0, 0, 7), .connectionError(.frameSize)),
        .init(
            "6.9",
            "WINDOW_UPDATE of 0 on the connection",
            Frame.windowUpdate(stream: 0, 0),
            .connectionError(.protocolError)
        ),
        .init("6.9", "WINDOW_UPDATE of 0 on a stream", Frame.windowUpdate(stream: 1, 0), .streamError(.protocolError)),
        .init("6.9", "WINDOW_UPDATE of 3 bytes", frame(8, 0, 0, 3), .connectionError(.frameSize)),
        .init("6.9", "WINDOW_UPDATE of 5 bytes", frame(8, 0, 1, 5), .connectionError(.frameSize)),
        .init(
            "6.9",
            "the reserved bit of WINDOW_UPDATE is ignored",
            Frame.windowUpdate(stream: 1, 0x8000_0001),
            .ignored
        ),
        .init(
            "6.9.1",
            "a connection's window beyond 2^31 - 1",
            Frame.windowUpdate(stream: 0, 0x7FFF_FFFF),
            .connectionError(.flowControl)
        ),
        .init(
            "6.9.1",
            "a stream's window beyond 2^31 - 1",
            Frame.windowUpdate(stream: 1, 0x7FFF_FFFF),
            .streamError(.flowControl)
        ),
        .init("6.10", "CONTINUATION on stream 0", Frame.continuation([], stream: 0), .connectionError(.protocolError)),
        .init("6.10", "CONTINUATION after nothing", Frame.continuation([0x88]), .connectionError(.protocolError)),
        .init("7", "an unknown error code", Frame.reset(stream: 1, 0xABCD), .ignored),
    ]

    /// Where nghttp2 departs from the RFC, which asks for a connection error: docs/ARCHITECTURE.md, "HTTP/2".
    static let departures: [ConformanceCase] = [
        .init(
            "6.9.2",
            "SETTINGS that take a window beyond 2^31 - 1 cost the stream",
            Frame.windowUpdate(stream: 1, 65_536) + Frame.settings(id: 4, 0x7FFF_FFFF),
            .streamError(.flowControl)
        )
    ]

    static let serverOnly: [ConformanceCase] = [
        .init(
            "6.1",
            "padding does not become body",
            Frame.make(type: 0, flags: 9, stream: 1, [2, 0x61, 0, 0]),
            .answered("POST / x\n\na")
        ),
        .init(
            "6.1",
            "padding need not be zero",
            Frame.make(type: 0, flags: 9, stream: 1, [2, 0x61, 7, 7]),
            .answered("\n\na")
        ),
        .init(
            "6.2",
            "HEADERS with padding and priority",
            Frame.make(type: 1, flags: 0x2D, stream: 3, [1, 0, 0, 0, 0, 9] + Block.request() + [0]),
            .answered("GET / x")
        ),
        .init(
            "6.6",
            "PUSH_PROMISE from a client",
            Frame.make(type: 5, flags: 4, stream: 1, Frame.bytes(2) + Block.request()),
            .connectionError(.protocolError)
        ),
        .init(
            "6.10",
            "CONTINUATION after the end of a field block",
            Frame.headers(Block.request(), stream: 3) + Frame.continuation([0x88], stream: 3),
            .connectionError(.protocolError)
        ),
        .init(
            "6.10",
            "CONTINUATION on another stream",
            Frame.make(type: 1, flags: 1, stream: 3, Block.request()) + Frame.continuation([], stream: 1),
            .connectionError(.protocolError)
        ),
        .init(
            "6.10",
            "CONTINUATION after DATA",
            Frame.data(stream: 1, [1]) + Frame.continuation([0x88]),
            .connectionError(.protocolError)
        ),
    ]

    @Test("At a server", arguments: both + departures + serverOnly)
    func server(_ conformanceCase: ConformanceCase) async throws {
        let open = Frame.headers(Block.request("POST"), isEnd: false)
        let frames = open + conformanceCase.frames
        let opened = ConformanceCase("", conformanceCase.testDescription, frames, conformanceCase.expectation)
        try await EchoServer.run(opened, ServerConfiguration())
    }

    @Test("At a client", arguments: both + departures)
    func client(_ conformanceCase: ConformanceCase) async throws {
        try await ScriptedServer.run(conformanceCase, begin: Frame.settings)
    }

    @Test("6.9.1 Bytes beyond a window that we gave are a flow control error", arguments: [false, true])
    func windowExceeded(connection: Bool) async throws {
        var configuration = ServerConfiguration()
        configuration.streamWindow = connection ? 1 << 20 : 1000
        configuration.connectionWindow = 65_535
        let piece = [UInt8](repeating: 0, count: connection ? 16_384 : 1001)
        let body = Array(repeatElement(Frame.data(stream: 1, piece), count: connection ? 5 : 1).joined())
        // The window of the stream holds only once the client has seen it: acknowledge it.
        let frames = Frame.settingsAck + Frame.headers(Block.request("POST"), isEnd: false) + body
        let name = connection ? "of the connection" : "of a stream"
        // A handler that takes nothing: windows do not grow.
        try await withServer(configuration, answer: { _ in .run { _, _ in try await Task.sleep(for: .seconds(20)) } }) {
            _,
            port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings)
            try await ConformanceCase("6.9.1", name, frames, .streamError(.flowControl)).run(against: peer)
            await peer.close()
        }
    }

    @Test(
        "6.9, 6.9.2 Not a byte more is sent than the windows allow, also when SETTINGS change them to less than nothing"
    )
    func windowsAreKept() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .respond(ResponseHead(status: 200), pattern(100_000))
        }
        try await withServer(answer: answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            let sent = { Frame.parse(peer.received).filter { $0.type == 0 }.map(\.payload.count).reduce(0, +) }
            func expect(_ count: Int, after frames: [UInt8], ping: UInt32) async throws {
                try await peer.send(frames + Frame.ping(ping))
                let isAnswered = try await eventually { Observed(peer).isPingAnswered(ping) && sent() >= count }
                #expect(isAnswered)
                #expect(sent() == count)
            }
            try await peer.send(Frame.preface + Frame.settings(id: 4, 100))
            try await expect(100, after: Frame.headers(Block.request()), ping: 1)
            try await expect(150, after: Frame.windowUpdate(stream: 1, 50), ping: 2)
            try await expect(250, after: Frame.settings(id: 4, 200), ping: 3)
            // 250 are out, so that the window is -150 now.
            try await expect(250, after: Frame.settings(id: 4, 50) + Frame.windowUpdate(stream: 1, 150), ping: 4)
            try await expect(251, after: Frame.windowUpdate(stream: 1, 1), ping: 5)
            try await expect(65_535, after: Frame.windowUpdate(stream: 1, 1_000_000), ping: 6)
            try await expect(100_000, after: Frame.windowUpdate(stream: 0, 1_000_000), ping: 7)
            await peer.close()
        }
    }

    @Test("6.5.3 Settings hold in the order in which they stand; each frame is acknowledged")
    func settingsOrder() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .respond(ResponseHead(status: 200), pattern(100))
        }
        try await withServer(answer: answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            let window = { (size: UInt8) -> [UInt8] in [0, 4, 0, 0, 0, size] }
            let settings = Frame.make(type: 4, flags: 0, stream: 0, window(90) + window(5) + window(10))
            try await peer.send(Frame.preface + settings + Frame.settings + Frame.headers(Block.request()))
            try await peer.send(Frame.ping(1))
            #expect(try await eventually { Observed(peer).isPingAnswered(1) && Observed(peer).bodies.utf8.count >= 10 })
            let frames = Frame.parse(peer.received)
            #expect(frames.filter { $0.type == 0 }.map(\.payload.count) == [10])
            #expect(frames.filter { $0.type == 4 && $0.flags == 1 }.count == 2)
            await peer.close()
        }
    }

    @Test("6.7 PING is answered with its own bytes, before the responses that wait")
    func ping() async throws {
        try await withServer(answer: EchoServer.answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            let payload: [UInt8] = [0, 255, 1, 254, 2, 253, 3, 252]
            try await peer.send(Frame.preface + Frame.settings + Frame.make(type: 6, flags: 0, stream: 0, payload))
            let isAnswered = try await eventually {
                Frame.parse(peer.received).contains { $0.type == 6 && $0.flags == 1 && $0.payload == payload }
            }
            #expect(isAnswered)
            await peer.close()
        }
    }
}
