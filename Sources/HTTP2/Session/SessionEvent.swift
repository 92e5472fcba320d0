/// What nghttp2 noticed while it read or wrote. Its callbacks only append these; they are acted on afterwards, when
/// calling back into nghttp2 is allowed again. They hold numbers only, so that keeping them costs no reference counts.
enum SessionEvent {
    /// A head is complete: of a request at a server, of a response at a client. `head` is its number in the session's
    /// `heads`, until all events have been acted on.
    case head(stream: Int32, head: Int, isEnd: Bool)
    /// A head was larger than the limit, or trailers were; what did not fit is lost.
    case headTooLarge(stream: Int32, isTrailer: Bool)
    /// Body bytes, as a place in the input that is being read.
    case data(stream: Int32, offset: Int, count: Int)
    /// The peer ended its side of the stream.
    case remoteEnd(stream: Int32)
    /// Our last byte on the stream went out.
    case localEnd(stream: Int32)
    /// The stream is over.
    case closed(stream: Int32, code: HTTP2ErrorCode)
    /// Bytes left a body that somebody waits to write to.
    case room(stream: Int32)
    case goAway(lastStream: Int32, code: HTTP2ErrorCode)
    /// The peer answered a PING.
    case pong(UInt64)
}
