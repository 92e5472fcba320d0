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
        Frame.parse(peer.received).filter { $0.type == 3 }.map(\.stream)
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
}
