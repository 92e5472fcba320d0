/// What nghttp2 noticed while it read or wrote. Its callbacks only append these; they are acted on afterwards, when
/// calling back into nghttp2 is allowed again.
enum SessionEvent {
    /// A head is complete: of a request at a server, of a response at a client.
    case head(stream: Int32, HeaderBlock, isEnd: Bool)
    /// A head was larger than the limit; what did not fit is lost.
    case headTooLarge(stream: Int32)
    /// Body bytes, as a place in the input that is being read.
    case data(stream: Int32, offset: Int, count: Int)
    /// The peer ended its side of the stream.
    case remoteEnd(stream: Int32)
    /// Our last byte on the stream went out.
    case localEnd(stream: Int32)
    /// The stream is over.
    case closed(stream: Int32, code: HTTP2ErrorCode)
    /// Bytes left a body that somebody waits to write to.
    case room(OutboundBody)
    case goAway(lastStream: Int32, code: HTTP2ErrorCode)
    /// The peer answered a PING.
    case pong(UInt64)
}

/// A head as it arrives, field by field. A class, so that events pass it on without copying its parts.
final class HeaderBlock {
    var method = ""
    var scheme = ""
    var authority = ""
    var path = ""
    var status = 0
    var fields = HTTPFields()
    /// As RFC 9113, 6.5.2 counts: names, values and 32 for each.
    var size = 0

    func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        let text = String(decoding: value, as: UTF8.self)
        guard name.first == UInt8(ascii: ":") else {
            if fields.isEmpty {
                fields.reserveCapacity(8)
            }
            fields.append(lowercaseName: String(decoding: name, as: UTF8.self), text)
            return
        }
        // nghttp2 has checked that pseudo fields are known, in front, and there once.
        switch name.count {
        case 5: path = text
        case 7 where name[1] == UInt8(ascii: "m"): method = text
        case 7 where name[2] == UInt8(ascii: "c"): scheme = text
        case 7: status = Int(text) ?? 0
        case 10: authority = text
        default: break
        }
    }
}
