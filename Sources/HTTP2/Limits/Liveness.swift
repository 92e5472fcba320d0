import NIOCore

/// Judges from what was seen when whether a connection is alive, idle or lost. No timer of its own: it is asked.
struct Liveness {
    enum Verdict {
        case fine
        /// Send a PING with this payload.
        case ping(UInt64)
        /// No stream for too long: end the connection.
        case idle
        /// The peer takes too little of what waits for it.
        case stalled(HTTPError)
        /// The peer does not answer.
        case dead(HTTPError)
    }

    private let limits: ConnectionLimits
    private var lastReceived: NIODeadline
    private var lastActive: NIODeadline
    private var pingSent: NIODeadline?
    private var isBlocked = false
    private var stall = ProgressWatch()
    private var pings: UInt64 = 0
    private var lastRequest = 0

    init(limits: ConnectionLimits, now: NIODeadline) {
        self.limits = limits
        lastReceived = now
        lastActive = now
    }

    mutating func received(now: NIODeadline) {
        lastReceived = now
        pingSent = nil
    }

    mutating func pong(_ payload: UInt64) {
        if payload == pings {
            pingSent = nil
        }
    }

    mutating func writabilityChanged(_ isWritable: Bool) {
        isBlocked = !isWritable
        stall.rest()
    }

    /// - Parameters:
    ///   - lastRequest: a number that grows with each request, so that those that came and went between two calls
    ///     count as well.
    ///   - taken: bytes that the peer has taken since the connection began.
    mutating func check(now: NIODeadline, openStreams: Int, lastRequest: Int, taken: () -> Int) -> Verdict {
        if isBlocked, stall.isStalled(progress: taken(), due: .max, now: now, limits.progress) {
            let reason = "the peer took less than \(limits.progress.bytes) bytes in \(limits.stallTimeout.text)"
            return .stalled(HTTPError(.timeout, reason))
        }
        if openStreams > 0 || lastRequest != self.lastRequest {
            self.lastRequest = lastRequest
            lastActive = now
        } else if let idleTimeout = limits.idleTimeout, now - lastActive >= idleTimeout {
            return .idle
        }
        guard let interval = limits.keepaliveInterval else {
            return .fine
        }
        if let pingSent {
            if now - pingSent >= limits.keepaliveTimeout {
                return .dead(HTTPError(.timeout, "no answer to a PING within \(limits.keepaliveTimeout.text)"))
            }
        } else if now - lastReceived >= interval {
            pingSent = now
            pings += 1
            return .ping(pings)
        }
        return .fine
    }
}

extension TimeAmount {
    /// Seconds for an operator to read.
    fileprivate var text: String {
        "\(Double(nanoseconds / 1_000_000) / 1000) s"
    }
}
