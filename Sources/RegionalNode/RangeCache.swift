package import FeedFormat
package import NIOCore
internal import Synchronization

/// Bodies of ranges that were asked for lately, up to a number of bytes; the oldest leave first. Ranges never change,
/// so nothing has to be refreshed.
package final class RangeCache: Sendable {
    private struct Key: Hashable {
        let feed: FeedID
        let range: FeedRange
    }

    private struct State {
        var bodies: [Key: ByteBuffer] = [:]
        var order: [Key] = []
        var bytes = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: bytes held at most.
    package init(limit: Int) {
        self.limit = limit
    }

    package subscript(feed: FeedID, range: FeedRange) -> ByteBuffer? {
        state.withLock { $0.bodies[Key(feed: feed, range: range)] }
    }

    package func insert(_ body: ByteBuffer, _ feed: FeedID, _ range: FeedRange) {
        guard body.readableBytes <= limit / 8 else { return }
        let key = Key(feed: feed, range: range)
        state.withLock { state in
            guard state.bodies.updateValue(body, forKey: key) == nil else { return }
            state.order.append(key)
            state.bytes += body.readableBytes
            var leaving = 0
            while state.bytes > limit, leaving < state.order.count {
                state.bytes -= state.bodies.removeValue(forKey: state.order[leaving])?.readableBytes ?? 0
                leaving += 1
            }
            state.order.removeFirst(leaving)
        }
    }
}
