import HTTP2
import NIOCore
import Testing
import TestSupport

/// Peers that hold what they can and do as little as they can.
@Suite("Slow peers", .timeLimit(.minutes(2)))
struct SlowAttackTests {
    private static func configuration(_ change: (inout ServerConfiguration) -> Void) -> ServerConfiguration {
        var configuration = ServerConfiguration()
        change(&configuration)
        return configuration
    }

    private static let heads: [(name: String, bytes: [UInt8])] = [
        ("HTTP/2, a head without an end", Frame.make(type: 1, flags: 0, stream: 1, [0x82])),
        ("HTTP/2, part of a frame", Array(Frame.request(stream: 1).dropLast())),
        ("HTTP/2, part of a frame header", [0, 0]),
    ]

    @Test("A head that does not become complete ends the connection", arguments: heads.indices)
    func slowHead(index: Int) async throws {
        try await withSiege(Self.configuration { $0.headerTimeout = .milliseconds(300) }) { siege in
            let peer = try await siege.attacker()
            try await peer.send(Self.heads[index].bytes)
            try await peer.expectClosed()
            #expect(peer.goAwayCodes == [11])
            try await siege.expect(.headerTime)
        }
    }

    @Test("A head that comes byte by byte has no more time than one that does not come", .timeLimit(.minutes(1)))
    func headByteByByte() async throws {
        try await withSiege(Self.configuration { $0.headerTimeout = .milliseconds(300) }) { siege in
            let peer = try await siege.attacker()
            try await peer.send(
                Frame.make(type: 1, flags: 0, stream: 1, [UInt8](repeating: 0x82, count: 200)).prefix(9).map { $0 }
            )
            for _ in 0..<190 where !peer.isClosed {
                try? await peer.send([0x82])
                try await Task.sleep(for: .milliseconds(20))
            }
            try await peer.expectClosed()
            try await siege.expect(.headerTime)
        }
    }

    @Test("A response taken by the byte is given up: tiny windows", arguments: [false, true])
    func tinyWindows(bySettings: Bool) async throws {
        let configuration = Self.configuration {
            $0.stallTimeout = .milliseconds(400)
            $0.frameRates.settings = FrameRate(burst: 100_000, perSecond: 1)
            $0.frameRates.windowUpdates = FrameRate(burst: 100_000, perSecond: 1)
        }
        try await withSiege(configuration) { siege in
            let peer = try await siege.attacker()
            let large: [UInt8] = [0x82, 0x86, 0x44, 6] + Array("/large".utf8) + [0x41, 1, 0x78]
            try await peer.send(Frame.settings(id: 4, 0) + Frame.make(type: 1, flags: 5, stream: 1, large))
            let reset = { Frame.parse(peer.received).first { $0.type == 3 && $0.stream == 1 } }
            for size in 1..<400 where reset() == nil {
                try await peer.send(bySettings ? Frame.settings(id: 4, UInt32(size)) : Frame.windowUpdate(stream: 1, 1))
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(reset()?.payload == [0, 0, 0, 8])
            let taken = Frame.parse(peer.received).filter { $0.type == 0 }.map(\.payload.count).reduce(0, +)
            #expect(taken > 1)
            #expect(!peer.isClosed)
            try await siege.expect(.progress)
            await peer.close()
        }
    }

    @Test("A body sent by the byte is not waited for", arguments: [true, false])
    func slowBody(isHTTP2: Bool) async throws {
        try await withSiege(Self.configuration { $0.stallTimeout = .milliseconds(400) }) { siege in
            let peer = try await RawPeer.connect(to: siege.port)
            if isHTTP2 {
                let post: [UInt8] = [0x83, 0x86, 0x44, 8] + Array("/collect".utf8) + [0x41, 1, 0x78]
                try await peer.send(Frame.preface + Frame.settings + Frame.make(type: 1, flags: 4, stream: 1, post))
            } else {
                try await peer.send("POST /collect HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
            }
            for _ in 0..<400 where siege.log.count(.progress) == 0 {
                try? await peer.send(isHTTP2 ? Frame.data(stream: 1, [1]) : [1])
                try await Task.sleep(for: .milliseconds(10))
            }
            try await siege.expect(.progress)
            await peer.close()
        }
    }

    @Test("A request that goes on by the byte after its answer is given up", arguments: ["/", "/large", "/short"])
    func answeredAndGoesOn(path: String) async throws {
        try await withSiege(Self.configuration { $0.stallTimeout = .milliseconds(400) }) { siege in
            let peer = try await siege.attacker()
            let windows = Frame.settings(id: 4, 2_000_000) + Frame.windowUpdate(stream: 0, 2_000_000)
            try await peer.send(windows + Frame.headers(Block.request("GET", path), isEnd: false))
            let isReset = { Frame.parse(peer.received).contains { $0.type == 3 && $0.stream == 1 } }
            for _ in 0..<400 where !isReset() {
                try await peer.send(Frame.data(stream: 1, [1]))
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(isReset())
            try await siege.expect(.progress)
            await peer.close()
        }
    }

    @Test("A client of TLS that never sends its preface has the time of a head")
    func noPreface() async throws {
        let log = LimitLog()
        let configuration = Self.configuration {
            $0.headerTimeout = .milliseconds(1500)
            $0.onLimit = { log.note($0) }
        }
        try await withTLSServer(try TLSServer(TestCertificate().identity), configuration) { _, port in
            for begin in ["", "PRI * HTTP/2.0\r\n"] {
                let peer = try await RawPeer.connect(to: port, tls: "h2")
                // It may be over by now.
                try? await peer.send(begin)
                try await peer.expectClosed()
            }
            #expect(log.limits == [.headerTime])
        }
    }

    @Test("A connection that shows no protocol, or makes no request, is closed")
    func silence() async throws {
        let configuration = Self.configuration {
            $0.prefaceDeadline = .milliseconds(1500); $0.idleTimeout = .seconds(3)
        }
        try await withSiege(configuration) { siege in
            let silent = try await RawPeer.connect(to: siege.port)
            try await silent.expectClosed()
            try await siege.expect(.prefaceTime)
            let idle = try await siege.attacker()
            try await idle.expectClosed()
            #expect(idle.goAwayCodes == [0])
            try await siege.expect(.idleTime)
        }
    }

    @Test("A peer that takes little, but enough, is served, though the kernel asks for more only now and then")
    func slowReader() async throws {
        try await withSiege(Self.configuration { $0.stallTimeout = .seconds(1) }) { siege in
            let peer = try await RawPeer.connect(to: siege.port, reads: false, receiveBuffer: 8192)
            peer.sendSoon(Array(String(repeating: "GET /large HTTP/1.1\r\nhost: x\r\n\r\n", count: 10).utf8))
            for _ in 0..<160 where !peer.isClosed {
                peer.readOnce()
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(!peer.isClosed)
            #expect(peer.received.readableBytes > 100_000)
            #expect(siege.log.count(.progress) == 0)
            // Now it takes nothing.
            #expect(try await eventually { siege.log.count(.progress) == 1 })
            await peer.close()
        }
    }
}
