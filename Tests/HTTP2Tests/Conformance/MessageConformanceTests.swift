import HTTP2
import NIOCore
import Testing
import TestSupport

/// RFC 9113, section 8: messages; at a server.
@Suite("RFC 9113, 8: requests", .timeLimit(.minutes(1)))
struct MessageConformanceTests {
    private static let post = Frame.headers(Block.request("POST"), isEnd: false)

    private static func malformed(_ section: String, _ name: String, _ fields: [UInt8]) -> ConformanceCase {
        .init(section, name, Frame.headers(fields), .streamError(.protocolError))
    }

    private static func with(_ name: String, _ value: String) -> [UInt8] {
        Block.request() + Block.literal(name, value)
    }

    private static func withBytes(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] {
        Block.request() + [0, UInt8(name.count)] + name + [UInt8(value.count)] + value
    }

    static let sequences: [ConformanceCase] = [
        .init(
            "8.1",
            "trailers end a request",
            post + Frame.data(stream: 1, [0x61]) + Frame.headers(Block.literal("a", "b")),
            .answered("\n\na")
        ),
        .init(
            "8.1",
            "trailers that do not end the stream",
            post + Frame.headers(Block.literal("a", "b"), isEnd: false),
            .streamError(.protocolError)
        ),
        .init(
            "8.1",
            "a pseudo-header in trailers",
            post + Frame.headers(Block.literal(":path", "/")),
            .streamError(.protocolError)
        ),
        .init(
            "8.1",
            "a third HEADERS",
            post + Frame.headers(Block.literal("a", "b")) + Frame.headers(Block.literal("a", "b")),
            .streamError(.protocolError, .streamClosed)
        ),
        .init(
            "8.1.1",
            "content-length is kept",
            Frame.headers(Block.request("POST", "/", Block.literal("content-length", "1")), isEnd: false)
                + Frame.data(stream: 1, [0x61], isEnd: true),
            .answered("content-length: 1\n\na")
        ),
        .init(
            "8.1.1",
            "less than content-length",
            Frame.headers(Block.request("POST", "/", Block.literal("content-length", "5")), isEnd: false)
                + Frame.data(stream: 1, [0x61], isEnd: true),
            .streamError(.protocolError)
        ),
        .init(
            "8.1.1",
            "more than content-length",
            Frame.headers(Block.request("POST", "/", Block.literal("content-length", "1")), isEnd: false)
                + Frame.data(stream: 1, [0x61, 0x61], isEnd: true),
            .streamError(.protocolError)
        ),
        .init(
            "8.1.1",
            "more than content-length, in two frames",
            Frame.headers(Block.request("POST", "/", Block.literal("content-length", "1")), isEnd: false)
                + Frame.data(stream: 1, [0x61]) + Frame.data(stream: 1, [0x61], isEnd: true),
            .streamError(.protocolError)
        ),
        .init(
            "8.1.1",
            "content-length without a body",
            Frame.headers(with("content-length", "5")),
            .streamError(.protocolError)
        ),
        malformed("8.1.1", "two lengths", with("content-length", "0") + Block.literal("content-length", "1")),
        malformed("8.1.1", "a length that is none", with("content-length", "+1")),
    ]

    static let fields: [ConformanceCase] = [
        malformed("8.2", "an uppercase name", with("Upper", "a")),
        malformed("8.2.1", "an empty name", with("", "a")),
        malformed("8.2.1", "a space in a name", with("a b", "a")),
        malformed("8.2.1", "a colon in a name", with("a:b", "a")),
        malformed("8.2.1", "a control character in a name", withBytes([0x61, 0x01], [0x61])),
        malformed("8.2.1", "DEL in a name", withBytes([0x61, 0x7F], [0x61])),
        malformed("8.2.1", "a byte beyond ASCII in a name", withBytes([0x61, 0x80], [0x61])),
        malformed("8.2.1", "NUL in a value", withBytes([0x61], [0x61, 0, 0x61])),
        malformed("8.2.1", "LF in a value", withBytes([0x61], [0x61, 0x0A, 0x61])),
        malformed("8.2.1", "CR in a value", withBytes([0x61], [0x61, 0x0D, 0x61])),
        malformed("8.2.1", "a value that begins with a space", with("a", " b")),
        malformed("8.2.1", "a value that ends with a tab", with("a", "b\t")),
        .init("8.2.1", "a value of other bytes", Frame.headers(withBytes([0x61], [0xC3, 0xA4])), .answered("a: ä")),
        .init("8.2.1", "an empty value", Frame.headers(with("a", "")), .answered("a: \n")),
        malformed("8.2.2", "connection", with("connection", "close")),
        malformed("8.2.2", "keep-alive", with("keep-alive", "1")),
        malformed("8.2.2", "proxy-connection", with("proxy-connection", "close")),
        malformed("8.2.2", "transfer-encoding", with("transfer-encoding", "chunked")),
        malformed("8.2.2", "upgrade", with("upgrade", "h2c")),
        malformed("8.2.2", "te with anything but trailers", with("te", "gzip")),
        .init("8.2.2", "te: trailers", Frame.headers(with("te", "trailers")), .answered("te: trailers")),
    ]

    private static let scheme: [UInt8] = [0x86]
    private static let authority = Block.literal(":authority", "x")

    static let pseudo: [ConformanceCase] = [
        malformed("8.3", "an unknown pseudo-header", Block.request() + Block.literal(":other", "a")),
        malformed("8.3", "a pseudo-header of responses", Block.request() + Block.literal(":status", "200")),
        malformed("8.3", "a pseudo-header after a field", [0x82] + scheme + Block.literal("a", "b") + [0x84]),
        malformed("8.3.1", "no method", scheme + [0x84] + authority),
        malformed("8.3.1", "no scheme", [0x82, 0x84] + authority),
        malformed("8.3.1", "no path", [0x82] + scheme + authority),
        malformed("8.3.1", "an empty path", [0x82] + scheme + Block.literal(":path", "") + authority),
        malformed(
            "8.3.1",
            "a path that does not begin with /",
            [0x82] + scheme + Block.literal(":path", "a") + authority
        ),
        malformed("8.3.1", "two methods", [0x82, 0x82] + scheme + [0x84] + authority),
        malformed("8.3.1", "two schemes", [0x82] + scheme + scheme + [0x84] + authority),
        malformed("8.3.1", "two paths", [0x82] + scheme + [0x84, 0x84] + authority),
        malformed("8.3.1", "two authorities", [0x82] + scheme + [0x84] + authority + authority),
        malformed("8.3.1", "neither authority nor host", [0x82] + scheme + [0x84]),
        .init(
            "8.3.1",
            "host in place of the authority",
            Frame.headers([0x82] + scheme + [0x84] + Block.literal("host", "h")),
            .answered("GET / h\n")
        ),
        .init("8.3.1", "OPTIONS *", Frame.headers(Block.request("OPTIONS", "*")), .answered("OPTIONS * x")),
        malformed("8.5", "CONNECT with a path", Block.literal(":method", "CONNECT") + [0x84] + authority),
        malformed("8.5", "CONNECT with a scheme", Block.literal(":method", "CONNECT") + scheme + authority),
        malformed("8.5", "CONNECT without an authority", Block.literal(":method", "CONNECT")),
        malformed(
            "8.5",
            "extended CONNECT that was not offered (RFC 8441)",
            Block.literal(":method", "CONNECT") + scheme + [0x84] + authority + Block.literal(":protocol", "websocket")
        ),
    ]

    @Test("Sequences of frames", arguments: sequences)
    func sequence(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    @Test("Fields", arguments: fields)
    func field(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    @Test("Pseudo-headers", arguments: pseudo)
    func pseudoHeader(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    @Test("8.1 A response is complete before the request is: its rest is not wanted, without blame")
    func earlyResponse() async throws {
        var configuration = ServerConfiguration()
        configuration.maxDrainedBody = 10
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in .respond(ResponseHead(status: 200), nil) }
        try await withServer(configuration, answer: answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            let body = Frame.data(stream: 1, [UInt8](repeating: 0, count: 11))
            try await peer.send(Frame.preface + Frame.settings + Self.post + body)
            #expect(try await eventually { Observed(peer).resetCodes == [0] })
            #expect(Observed(peer).endedStreams == [1])
            await peer.close()
        }
    }
}
