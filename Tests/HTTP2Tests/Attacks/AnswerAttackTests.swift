import HTTP2
import NIOCore
import Testing
import TestSupport

/// Streams that end, or are to end, in another way than by their answer.
@Suite("Answers that are overtaken", .timeLimit(.minutes(2)))
struct AnswerAttackTests {
    /// One entry of the dynamic table, named six times: 24 KB in 4 KB.
    private static let largeTrailers =
        Block.indexed("x", String(repeating: "a", count: 4000))
        + [UInt8](repeating: 0xBE, count: 5)

    private static func reset(_ peer: RawPeer) -> [UInt32] {
        // Without a look at the payloads, which may be megabytes.
        var (bytes, streams) = (peer.received, [UInt32]())
        if bytes.getBytes(at: bytes.readerIndex, length: Frame.preface.count) == Frame.preface {
            bytes.moveReaderIndex(forwardBy: Frame.preface.count)
        }
        while let head = bytes.readInteger(as: UInt64.self), let last = bytes.readInteger(as: UInt8.self) {
            guard bytes.readSlice(length: Int(head >> 40)) != nil else { break }
            if UInt8(truncatingIfNeeded: head >> 32) == 3 {
                streams.append(UInt32(truncatingIfNeeded: head) << 8 | UInt32(last))
            }
        }
        return streams
    }

    @Test("Trailers beyond the limit reset their stream, answered or not; nothing is answered twice")
    func largeTrailers() async throws {
        try await withSiege { siege in
            for path in ["/large", "/collect", "/slow", "/"] {
                let peer = try await siege.attacker()
                try await peer.send(Frame.settings(id: 4, 0))
                let streams = (0..<20).map { UInt32($0 * 2 + 1) }
                let heads = streams.flatMap { Frame.headers(Block.request("GET", path), stream: $0, isEnd: false) }
                let trailers = streams.flatMap { Frame.headers(Self.largeTrailers, stream: $0) }
                try await peer.send(heads + Frame.ping(1))
                #expect(try await eventually { Observed(peer).isPingAnswered(1) })
                try await peer.send(trailers + Frame.ping(2))
                #expect(try await eventually { Observed(peer).isPingAnswered(2) })
                #expect(Set(Self.reset(peer)) == Set(streams))
                try await peer.send(streams.flatMap { Frame.windowUpdate(stream: $0, 1000) } + Frame.ping(3))
                #expect(try await eventually { Observed(peer).isPingAnswered(3) })
                let answers = Frame.parse(peer.received).filter { $0.type == 1 }.map(\.stream)
                #expect(Set(answers).count == answers.count, "\(path): \(answers)")
                await peer.close()
            }
            try await siege.expect(.headerList)
        }
    }

    @Test("Trailers beyond the limit that come with their head")
    func largeTrailersAtOnce() async throws {
        try await withSiege { siege in
            let peer = try await siege.attacker()
            let streams = (0..<20).map { UInt32($0 * 2 + 1) }
            let requests = streams.flatMap { stream in
                Frame.headers(Block.request("GET", "/large"), stream: stream, isEnd: false)
                    + Frame.headers(Self.largeTrailers, stream: stream)
            }
            try await peer.send(requests + Frame.ping(1))
            #expect(try await eventually { Observed(peer).isPingAnswered(1) })
            #expect(Set(Self.reset(peer)) == Set(streams))
            await peer.close()
        }
    }

    @Test("Requests that are reset at once leave nothing behind")
    func resetAtOnce() async throws {
        var configuration = ServerConfiguration()
        configuration.maxMemory = 16_000_000
        try await withSiege(configuration) { siege in
            let peer = try await siege.attacker()
            try await peer.send(Frame.settings(id: 4, 0))
            for stream in stride(from: UInt32(1), to: 40, by: 2) {
                // In one segment, so that the server reads both before it answers.
                try await peer.send(
                    Frame.headers(Block.request("GET", "/alone"), stream: stream) + Frame.reset(stream: stream, 8)
                )
                try await peer.send(Frame.ping(stream))
                #expect(try await eventually { Observed(peer).isPingAnswered(stream) })
            }
            #expect(siege.log.count(.memory) == 0)
            #expect(!peer.isClosed)
            await peer.close()
        }
    }

    private static let body = ByteBuffer(repeating: 1, count: 40_000)
    private static let streams = (0..<400).map { UInt32($0 * 2 + 1) }

    /// The most that a frame may carry so that the next one does not fit into the same output, and waits announced.
    private static let window = Frame.settings(id: 4, 15_500) + Frame.windowUpdate(stream: 0, 1 << 30)

    @Test("An answer that fails while a frame of it is announced and the peer does not read")
    func failsWhileAnnounced() async throws {
        var configuration = ServerConfiguration()
        configuration.maxConcurrentStreams = Self.streams.count
        configuration.frameRates.provokedResets = FrameRate(burst: 1000, perSecond: 1)
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                try await response.write(Self.body)
                try await Task.sleep(for: .seconds(60))
            }
        }
        try await withServer(configuration, answer: answer) { server, port in
            let peer = try await RawPeer.connect(to: port, receiveBuffer: 8192)
            let heads = Self.streams.flatMap { Frame.headers(Block.request(), stream: $0, isEnd: false) }
            try await peer.send(Frame.preface + Frame.settings(id: 4, 0) + heads)
            let areAnswered = try await eventually {
                Frame.parse(peer.received).filter { $0.type == 1 }.count == Self.streams.count
            }
            #expect(areAnswered)
            try await peer.read(false)
            try await peer.send(Self.window)
            // Until the server can send no more.
            try await Task.sleep(for: .milliseconds(500))
            try await peer.send(Self.streams.flatMap { Frame.headers(Self.largeTrailers, stream: $0) })
            try await Task.sleep(for: .milliseconds(200))
            try await peer.read(true)
            #expect(try await eventually { Set(Self.reset(peer)) == Set(Self.streams) })
            #expect(Self.reset(peer).count == Self.streams.count)
            await peer.close()
        }
    }

    @Test("A client's body that is given up while a frame of it is announced and the server does not read")
    func givenUpWhileAnnounced() async throws {
        try await ScriptedServer.withScript({ peer in
            try await peer.send(Frame.settings(id: 4, 0))
            let areOpen = try await eventually {
                Frame.parse(peer.received).filter { $0.type == 1 }.count == Self.streams.count
            }
            guard areOpen else { throw TestFailure("the client did not make its requests") }
            try await peer.read(false)
            try await peer.send(Self.window)
            try await Task.sleep(for: .milliseconds(500))
            // An answer to the last, by which the client knows that it is to give up.
            try await peer.send(Frame.response(stream: 1))
            try await Task.sleep(for: .milliseconds(500))
            try await peer.read(true)
            guard try await eventually({ Set(Self.reset(peer)) == Set(Self.streams) }) else {
                throw TestFailure("streams that were not reset: \(Self.streams.count - Self.reset(peer).count)")
            }
        }) { port in
            try await withConnection(to: port) { connection in
                var open: [ClientStream] = []
                for _ in Self.streams {
                    let stream = try await connection.open(RequestHead(method: "POST", path: "/"))
                    try await stream.write(Self.body)
                    open.append(stream)
                }
                _ = try await open[0].response()
                for stream in open { stream.reset() }
                await connection.waitUntilClosed()
            }
        }
    }
}
