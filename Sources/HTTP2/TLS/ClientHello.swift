package import NIOCore

/// Whether a client offers any protocol by ALPN (RFC 7301), read from its first message (RFC 8446, 4.1.2). BoringSSL tells
/// what was agreed on only: nothing looks the same for a client that offers nothing, which speaks HTTP/1.1, and for one
/// that wants another protocol, whose bytes are never to be taken for HTTP.
package enum ClientHello {
    package enum Offer: Sendable {
        /// The message is not whole yet.
        case unknown
        case nothing
        /// Some protocol; or the message is not of the form that it must have, and who sent it is not trusted.
        case something
    }

    /// A record holds no more, and a client's first message fits into one.
    private static let recordBytes = 16 * 1024
    private static let alpn = 16

    /// - Parameter bytes: from the first of the connection on.
    package static func offer(_ bytes: ByteBuffer) -> Offer {
        var bytes = bytes
        guard let head = bytes.readBytes(length: 5) else { return .unknown }
        let length = Int(head[3]) << 8 | Int(head[4])
        // A handshake record, in which the message is whole.
        guard head[0] == 22, (4...recordBytes).contains(length) else { return .something }
        guard var message = bytes.readSlice(length: length) else { return .unknown }
        guard message.readInteger(as: UInt8.self) == 1, var hello = message.readVector(lengthBytes: 3),
            hello.readSlice(length: 2 + 32) != nil,
            hello.readVector(lengthBytes: 1) != nil,
            hello.readVector(lengthBytes: 2) != nil,
            hello.readVector(lengthBytes: 1) != nil
        else { return .something }
        // Without extensions there is none, and no TLS 1.3 either.
        guard var extensions = hello.readVector(lengthBytes: 2), hello.readableBytes == 0, message.readableBytes == 0
        else { return .something }
        while extensions.readableBytes > 0 {
            guard let type = extensions.readInteger(as: UInt16.self), extensions.readVector(lengthBytes: 2) != nil,
                Int(type) != alpn
            else { return .something }
        }
        return .nothing
    }
}

extension ByteBuffer {
    /// A length of so many bytes, and as many bytes as it says.
    fileprivate mutating func readVector(lengthBytes: Int) -> ByteBuffer? {
        guard let digits = readBytes(length: lengthBytes) else { return nil }
        return readSlice(length: digits.reduce(0) { $0 << 8 | Int($1) })
    }
}

/// Stands below TLS and notes what the client's first message offers; everything passes through.
final class ClientHelloWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Bytes in which the message must be whole.
    private static let limit = 17 * 1024

    private(set) var offer = ClientHello.Offer.unknown
    private var seen = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .unknown = offer {
            seen.writeImmutableBuffer(unwrapInboundIn(data))
            offer = ClientHello.offer(seen)
            if case .unknown = offer, seen.readableBytes > Self.limit { offer = .something }
            if case .unknown = offer {} else { seen = ByteBuffer() }
        }
        context.fireChannelRead(data)
    }
}
