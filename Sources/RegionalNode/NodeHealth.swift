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
    }

    /// Different alarms kept; the longest unheard leaves first.
    private static let kept = 64
    private let state = Mutex(State())

    /// - Returns: true if this is the first alarm of its kind.
    func raise(_ text: String, at time: Timestamp) -> Bool {
        state.withLock { state in
            if let known = state.alarms.firstIndex(where: { $0.text == text }) {
                state.alarms[known].count += 1
                state.alarms[known].last = time
                return false
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

    /// Why the node cannot do its work, nil while it can.
    var trouble: String? {
        get { state.withLock { $0.trouble } }
        set { state.withLock { $0.trouble = newValue } }
    }
}
