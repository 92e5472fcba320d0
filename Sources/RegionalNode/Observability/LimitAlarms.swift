internal import HTTP2
internal import NIOCore
internal import Synchronization

/// Alarms about limits of the listeners that the operator has to know of: one of each kind and listener, from when the
/// limit is met until it has not been met for a while.
final class LimitAlarms: Sendable {
    /// What is said of a limit.
    private struct Key: Hashable {
        let limit: TransportLimit
        let listener: String

        /// Limits of which the same is said are one alarm.
        var subject: String { "\(listener): \(LimitAlarms.text(limit, listener) ?? "")" }
    }

    private struct Episode {
        var last: NIODeadline
        var isRaised = false
    }

    private let episodes = Mutex<[Key: Episode]>([:])
    /// Time without an occurrence after which it counts as over.
    private let quiet: TimeAmount
    private static let pause = Duration.seconds(1)

    init(quiet: TimeAmount = .seconds(15)) {
        self.quiet = quiet
    }

    /// A peer met `limit` at the listener of this setting. Called on event loops.
    func reached(_ limit: TransportLimit, at listener: String) {
        guard LimitAlarms.text(limit, listener) != nil else { return }
        episodes.withLock { $0[Key(limit: limit, listener: listener), default: Episode(last: .now())].last = .now() }
    }

    /// Until cancelled.
    func run(_ node: NodeContext) async {
        while !Task.isCancelled {
            look(node)
            try? await Task.sleep(for: LimitAlarms.pause)
        }
    }

    private func look(_ node: NodeContext) {
        let now = NIODeadline.now()
        let (held, over) = episodes.withLock { episodes in
            let over = episodes.filter { $0.value.isRaised && now - $0.value.last >= quiet }.map(\.key)
            for key in over { episodes[key] = nil }
            let held = episodes.map(\.key)
            for key in held { episodes[key]?.isRaised = true }
            return (held, over)
        }
        for key in held {
            if let text = LimitAlarms.text(key.limit, key.listener) {
                node.alarms.hold(.limitReached, text, about: key.subject)
            }
        }
        let subjects = Set(held.map(\.subject))
        for key in over where !subjects.contains(key.subject) { node.alarms.end(.limitReached, about: key.subject) }
    }

    /// What happened, where, and what to do; nil for limits that concern the peer alone.
    private static func text(_ limit: TransportLimit, _ listener: String) -> String? {
        switch limit {
        case .openFiles:
            "no file was left for another connection to \(listener), and accepting pauses: raise LimitNOFILE= in the "
                + "systemd unit of this node (ulimit -n), or the system's fs.file-max"
        case .connections, .waitingConnections:
            "all places for connections to \(listener) were taken: those that have made no request give way to the next. "
                + "Somebody opens very many, or this node has more phones than places: see OPERATIONS.md, \"How much a node needs\""
        case .memory:
            "the memory that connections may take (setting 'memory') was used up at \(listener): requests are refused, and "
                + "those who take least of what waits for them are cut off. See OPERATIONS.md, \"How much a node needs\""
        default:
            nil
        }
    }
}
