internal import Replication
internal import Synchronization

/// What is wrong with a node, for its operator: the last alarms, and whether it can store.
final class NodeHealth: Sendable {
    private struct State {
        var alarms: [Alarm] = []
        var trouble: String?
    }

    /// An alarm as it is shown: equal ones once, with the time of the last.
    struct Alarm: Sendable {
        let text: String
        var count: Int
        var last: Timestamp
        /// When what it says ended; nil while it may go on.
        var ended: Timestamp?
    }

    /// Different alarms kept; the longest unheard leaves first.
    private static let kept = 64
    private let state = Mutex(State())

    /// - Returns: true if this is the first alarm of its kind, or the first since it ended.
    func raise(_ text: String, at time: Timestamp) -> Bool {
        state.withLock { state in
            if let known = state.alarms.firstIndex(where: { $0.text == text }) {
                defer { state.alarms[known].ended = nil }
                state.alarms[known].count += 1
                state.alarms[known].last = time
                return state.alarms[known].ended != nil
            }
            if state.alarms.count == NodeHealth.kept,
                let oldest = state.alarms.indices.min(by: { state.alarms[$0].last < state.alarms[$1].last })
            {
                state.alarms.remove(at: oldest)
            }
            state.alarms.append(Alarm(text: text, count: 1, last: time))
            return true
        }
    }

    var alarms: [Alarm] { state.withLock { $0.alarms } }

    /// Notes that what an alarm said is over.
    func end(_ text: String, at time: Timestamp) {
        state.withLock { state in
            guard let known = state.alarms.firstIndex(where: { $0.text == text }) else { return }
            state.alarms[known].ended = time
        }
    }

    /// Why the node cannot do its work, nil while it can.
    var trouble: String? { state.withLock { $0.trouble } }

    /// - Returns: true if there was none before.
    func begin(trouble: String) -> Bool {
        state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble == nil
        }
    }

    /// - Returns: true if there was any.
    func endTrouble() -> Bool {
        state.withLock { state in
            defer { state.trouble = nil }
            return state.trouble != nil
        }
    }
}
