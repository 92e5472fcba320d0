import NIOCore
public import NIOEmbedded

/// A connection in memory, and what may be seen on one.
public enum Wire {
    public static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    public static let version = Array("HTTP/1.".utf8)

    /// Gives `bytes` to the channel in pieces, until they are over or it closes.
    /// - Returns: all that it sent.
    public static func exchange(_ channel: EmbeddedChannel, _ bytes: ArraySlice<UInt8>, pieces: Int) -> [UInt8] {
        var output: [UInt8] = []
        func takeOutput() {
            channel.embeddedEventLoop.run()
            while let buffer = try? channel.readOutbound(as: ByteBuffer.self) {
                output += buffer.readableBytesView
            }
        }
        takeOutput()
        var position = bytes.startIndex
        while position < bytes.endIndex, channel.isActive {
            let end = min(bytes.endIndex, position + pieces)
            _ = try? channel.writeInbound(ByteBuffer(bytes: bytes[position..<end]))
            takeOutput()
            position = end
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        takeOutput()
        return output
    }

    /// Whether the bytes are whole frames (RFC 9113, 4.1), none with more than `largest` bytes of payload, and the first
    /// one SETTINGS. The last may be cut by the end of the connection.
    public static func areFrames(_ bytes: [UInt8], largest: Int) -> Bool {
        var position = 0
        while position + 9 <= bytes.count {
            let length = bytes[position..<position + 3].reduce(0) { $0 << 8 | Int($1) }
            guard length <= largest, bytes[position + 3] <= 9, position > 0 || bytes[3] == 4 else { return false }
            position += 9 + length
        }
        return true
    }
}
