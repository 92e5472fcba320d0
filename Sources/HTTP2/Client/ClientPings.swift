import NIOCore

/// PINGs that measure a round trip and have no answer yet.
struct ClientPings {
    private struct Ping {
        let payload: UInt64
        let sent: NIODeadline
        let waiter: Waiter<Duration>
    }

    /// More at once measure nothing but each other.
    private static let limit = 8
    /// Payloads count on from here, far from those of keepalive (`Liveness`).
    private static let first: UInt64 = 1 << 63

    private var waiting: [Ping] = []
    private var last = ClientPings.first

    /// - Returns: the payload of the PING to send; nil, which `waiter` knows, if too many wait.
    mutating func begin(_ waiter: Waiter<Duration>, now: NIODeadline) -> UInt64? {
        guard waiting.count < ClientPings.limit else {
            waiter.settle(.failure(HTTPError(.refused, "\(waiting.count) PINGs wait for their answers already")))
            return nil
        }
        last &+= 1
        waiting.append(Ping(payload: last, sent: now, waiter: waiter))
        return last
    }

    /// An answer came, perhaps to a PING of somebody else.
    mutating func answered(_ payload: UInt64, now: NIODeadline) {
        guard let ping = remove(payload) else { return }
        ping.waiter.settle(.success(.nanoseconds((now - ping.sent).nanoseconds)))
    }

    mutating func giveUp(_ payload: UInt64, _ error: HTTPError) {
        remove(payload)?.waiter.settle(.failure(error))
    }

    mutating func failAll(_ error: HTTPError) {
        for ping in waiting { ping.waiter.settle(.failure(error)) }
        waiting = []
    }

    private mutating func remove(_ payload: UInt64) -> Ping? {
        waiting.firstIndex { $0.payload == payload }.map { waiting.remove(at: $0) }
    }
}
