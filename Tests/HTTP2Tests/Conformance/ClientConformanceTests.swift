import HTTP2
import NIOCore
import Testing
import TestSupport

/// RFC 9113 as a server can break it, and as our client must keep it.
@Suite("RFC 9113: client", .timeLimit(.minutes(1)))
struct ClientConformanceTests {
    private static func head(_ fields: [UInt8], isEnd: Bool = true, stream: UInt32 = 1) -> [UInt8] {
        Frame.headers(fields, stream: stream, isEnd: isEnd)
    }

    private static func malformed(_ section: String, _ name: String, _ fields: [UInt8]) -> ConformanceCase {
        .init(section, name, head(fields), .streamError(.protocolError))
    }

    private static let ok = Block.literal(":status", "200")

    static let cases: [ConformanceCase] = [
        .init("5.1.1", "a stream that the server opens", head(ok, stream: 2), .connectionError(.protocolError)),
        .init("5.1.1", "a response on a stream not opened yet", head(ok, stream: 9), .connectionError(.protocolError)),
        .init("5.1", "DATA on a stream not opened yet", Frame.data(stream: 9, [1]), .connectionError(.protocolError)),
        .init("6.5.2", "ENABLE_PUSH of 1", Frame.settings(id: 2, 1), .connectionError(.protocolError)),
        .init(
            "6.6",
            "PUSH_PROMISE, which was switched off",
            Frame.settingsAck + push,
            .connectionError(.protocolError)
        ),
        .init(
            "6.6",
            "PUSH_PROMISE on stream 0",
            Frame.make(type: 5, flags: 4, stream: 0, Frame.bytes(2) + Block.request()),
            .connectionError(.protocolError)
        ),
        .init("8.1", "DATA before the head", Frame.data(stream: 1, [1]), .streamError(.protocolError)),
        .init(
            "8.1",
            "an informational response that ends the stream",
            head(Block.literal(":status", "103")),
            .streamError(.protocolError)
        ),
        .init(
            "8.1",
            "a second final head",
            head(ok, isEnd: false) + head(ok, isEnd: false),
            .streamError(.protocolError)
        ),
        .init(
            "8.1",
            "trailers that do not end the stream",
            head(ok, isEnd: false) + head(Block.literal("a", "b"), isEnd: false),
            .streamError(.protocolError)
        ),
        .init("8.1", "a pseudo-header in trailers", head(ok, isEnd: false) + head(ok), .streamError(.protocolError)),
        .init(
            "8.1.1",
            "less than content-length",
            head(ok + Block.literal("content-length", "5"), isEnd: false) + Frame.data(stream: 1, [1], isEnd: true),
            .streamError(.protocolError)
        ),
        .init(
            "8.1.1",
            "more than content-length",
            head(ok + Block.literal("content-length", "1"), isEnd: false) + Frame.data(stream: 1, [1, 2]),
            .streamError(.protocolError)
        ),
        malformed("8.2", "an uppercase name", ok + Block.literal("Upper", "a")),
        malformed("8.2.1", "a line break in a value", ok + Block.literal("a", "b\r\nc: d")),
        malformed("8.2.2", "connection", ok + Block.literal("connection", "close")),
        malformed("8.2.2", "transfer-encoding", ok + Block.literal("transfer-encoding", "chunked")),
        malformed("8.3.2", "no status", Block.literal("a", "b")),
        malformed("8.3.2", "two statuses", ok + ok),
        malformed("8.3.2", "a status that is no number", Block.literal(":status", "2x0")),
        malformed("8.3", "a pseudo-header of requests", ok + Block.literal(":path", "/")),
        malformed("8.3", "a pseudo-header after a field", Block.literal("a", "b") + ok),
        malformed("8.6", "101, which HTTP/2 does not have", Block.literal(":status", "101")),
    ]

    private static let push = Frame.make(type: 5, flags: 4, stream: 1, Frame.bytes(2) + Block.request())

    @Test("What a server may not do", arguments: cases)
    func server(_ conformanceCase: ConformanceCase) async throws {
        try await ScriptedServer.run(conformanceCase, begin: Frame.settings)
    }

    @Test("3.4 The server's first frame is no SETTINGS")
    func serverPreface() async throws {
        let frames = Self.head(Self.ok)
        try await ScriptedServer.run(.init("3.4", "no SETTINGS", frames, .connectionError(.protocolError)), begin: [])
    }

    @Test("8.1 A body for HEAD is malformed; its content-length is not")
    func headRequest() async throws {
        let length = Self.ok + Block.literal("content-length", "5")
        for (frames, expectation) in [
            (Self.head(length, isEnd: false) + Frame.data(stream: 1, [1], isEnd: true), .streamError(.protocolError)),
            (Self.head(length), .ignored),
        ] as [([UInt8], ConformanceCase.Expectation)] {
            try await ScriptedServer.run(.init("8.1", "HEAD", frames, expectation), begin: Frame.settings) {
                connection in
                _ = try await connection.send(RequestHead(method: "HEAD", path: "/"), body: nil, maxBody: 10)
            }
        }
    }

    @Test("8.1 Informational responses, then the final one, its body in padded frames, then trailers")
    func wholeResponse() async throws {
        try await ScriptedServer.withScript({ peer in
            let early = Frame.headers(Block.literal(":status", "103") + Block.literal("link", "x"), isEnd: false)
            let body = Frame.make(type: 0, flags: 8, stream: 1, [3, 0x61, 0x62, 9, 9, 9])
            let frames = early + early + Self.head(Self.ok, isEnd: false) + body + Frame.data(stream: 1, [])
            try await peer.send(Frame.settings + frames + Self.head(Block.literal("trailer", "t")))
            _ = try await eventually { peer.isClosed }
        }) { port in
            try await withConnection(to: port) { connection in
                let (head, body) = try await connection.get("/", maxBody: 10)
                #expect(head == ResponseHead(status: 200))
                #expect(body == ByteBuffer(string: "ab"))
            }
        }
    }

    @Test("3.4, 6.5.2, 8.3.1 The client's preface, its settings, and the head of its request")
    func request() async throws {
        let seen = Waiting()
        try await ScriptedServer.withScript({ peer in
            let bytes = Array(peer.received.readableBytesView)
            seen.note("\(Array(bytes.prefix(24)) == Frame.preface)")
            let frames = Frame.parse(peer.received)
            seen.note("\(frames.first?.type ?? 99) \(frames.first?.stream ?? 99)")
            let payload = frames.first?.payload ?? []
            let entries = stride(from: 0, to: payload.count, by: 6).map { Array(payload[$0..<$0 + 6]) }
            seen.note("\(entries.contains([0, 2, 0, 0, 0, 0]))")
            try await peer.send(Frame.settings + Self.head(Self.ok))
            let isAcknowledged = try await eventually {
                Frame.parse(peer.received).contains { $0.type == 4 && $0.flags == 1 }
            }
            seen.note("\(isAcknowledged)")
            seen.note("\(Frame.parse(peer.received).filter { $0.type == 1 }.map(\.stream))")
        }) { port in
            try await withConnection(to: port) { connection in
                _ = try await connection.get("/", fields: ["Upper": "a", "connection": "close"], maxBody: 10)
            }
        }
        #expect(seen.notes == ["true", "4 0", "true", "true", "[1]"])
    }

    @Test("5.1.2 No more requests are open than the server allows; the others wait, and are made in order")
    func concurrentStreams() async throws {
        try await ScriptedServer.withScript({ peer in
            let heads = { Frame.parse(peer.received).filter { $0.type == 1 }.map(\.stream) }
            try await peer.send(Frame.settings(id: 3, 1))
            for number in 1...4 {
                let stream = UInt32(number * 2 - 1)
                guard try await eventually({ heads().last == stream }) else {
                    throw TestFailure("requests made: \(heads())")
                }
                try await peer.send(Frame.ping(UInt32(number)))
                guard try await eventually({ Observed(peer).isPingAnswered(UInt32(number)) }), heads().last == stream
                else { throw TestFailure("more than one request is open: \(heads())") }
                try await peer.send(Self.head(Self.ok, stream: stream))
            }
            _ = try await eventually { peer.isClosed }
        }) { port in
            try await withLimitedConnection(to: port)
        }
    }

    /// A first request alone, so that the server's limit of one is known, then three at once.
    private func withLimitedConnection(to port: Int) async throws {
        try await withConnection(to: port) { connection in
            _ = try await connection.get("/", maxBody: 10)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask { try await connection.get("/", maxBody: 10).0.status }
                }
                for try await status in group { #expect(status == 200) }
            }
        }
    }
}
