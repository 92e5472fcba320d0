import HTTP2
import NIOCore
import Testing
import TestSupport

/// Connections of one event loop share the memory in which heads arrive; a head that comes in pieces must not mix with
/// others.
@Suite("Heads in pieces", .timeLimit(.minutes(1)))
struct ReceivedHeadsTests {
    private static func literal(_ index: UInt8, _ text: String) -> [UInt8] {
        [index, UInt8(text.utf8.count)] + Array(text.utf8)
    }

    /// GET of a path, with the field `x-mark`.
    private static func request(stream: UInt32, path: String, mark: String) -> [UInt8] {
        let fields = [0x82, 0x86] + literal(0x04, path) + literal(0x01, "x")
        let field = [0x00] + [UInt8(6)] + Array("x-mark".utf8) + [UInt8(mark.utf8.count)] + Array(mark.utf8)
        return Frame.make(type: 1, flags: 0x5, stream: stream, fields + field)
    }

    private static func ping(_ number: UInt8) -> [UInt8] {
        Frame.make(type: 6, flags: 0, stream: 0, [UInt8](repeating: number, count: 8))
    }

    private static func isAnswered(_ peer: RawPeer, ping number: UInt8) -> Bool {
        Frame.parse(peer.received).contains { $0.type == 6 && $0.flags == 1 && $0.payload.first == number }
    }

    @Test("Several connections, each with a head cut anywhere", arguments: [1, 5, 14, 18, 25, 30])
    func pieces(cut: Int) async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { request in
            .respond(ResponseHead(status: 200), ByteBuffer(string: "\(request.path) \(request.fields["x-mark"] ?? "")"))
        }
        try await withServer(answer: answer) { _, port in
            // More than there are event loops, so that some share one.
            var peers: [RawPeer] = []
            for _ in 0..<6 { peers.append(try await RawPeer.connect(to: port)) }
            for (number, peer) in peers.enumerated() {
                let first = Self.request(stream: 1, path: "/first\(number)", mark: "a\(number)")
                let second = Self.request(stream: 3, path: "/second\(number)", mark: "b\(number)")
                let start = Frame.preface + Frame.settings + Self.ping(1) + first + second.prefix(9 + cut)
                try await peer.send(start)
            }
            // The answer to the PING: what came with it has been read.
            for peer in peers { #expect(try await eventually { Self.isAnswered(peer, ping: 1) }) }
            for (number, peer) in peers.enumerated() {
                let second = Self.request(stream: 3, path: "/second\(number)", mark: "b\(number)")
                let third = Self.request(stream: 5, path: "/third\(number)", mark: "c\(number)")
                try await peer.send(second.dropFirst(9 + cut) + third)
            }
            for (number, peer) in peers.enumerated() {
                for (stream, text) in [(1, "/first\(number) a"), (3, "/second\(number) b"), (5, "/third\(number) c")] {
                    let expected = ByteBuffer(string: "\(text)\(number)")
                    let isThere = try await eventually {
                        Frame.parse(peer.received).contains {
                            $0.type == 0 && $0.stream == UInt32(stream) && ByteBuffer(bytes: $0.payload) == expected
                        }
                    }
                    #expect(isThere, "stream \(stream) of connection \(number)")
                }
                await peer.close()
            }
        }
    }
}
