import HTTP2
import NIOCore
import Testing
import TestSupport

/// Frames that cost the server more than the peer, each kind until its limit.
@Suite("Floods of frames", .timeLimit(.minutes(2)))
struct FloodAttackTests {
    struct Flood: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let limit: TransportLimit
        /// What is sent first.
        var begin: [UInt8] = []
        /// What is sent again and again; the argument counts from 0.
        let round: @Sendable (Int) -> [UInt8]

        static func repeated(_ name: String, _ limit: TransportLimit, _ frame: [UInt8], begin: [UInt8] = []) -> Flood {
            let round = Array(repeatElement(frame, count: 100).joined())
            return Flood(testDescription: name, limit: limit, begin: begin) { _ in round }
        }

        /// Requests, each followed by `frame` on its stream.
        static func requests(_ name: String, _ limit: TransportLimit, _ frame: @escaping @Sendable (UInt32) -> [UInt8])
            -> Flood
        {
            Flood(testDescription: name, limit: limit) { round in
                (0..<50).flatMap { number in
                    let stream = UInt32((round * 50 + number) * 2 + 1)
                    return Frame.request(stream: stream, post: true, isEnd: false) + frame(stream)
                }
            }
        }
    }

    private static let ping = Frame.make(type: 6, flags: 0, stream: 0, [0, 1, 2, 3, 4, 5, 6, 7])
    private static let pong = Frame.make(type: 6, flags: 1, stream: 0, [0, 1, 2, 3, 4, 5, 6, 7])
    private static let openStream = Frame.request(stream: 1, post: true, isEnd: false)
    private static let openBlock = Frame.make(type: 1, flags: 0, stream: 1, [0x82])

    static let floods: [Flood] = [
        .requests("rapid reset (CVE-2023-44487)", .resets) { Frame.reset(stream: $0, 8) },
        .requests("made you reset by a window too large (CVE-2025-8671)", .provokedResets) {
            Frame.windowUpdate(stream: $0, 0x7FFF_FFFF)
        },
        Flood(
            testDescription: "made you reset by a body that contradicts its length",
            limit: .provokedResets,
            begin: [],
            round: { round in
                // Requests that say content-length: 5 and bring one byte.
                (0..<50).flatMap { place in
                    let stream = UInt32((round * 50 + place) * 2 + 3)
                    return Frame.make(type: 1, flags: 0x4, stream: stream, contentLength5)
                        + Frame.data(stream: stream, [1], isEnd: true)
                }
            }
        ),
        Flood(
            testDescription: "heads that are too large",
            limit: .provokedResets,
            begin: Frame.headers(Block.request("GET", "/", Block.indexed("x", String(repeating: "a", count: 4000)))),
            round: { round in
                let fields = Block.request("GET", "/", [UInt8](repeating: 0xBE, count: 5))
                return (0..<50).flatMap { Frame.headers(fields, stream: UInt32((round * 50 + $0) * 2 + 3)) }
            }
        ),
        .repeated(
            "fields that name one large entry again and again (HPACK bomb)",
            .headerList,
            Frame.headers(Block.request("GET", "/", [UInt8](repeating: 0xBE, count: 16_000)), stream: 3),
            begin: Frame.headers(Block.request("GET", "/", Block.indexed("x", String(repeating: "a", count: 4000))))
        ),
        .repeated("pings (CVE-2019-9512)", .pings, ping),
        .repeated("answers to pings never sent", .pings, pong),
        .repeated("settings (CVE-2019-9515)", .settings, Frame.settings),
        .repeated(
            "the window of new streams up and down",
            .settings,
            Frame.settings(id: 4, 0) + Frame.settings(id: 4, 1)
        ),
        .repeated(
            "the size of the header table up and down",
            .settings,
            Frame.settings(id: 1, 0) + Frame.settings(id: 1, 4096)
        ),
        .repeated("settings of many entries", .settings, Frame.make(type: 4, flags: 0, stream: 0, manySettings)),
        .repeated("empty DATA (CVE-2019-9518)", .emptyFrames, Frame.data(stream: 1, []), begin: openStream),
        .repeated("padded empty DATA", .emptyFrames, Frame.make(type: 0, flags: 8, stream: 1, [0]), begin: openStream),
        .repeated(
            "CONTINUATION (CVE-2024-27316)",
            .continuations,
            Frame.make(type: 9, flags: 0, stream: 1, field),
            begin: openBlock
        ),
        .repeated("empty CONTINUATION", .continuations, Frame.make(type: 9, flags: 0, stream: 1, []), begin: openBlock),
        .repeated(
            "priorities (CVE-2019-9513)",
            .priorities,
            Frame.make(type: 2, flags: 0, stream: 1, [0, 0, 0, 3, 9])
        ),
        .repeated("window updates of one byte", .windowUpdates, Frame.windowUpdate(stream: 0, 1)),
        .repeated("frames of unknown types", .unknownFrames, Frame.make(type: 0xFA, flags: 0, stream: 0, [])),
        .repeated("GOAWAY", .unknownFrames, Frame.goAway(last: 0), begin: openStream),
    ]

    /// `:method: POST`, `:scheme: http`, `:path: /`, `:authority: x`, `content-length: 5`.
    private static let contentLength5: [UInt8] = [0x83, 0x86, 0x84, 0x41, 1, 0x78, 0x0F, 0x0D, 1, 0x35]
    private static let field: [UInt8] = [0x00, 1, 0x61, 1, 0x62]
    private static let manySettings = (0..<33).flatMap { _ in [0, 4, 0, 0, 0, 1] as [UInt8] }

    @Test("The peer is told ENHANCE_YOUR_CALM and cut; others are served", arguments: floods)
    func flood(_ flood: Flood) async throws {
        try await withSiege { siege in
            let peer = try await siege.attacker()
            try await peer.send(flood.begin)
            try await siege.flood(peer, with: flood.round)
            try await siege.expect(flood.limit)
            #expect(peer.goAwayCodes == [11], "\(Frame.parse(peer.received).suffix(3))")
        }
    }

    @Test("A peer that provokes answers and does not read them is cut", arguments: [false, true])
    func unreadAnswers(resets: Bool) async throws {
        var configuration = ServerConfiguration()
        let rate = FrameRate(burst: 1_000_000_000, perSecond: 1)
        (configuration.frameRates.pings, configuration.frameRates.provokedResets) = (rate, rate)
        configuration.stallTimeout = .seconds(1)
        try await withSiege(configuration) { siege in
            let peer = try await siege.attacker(reads: false)
            let pings = Array(repeatElement(Self.ping, count: 3000).joined())
            for round in 0..<2000 where !peer.isClosed {
                if resets {
                    let streams = (0..<500).map { UInt32((round * 500 + $0) * 2 + 1) }
                    // Without a path: malformed.
                    peer.sendSoon(streams.flatMap { Frame.make(type: 1, flags: 5, stream: $0, [0x82, 0x86]) })
                } else {
                    peer.sendSoon(pings)
                }
                try await Task.sleep(for: .milliseconds(1))
                if siege.log.count(.queuedFrames) + siege.log.count(.progress) > 0 { break }
            }
            #expect(try await eventually { siege.server.connectionCount == 1 })
            #expect(!siege.log.limits.isDisjoint(with: [.queuedFrames, .progress]), "\(siege.log.limits)")
            await peer.close()
        }
    }

    @Test("Streams beyond those agreed to end the connection; before that they are refused one by one")
    func agreedStreams() async throws {
        try await withSiege { siege in
            let peer = try await siege.attacker()
            try await peer.send(Frame.settingsAck)
            let streams = (0..<101).map { UInt32($0 * 2 + 1) }
            try await peer.send(streams.flatMap { Frame.headers(Block.request("GET", "/slow"), stream: $0) })
            try await peer.expectClosed()
            #expect(peer.goAwayCodes == [1])
            try await siege.expect(.concurrentStreams)
        }
    }

    @Test("Streams beyond those allowed at once are refused, one by one; the connection goes on")
    func concurrentStreams() async throws {
        try await withSiege { siege in
            let peer = try await siege.attacker()
            let slow: [UInt8] = [0x82, 0x86, 0x44, 5] + Array("/slow".utf8) + [0x41, 1, 0x78]
            let streams = (0..<130).map { UInt32($0 * 2 + 1) }
            try await peer.send(streams.flatMap { Frame.make(type: 1, flags: 5, stream: $0, slow) })
            let refused = { Frame.parse(peer.received).filter { $0.type == 3 && $0.payload == [0, 0, 0, 7] } }
            #expect(try await eventually { refused().count == 30 })
            #expect(refused().map(\.stream) == Array(streams.suffix(30)))
            try await siege.expect(.concurrentStreams)
            #expect(!peer.isClosed)
            await peer.close()
        }
    }

    @Test("Connections of one address beyond the limit are closed at once, whatever they say of themselves")
    func connectionsPerAddress() async throws {
        var configuration = ServerConfiguration()
        configuration.maxConnectionsPerAddress = 3
        try await withSiege(configuration) { siege in
            // The honest client has one, from the same address.
            let peers = [try await siege.attacker(), try await siege.attacker()]
            #expect(try await eventually { siege.server.connectionCount == 3 })
            let other = try await RawPeer.connect(to: siege.port)
            try? await other.send("GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")
            try await other.expectClosed()
            #expect(other.received.readableBytes == 0)
            try await siege.expect(.connectionsPerAddress)
            for peer in peers { await peer.close() }
            #expect(try await eventually { siege.server.connectionCount == 1 })
            let next = try await siege.attacker()
            try await next.send(Frame.request(stream: 1))
            let isServed = try await eventually { Frame.parse(next.received).contains { $0.type == 0 } }
            #expect(isServed)
            await next.close()
        }
    }

    @Test("A connection that made all its requests is ended as at a shutdown, with every request answered")
    func requestsPerConnection() async throws {
        var configuration = ServerConfiguration()
        configuration.maxRequestsPerConnection = 10
        let log = LimitLog()
        configuration.onLimit = { log.note($0) }
        try await withServer(configuration, answer: Siege.answer) { _, port in
            try await withConnection(to: port) { connection in
                for _ in 0..<10 {
                    let (head, _) = try await connection.get("/", maxBody: 10)
                    #expect(head.status == 200)
                }
                await connection.waitUntilClosed()
            }
            let old = try await RawPeer.connect(to: port)
            try await old.send(String(repeating: "GET / HTTP/1.1\r\nhost: x\r\n\r\n", count: 20))
            try await old.expectClosed()
            #expect(old.receivedText.split(separator: "HTTP/1.1 200 OK").count == 10)
            #expect(log.count(.requestsPerConnection) == 2)
        }
    }
}
