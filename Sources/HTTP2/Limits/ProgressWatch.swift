package import NIOCore

/// What a peer must move at least while something is due from it. One byte now and then is not enough.
package struct MinimumProgress {
    /// Bytes to move in each `interval`; all that is there, when that is less.
    package var bytes: Int
    package var interval: TimeAmount

    package init(bytes: Int, interval: TimeAmount) {
        self.bytes = bytes
        self.interval = interval
    }
}

/// Notices that a count grows too slowly, without a clock at each step.
package struct ProgressWatch {
    private var begin = -1
    private var goal = 0
    private var since = NIODeadline.uptimeNanoseconds(0)

    package init() {}

    /// True when an interval has passed in which `progress` did not grow as it had to, over all calls.
    /// - Parameter due: bytes that wait to be moved; `Int.max` where that is not known.
    package mutating func isStalled(progress: Int, due: Int, now: NIODeadline, _ minimum: MinimumProgress) -> Bool {
        if begin < 0 || progress - begin >= goal {
            begin = progress
            goal = max(1, min(minimum.bytes, due))
            since = now
        }
        return now - since >= minimum.interval
    }

    /// Nothing is due at present.
    package mutating func rest() {
        begin = -1
    }
}
