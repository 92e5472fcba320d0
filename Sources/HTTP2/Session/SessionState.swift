import NIOCore

/// What nghttp2's callbacks read and write. They reach it through a pointer that lives as long as the session: as
/// properties of a class, every access would be checked at run time for another that overlaps it, which took a twelfth
/// of a request's instructions. None overlaps: callbacks run only inside `receive` and `nextOutput`, which touch nothing
/// of this while they are in nghttp2, and one event loop runs it all.
struct SessionState: ~Copyable {
    let role: NGHTTP2Session.Role
    let maxHeaderListSize: Int
    /// A header list from which on it is meant to cost time: it ends the connection.
    let bombSize: Int
    /// Streams that the peer may have open.
    let maxConcurrentStreams: Int

    var events = GrowingBuffer<SessionEvent>()
    var heads = ReceivedHeads()
    /// The bytes being read, so that body bytes can be named by their place.
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    var output = ByteBuffer()
    /// What did not fit into the output: bytes that nghttp2 keeps until it is asked for more.
    var leftover = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Bodies that nghttp2 holds an unowned reference to, until their stream is closed.
    var bodies = StreamTable<OutboundBody>()
    /// What our GOAWAY blamed the peer for.
    var complaint: HTTP2ErrorCode?
    /// Streams that are open or, at a client, wait to be opened.
    var openStreams = 0
    /// What the peer is to be charged for.
    var tally = SessionTally()

    init(role: NGHTTP2Session.Role, _ limits: ConnectionLimits) {
        self.role = role
        maxHeaderListSize = limits.maxHeaderListSize
        bombSize = max(4 * limits.maxHeaderListSize, 64 * 1024)
        maxConcurrentStreams = limits.maxConcurrentStreams ?? .max
    }

    /// Borrows the event loop's memory for what arrives. A head that goes on arriving has its own, or none yet: what is
    /// known of it must not be exchanged for what the loop remembers of another connection.
    mutating func borrow(_ scratch: LoopScratch) {
        if !heads.isAllocated, !heads.isArriving { swap(&heads, &scratch.heads) }
        if !events.isAllocated { swap(&events, &scratch.events) }
    }

    /// All events have been acted on: gives the memory back, unless a head is still arriving.
    mutating func giveBack(_ scratch: LoopScratch) {
        events.removeAll(keepingUpTo: 4096)
        swap(&events, &scratch.events)
        events = GrowingBuffer()
        heads.removeFinished()
        guard !heads.isArriving else { return }
        swap(&heads, &scratch.heads)
        heads = ReceivedHeads()
    }
}
