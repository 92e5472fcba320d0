import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport

/// A TCP connection whose bytes a test writes and reads itself.
final class RawPeer: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private init(_ channel: any Channel, _ inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Bytes received, gathered on the event loop, read by the test.
    private final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let bytes = Mutex(ByteBuffer())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let piece = unwrapInboundIn(data)
            bytes.withLock { _ = $0.writeImmutableBuffer(piece) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    /// Connects to `port` of 127.0.0.1.
    /// - Parameters:
    ///   - reads: false to read nothing until told to.
    ///   - receiveBuffer: bytes that the kernel may keep for this side; a default of the system if not given.
    ///   - tls: the protocol to offer over TLS, whose certificate is not looked at; cleartext if not given.
    static func connect(
        to port: Int,
        reads: Bool = true,
        receiveBuffer: Int? = nil,
        tls: String? = nil
    ) async throws -> RawPeer {
        let inbox = Inbox()
        let context = try tls.map { name in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.applicationProtocols = [name]
            return try NIOSSLContext(configuration: configuration)
        }
        var bootstrap = ClientBootstrap(group: loops)
            .channelOption(.autoRead, value: reads || tls != nil)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    if let context {
                        try operations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try operations.addHandler(inbox)
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        let peer = RawPeer(try await bootstrap.connect(host: "127.0.0.1", port: port).get(), inbox)
        if tls != nil {
            // Done when the handshake is.
            try await peer.send("")
            try await peer.read(reads)
        }
        return peer
    }

    /// Goes on reading, or stops.
    func read(_ reads: Bool) async throws {
        try await channel.setOption(.autoRead, value: reads).get()
    }

    /// Reads once, some kilobytes.
    func readOnce() {
        channel.read()
    }

    /// Listens on a free port; `accept` is called with each connection.
    static func listen(_ accept: @escaping @Sendable (RawPeer) async throws -> Void) async throws -> (any Channel, Int)
    {
        let listener = try await ServerBootstrap(group: loops)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let inbox = Inbox()
                    try channel.pipeline.syncOperations.addHandler(inbox)
                    let peer = RawPeer(channel, inbox)
                    Task { try await accept(peer) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { throw TestFailure("the listener has no port") }
        return (listener, port)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Sends as far as the peer takes it, without waiting.
    func sendSoon(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    var received: ByteBuffer { inbox.bytes.withLock { $0 } }
    var receivedText: String { String(buffer: received) }
    var isClosed: Bool { !channel.isActive }

    /// Waits until `text` was received, and forgets everything up to its end.
    func expect(_ text: String) async throws {
        let isThere = try await eventually { self.receivedText.contains(text) }
        guard isThere else {
            throw TestFailure("not received: \(text.debugDescription); but: \(receivedText.debugDescription)")
        }
        inbox.bytes.withLock { bytes in
            let all = String(buffer: bytes)
            let rest = all.range(of: text).map { all[$0.upperBound...] } ?? ""
            bytes = ByteBuffer(string: String(rest))
        }
    }

    func expectClosed() async throws {
        let isThere = try await eventually { self.isClosed }
        guard isThere else { throw TestFailure("the peer did not close the connection") }
    }

    func close() async {
        try? await channel.close()
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? {
        firstRange(of: text)
    }
}

/// HTTP/2 frames by hand (RFC 9113, 4.1).
enum Frame {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let settings = make(type: 4, flags: 0, stream: 0, [])
    static let settingsAck = make(type: 4, flags: 1, stream: 0, [])

    static func make(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        let length = [UInt8(count >> 16), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
        return length + [type, flags] + bytes(stream) + payload
    }

    static func settings(id: UInt16, _ value: UInt32) -> [UInt8] {
        make(type: 4, flags: 0, stream: 0, [UInt8(id >> 8), UInt8(id & 0xFF)] + bytes(value))
    }

    /// A GET of `/` (or a POST) from authority `x`: indexed fields of RFC 7541, appendix A.
    static func request(stream: UInt32, post: Bool = false, isEnd: Bool = true) -> [UInt8] {
        let fields: [UInt8] = [post ? 0x83 : 0x82, 0x86, 0x84, 0x41, 0x01, UInt8(ascii: "x")]
        return make(type: 1, flags: isEnd ? 0x5 : 0x4, stream: stream, fields)
    }

    /// A head with status 200.
    static func response(stream: UInt32) -> [UInt8] {
        make(type: 1, flags: 0x4, stream: stream, [0x88])
    }

    static func data(stream: UInt32, _ payload: ByteBuffer) -> [UInt8] {
        data(stream: stream, Array(payload.readableBytesView))
    }

    static func data(stream: UInt32, _ payload: [UInt8], isEnd: Bool = false) -> [UInt8] {
        make(type: 0, flags: isEnd ? 1 : 0, stream: stream, payload)
    }

    static func reset(stream: UInt32, _ code: UInt32) -> [UInt8] {
        make(type: 3, flags: 0, stream: stream, bytes(code))
    }

    static func goAway(last: UInt32, _ code: UInt32 = 0) -> [UInt8] {
        make(type: 7, flags: 0, stream: 0, bytes(last) + bytes(code))
    }

    static func windowUpdate(stream: UInt32, _ increment: UInt32) -> [UInt8] {
        make(type: 8, flags: 0, stream: stream, bytes(increment))
    }

    static func bytes(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    struct Parsed {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]
    }

    /// The whole frames in `buffer`, after the preface if it begins with it.
    static func parse(_ buffer: ByteBuffer) -> [Parsed] {
        var buffer = buffer
        if buffer.getBytes(at: buffer.readerIndex, length: preface.count) == preface {
            buffer.moveReaderIndex(forwardBy: preface.count)
        }
        var frames: [Parsed] = []
        while let head = buffer.getBytes(at: buffer.readerIndex, length: 9) {
            let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard let payload = buffer.getBytes(at: buffer.readerIndex + 9, length: count) else { break }
            let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(Parsed(type: head[3], flags: head[4], stream: stream, payload: payload))
            buffer.moveReaderIndex(forwardBy: 9 + count)
        }
        return frames
    }
}
