import HTTP2
import NIOCore
import Testing
import TestSupport

/// A server that is attacked while an honest client goes on being served.
struct Siege {
    let server: HTTPServer
    let port: Int
    let log: LimitLog

    /// What `withSiege` serves: `/` at once, `/large` a megabyte, `/alone` another one each time, `/slow` never to its end,
    /// `/short` by a task.
    static let answer: @Sendable (RequestHead) -> RequestHandling = { request in
        switch request.path {
        case "/large":
            .respond(ResponseHead(status: 200), largeBody)
        case "/alone":
            .respond(ResponseHead(status: 200), pattern(1_000_000))
        case "/short":
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                try await response.write(ByteBuffer(string: "hello"))
                try await response.finish()
            }
        case "/slow":
            .run { _, response in
                try await response.send(ResponseHead(status: 200))
                try await Task.sleep(for: .seconds(30))
            }
        case "/collect":
            .run { body, response in
                let whole = try await body.collect(upTo: 1_000_000)
                try await response.send(ResponseHead(status: 200))
                try await response.write(whole)
                try await response.finish()
            }
        default:
            .respond(ResponseHead(status: 200), ByteBuffer(string: "hello"))
        }
    }

    private static let largeBody = pattern(1_000_000)

    /// A peer that has said hello in HTTP/2.
    func attacker(reads: Bool = true) async throws -> RawPeer {
        let peer = try await RawPeer.connect(to: port, reads: reads)
        try await peer.send(Frame.preface + Frame.settings)
        return peer
    }

    /// Sends `bytes` again and again until the server closes, a hundred times at most.
    func flood(_ peer: RawPeer, with bytes: (Int) -> [UInt8]) async throws {
        for round in 0..<100 where !peer.isClosed {
            // The server may close in the middle of it.
            try? await peer.send(bytes(round))
        }
        try await peer.expectClosed()
    }

    /// The server noted `limit`.
    func expect(_ limit: TransportLimit, location: SourceLocation = #_sourceLocation) async throws {
        let isNoted = try await eventually { log.count(limit) > 0 }
        #expect(isNoted, "not noted: \(limit); but: \(log.limits)", sourceLocation: location)
    }
}

/// Runs `attack` against a server; an honest client is served on one connection before, during and after it.
func withSiege(
    _ configuration: ServerConfiguration = ServerConfiguration(),
    _ attack: (Siege) async throws -> Void
) async throws {
    let log = LimitLog()
    var configuration = configuration
    configuration.onLimit = { log.note($0) }
    try await withServer(configuration, answer: Siege.answer) { server, port in
        try await withConnection(to: port) { honest in
            let (first, _) = try await honest.get("/", maxBody: 10)
            #expect(first.status == 200)
            let isOver = Waiting()
            let client = Task {
                var served = 0
                while isOver.notes.isEmpty, served < 10_000 {
                    let (head, body) = try await honest.get("/", maxBody: 10)
                    guard head.status == 200, String(buffer: body) == "hello" else {
                        throw TestFailure("the honest client got \(head.status)")
                    }
                    served += 1
                    try await Task.sleep(for: .milliseconds(5))
                }
                return served
            }
            do {
                try await attack(Siege(server: server, port: port, log: log))
            } catch {
                isOver.note("failed")
                throw error
            }
            isOver.note("over")
            _ = try await client.value
            let (last, _) = try await honest.get("/", maxBody: 10)
            #expect(last.status == 200)
            #expect(try await eventually { server.connectionCount == 1 }, "the attacker's connection is still there")
        }
    }
}

extension RawPeer {
    /// The error codes of the GOAWAY frames received.
    var goAwayCodes: [UInt32] {
        Frame.parse(received).filter { $0.type == 7 && $0.payload.count >= 8 }.map { frame in
            frame.payload[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
        }
    }
}
