/// Which streams a client has opened and not ended yet, by the headers of the frames that it sends (RFC 9113, 5.1). What
/// nghttp2 still knows of a stream when both sides have ended it is nothing, so that it passes over what comes after that.
///
/// A stream that this side has reset stays here until the client ends it, too: what was under way is no mistake.
package struct PeerStreams {
    /// A frame on a stream on which the client may send nothing more.
    package enum Misplaced: Equatable, Sendable {
        /// The client has ended the stream itself.
        case afterEnd(stream: UInt32)
        /// A head on a stream below one that was opened, which closed it unused (5.1.1).
        case belowEarlier(stream: UInt32)
        /// PRIORITY on stream 0 (6.3).
        case priorityOnConnection
    }

    /// Streams kept that were opened and neither ended nor used up: the oldest leaves. Far more than may be open.
    private static let kept = 4096
    /// Runs of streams left out that are remembered; beyond, a stream in one counts as used.
    private static let keptGaps = 64

    private var highest: UInt32 = 0
    /// Ascending.
    private var open: [UInt32] = []
    private var gaps: [ClosedRange<UInt32>] = []

    package init() {}

    package mutating func head(on stream: UInt32, isEnd: Bool) -> Misplaced? {
        // Other numbers are not the client's to use, which nghttp2 says.
        guard stream & 1 == 1 else { return nil }
        if stream > highest {
            let next = highest == 0 ? 1 : highest + 2
            if stream > next, gaps.count < Self.keptGaps { gaps.append(next...stream - 2) }
            highest = stream
            if !isEnd {
                if open.count == Self.kept { open.removeFirst() }
                open.append(stream)
            }
            return nil
        }
        guard let place = open.lastIndex(of: stream) else {
            return gaps.contains { $0.contains(stream) } ? .belowEarlier(stream: stream) : .afterEnd(stream: stream)
        }
        if isEnd { open.remove(at: place) }
        return nil
    }

    package mutating func data(on stream: UInt32, isEnd: Bool) -> Misplaced? {
        guard stream & 1 == 1, stream <= highest else { return nil }
        guard let place = open.lastIndex(of: stream) else { return .afterEnd(stream: stream) }
        if isEnd { open.remove(at: place) }
        return nil
    }

    package mutating func reset(_ stream: UInt32) {
        if let place = open.lastIndex(of: stream) { open.remove(at: place) }
    }
}
