import ClientSync
import Foundation
import Synchronization

/// One line on standard error that a sync writes over again and again, if that is a terminal.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let lastShown = Mutex<ContinuousClock.Instant?>(nil)

    init(isShown: Bool) {
        self.isShown = isShown && isatty(STDERR_FILENO) == 1
    }

    /// At most ten times a second.
    func show(_ progress: SyncProgress) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let isDue = lastShown.withLock { last in
            if let last, now - last < .milliseconds(100) { return false }
            last = now
            return true
        }
        guard isDue else { return }
        write(
            "\rfeeds \(progress.feedsDone)/\(progress.feedsTotal)  keys \(Output.grouped(progress.keys))  "
                + "bytes \(Output.grouped(progress.bytes))"
        )
    }

    /// Leaves a clean line.
    func end() {
        if isShown, lastShown.withLock({ $0 != nil }) { write("\r") }
    }

    /// The rest of the line is cleared.
    private func write(_ text: String) {
        FileHandle.standardError.write(Data((text + "\u{1b}[K").utf8))
    }
}
