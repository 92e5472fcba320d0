import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("Round trips measured by PING", .timeLimit(.minutes(1)))
struct RoundTripTests {
    private static let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
        .run { _, response in
            try await response.send(ResponseHead(status: 200))
            try await response.finish()
        }
    }

    @Test("The time is that of an answer, also beside keepalive and between requests")
    func times() async throws {
        var client = ClientConfiguration()
        client.keepalive = Keepalive(interval: .milliseconds(20), timeout: .seconds(2))
        try await withServer(answer: Self.answer) { _, port in
            try await withConnection(to: port, client) { connection in
                for _ in 0..<20 {
                    let time = try await connection.roundTrip(within: .seconds(5))
                    #expect(time > .zero && time < .seconds(1))
                    let answer = try await connection.get("/", maxBody: 10).0
                    #expect(answer.status == 200)
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
        }
    }

    @Test("Eight may wait at once; one more is refused at once, and the eight have their answers")
    func limit() async throws {
        try await withServer(answer: Self.answer) { _, port in
            try await withConnection(to: port) { connection in
                let outcomes = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<40 {
                        group.addTask { (try? await connection.roundTrip(within: .seconds(5))) != nil }
                    }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(outcomes >= 8)
                let later = try await connection.roundTrip(within: .seconds(5))
                #expect(later > .zero)
            }
        }
    }

    @Test("A peer that does not answer is waited for no longer than was said")
    func silence() async throws {
        let (listener, port) = try await RawPeer.listen { peer in
            try await peer.send(Frame.settings)
            try await Task.sleep(for: .seconds(5))
        }
        try await withConnection(to: port) { connection in
            await #expect(throws: HTTPError(.timeout, "")) {
                try await connection.roundTrip(within: .milliseconds(100))
            }
            #expect(connection.isOpen)
        }
        try await listener.close()
    }

    @Test("Of a connection that is closed there is none")
    func closed() async throws {
        try await withServer(answer: Self.answer) { _, port in
            try await withConnection(to: port) { connection in
                await connection.close()
                let time = try? await connection.roundTrip(within: .seconds(5))
                #expect(time == nil)
            }
        }
    }
}
