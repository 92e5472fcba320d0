import HTTP2
import NIOCore
import Testing
import TestSupport

/// Frames that a peer sends and what the other side must make of them.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
    /// Section and sentence.
    let testDescription: String
    let frames: [UInt8]
    let expectation: Expectation

    init(_ section: String, _ name: String, _ frames: [UInt8], _ expectation: Expectation) {
        testDescription = "\(section) \(name)"
        self.frames = frames
        self.expectation = expectation
    }

    enum Expectation: Sendable {
        /// GOAWAY with one of these codes, then the end (RFC 9113, 5.4.1).
        case connectionErrors([ErrorCode])
        /// RST_STREAM with one of these codes. A connection error is allowed in its place (5.4.2).
        case streamErrors([ErrorCode])
        /// The connection is closed, with or without a word.
        case closed
        /// Nothing happens; the connection goes on.
        case ignored
        /// A response of status 200 whose body contains the text; the connection goes on.
        case answered(String)

        static func connectionError(_ codes: ErrorCode...) -> Self { .connectionErrors(codes) }
        static func streamError(_ codes: ErrorCode...) -> Self { .streamErrors(codes) }
    }

    /// RFC 9113, 7.
    enum ErrorCode: UInt32, Sendable {
        case protocolError = 1
        case flowControl = 3
        case streamClosed = 5
        case frameSize = 6
        case refusedStream = 7
        case cancel = 8
        case compression = 9
    }
}

/// What a test knows of a connection whose frames it writes and reads.
struct Observed {
    let frames: [Frame.Parsed]
    let isClosed: Bool

    init(_ peer: RawPeer) {
        isClosed = peer.isClosed
        frames = Frame.parse(peer.received)
    }

    func code(_ frame: Frame.Parsed) -> UInt32 { frame.payload.suffix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    var goAwayCode: UInt32? {
        frames.last { $0.type == 7 }.map { $0.payload[4..<8].reduce(0) { $0 << 8 | UInt32($1) } }
    }

    var resetCodes: [UInt32] { frames.filter { $0.type == 3 }.map(code) }

    /// The last PING was answered.
    func isPingAnswered(_ number: UInt32) -> Bool {
        frames.contains { $0.type == 6 && $0.flags & 1 == 1 && $0.payload.suffix(4) == Frame.bytes(number).suffix(4) }
    }

    /// All body bytes.
    var bodies: String {
        String(decoding: frames.filter { $0.type == 0 }.flatMap(\.payload), as: UTF8.self)
    }

    /// Stream ends of the other side.
    var endedStreams: [UInt32] { frames.filter { ($0.type == 0 || $0.type == 1) && $0.flags & 1 == 1 }.map(\.stream) }
}

extension ConformanceCase {
    static let pingNumber: UInt32 = 0x5EED

    /// Sends the frames and a PING after them, and waits for what is expected.
    func run(against peer: RawPeer) async throws {
        peer.sendSoon(frames + Frame.ping(Self.pingNumber))
        guard try await !eventually({ holds(Observed(peer)) }) else { return }
        let observed = Observed(peer)
        let seen = observed.frames.map {
            "type \($0.type) flags \($0.flags) stream \($0.stream) \($0.payload.suffix(8))"
        }
        let state = observed.isClosed ? "closed" : "open"
        throw TestFailure("\(testDescription): not \(expectation), but \(state) after \(seen.joined(separator: "; "))")
    }

    func holds(_ observed: Observed) -> Bool {
        switch expectation {
        case .connectionErrors(let codes):
            return observed.isClosed && observed.goAwayCode.map { codes.map(\.rawValue).contains($0) } ?? false
        case .streamErrors(let codes):
            let expected = codes.map(\.rawValue)
            if let code = observed.goAwayCode { return observed.isClosed && expected.contains(code) }
            return observed.resetCodes.contains { expected.contains($0) } && observed.isPingAnswered(Self.pingNumber)
        case .closed:
            return observed.isClosed
        case .ignored:
            return observed.isPingAnswered(Self.pingNumber) && !observed.isClosed && observed.resetCodes.isEmpty
        case .answered(let text):
            return observed.isPingAnswered(Self.pingNumber) && observed.bodies.contains(text)
                && !observed.endedStreams.isEmpty && !observed.isClosed
        }
    }
}

/// A server that says what it was asked: method, path, authority, fields in their order, body.
enum EchoServer {
    static let answer: @Sendable (RequestHead) -> RequestHandling = { request in
        .run { body, response in
            let whole = try await body.collect(upTo: 1_000_000)
            var text = "\(request.method) \(request.path) \(request.authority)\n"
            for (name, value) in request.fields { text += "\(name): \(value)\n" }
            try await response.send(ResponseHead(status: 200))
            try await response.write(ByteBuffer(string: text + "\n" + String(buffer: whole)))
            try await response.finish()
        }
    }

    /// Runs all cases, each on a connection of its own that has said hello (unless told not to), a few at a time.
    static func run(_ conformanceCase: ConformanceCase, _ configuration: ServerConfiguration, saysHello: Bool = true)
        async throws
    {
        try await withServer(configuration, answer: answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            if saysHello {
                try await peer.send(Frame.preface + Frame.settings)
            }
            try await conformanceCase.run(against: peer)
            await peer.close()
        }
    }
}
