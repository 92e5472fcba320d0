package import NIOCore

/// How often something that strangers can cause may be written to the log.
package struct LogBudget {
    private let lines: Int
    private let window: TimeAmount
    private var began: NIODeadline?
    private var written = 0

    /// At most `lines` in each `window`.
    package init(lines: Int, per window: TimeAmount) {
        self.lines = lines
        self.window = window
    }

    /// Whether a line may be written now; counts it if so.
    package mutating func admits(now: NIODeadline) -> Bool {
        if let began, now - began < window {
            guard written < lines else { return false }
        } else {
            began = now
            written = 0
        }
        written += 1
        return true
    }
}
