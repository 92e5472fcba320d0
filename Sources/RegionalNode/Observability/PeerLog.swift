package import ExposureKeys
package import Logging
internal import Synchronization

/// The lines of the log that another node can cause, as often as it likes: each names the region, and of each kind and
/// region there are so many a minute. How many were passed over is said in the next one, and by an alarm.
package final class PeerLog: Sendable {
    /// Every kind of line that a peer can cause, apart from alarms, with its text.
    package enum Line: String, CaseIterable, Sendable {
        case linkUp = "link up"
        case linkEnded = "link ended"
        case linkDown = "link down"
        case linkClosed = "a link was closed"
        case linkRefused = "link refused"
        case fetchFailed = "fetch failed"
        case noRoster = "no roster came"
        case feedGrew = "feed grew"

        /// How many of a region are written in a minute.
        package var perMinute: Int {
            switch self {
            // A region that publishes every second is within what a demonstration does.
            case .feedGrew: 60
            case .linkUp, .linkEnded, .linkDown, .linkClosed, .linkRefused, .fetchFailed, .noRoster: 6
            }
        }
    }

    private struct Key: Hashable {
        let line: Line
        let region: Region?
    }

    private struct Minute {
        var began: Int64
        var written = 0
        var passedOver = 0
    }

    /// Kinds and regions that are kept count of: all kinds of more regions than a roster lists.
    private static let limit = 1 << 16
    private static let length: Int64 = 60_000
    private let minutes = Mutex<[Key: Minute]>([:])
    private let logger: Logger
    private let monotonic: @Sendable () -> Int64
    private let onFlood: @Sendable (Line, Region?) -> Void

    /// - Parameters:
    ///   - monotonic: milliseconds, on a clock that nobody sets.
    ///   - onFlood: called when the first line of a minute is passed over.
    package init(
        logger: Logger,
        monotonic: @escaping @Sendable () -> Int64,
        onFlood: @escaping @Sendable (Line, Region?) -> Void
    ) {
        self.logger = logger
        self.monotonic = monotonic
        self.onFlood = onFlood
    }

    /// - Parameters:
    ///   - peer: whose doing it is; nil only if nobody knows.
    ///   - level: below which it is not worth counting: what is not written anyway takes nobody's place.
    package func write(_ line: Line, of peer: Region?, _ details: Logger.Metadata = [:], level: Logger.Level = .info) {
        guard level >= logger.logLevel else { return }
        let (isWritten, passedOver, isFlood) = count(Key(line: line, region: peer))
        if isFlood { onFlood(line, peer) }
        guard isWritten else { return }
        var metadata = details
        metadata["peer"] = "\(peer.map { "\($0)" } ?? "unknown")"
        if passedOver > 0 { metadata["passed over"] = "\(passedOver)" }
        logger.log(level: level, "\(line.rawValue)", metadata: metadata)
    }

    private func count(_ key: Key) -> (isWritten: Bool, passedOver: Int, isFlood: Bool) {
        let now = monotonic()
        return minutes.withLock { minutes in
            var minute = minutes[key] ?? Minute(began: now)
            let former = minute
            let isOver = now - minute.began >= PeerLog.length
            if isOver { minute = Minute(began: now) }
            if minute.written < key.line.perMinute {
                minute.written += 1
            } else {
                minute.passedOver += 1
            }
            if minutes.count >= PeerLog.limit, minutes[key] == nil {
                minutes = minutes.filter { now - $0.value.began < PeerLog.length }
                // Regions come from a roster or a certificate: so many at once there are not.
                if minutes.count >= PeerLog.limit { return (false, 0, false) }
            }
            minutes[key] = minute
            return (minute.passedOver == 0, isOver ? former.passedOver : 0, minute.passedOver == 1)
        }
    }
}
