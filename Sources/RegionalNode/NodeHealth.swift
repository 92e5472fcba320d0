package import Replication
internal import Synchronization

/// What is wrong with a node, for its operator: the last alarms, and whether it can store.
package final class NodeHealth: Sendable {
    private struct State {
        var alarms: [Alarm] = []
        var trouble: String?
    }

    /// An alarm as it is shown: equal ones once, with the time of the last.
    package struct Alarm: Sendable {
        /// Of several alarms about one subject the last.
        package fileprivate(set) var text: String
        fileprivate let subject: AlarmSubject?
        package fileprivate(set) var count: Int
        package fileprivate(set) var last: Timestamp
        /// When what it says ended; nil while it may go on.
        package fileprivate(set) var ended: Timestamp?
        fileprivate var logged: Timestamp

        fileprivate func isAbout(_ other: AlarmSubject?, _ text: String) -> Bool {
            subject == other && (other != nil || self.text == text)
        }
    }

    /// Different alarms kept of this node's own, and as many that others cause: neither drives out the other. The
    /// longest unheard of its sort leaves first.
    private static let kept = 64
    /// Milliseconds between two lines of the log about one subject.
    private static let logPause: Int64 = 60_000
    /// Milliseconds after which what others cause counts as over, if it does not come again: an hour.
    private static let memory: Int64 = 3_600_000
    private let state = Mutex(State())

    package init() {}

    /// - Parameter subject: if others can cause it at will.
    /// - Returns: true if it is worth a line in the log: the first alarm of its kind, the first since it ended, or another
    ///   text after a while.
    package func raise(_ text: String, about subject: AlarmSubject? = nil, at time: Timestamp) -> Bool {
        state.withLock { state in
            if let known = state.alarms.firstIndex(where: { $0.isAbout(subject, text) }) {
                return NodeHealth.repeated(&state.alarms[known], text, at: time)
            }
            let sort = state.alarms.indices.filter { (state.alarms[$0].subject == nil) == (subject == nil) }
            if sort.count >= NodeHealth.kept,
                let oldest = sort.min(by: { state.alarms[$0].last < state.alarms[$1].last })
            {
                state.alarms.remove(at: oldest)
            }
            state.alarms.append(Alarm(text: text, subject: subject, count: 1, last: time, logged: time))
            return true
        }
    }

    private static func repeated(_ alarm: inout Alarm, _ text: String, at time: Timestamp) -> Bool {
        let isNews = alarm.ended != nil || alarm.text != text
        let isDue = alarm.subject == nil || time.milliseconds - alarm.logged.milliseconds >= logPause
        alarm.text = text
        alarm.count += 1
        alarm.last = time
        alarm.ended = nil
        if isNews && isDue { alarm.logged = time }
        return isNews && isDue
    }

    package var alarms: [Alarm] { state.withLock { $0.alarms } }

    /// Ends what others have caused and have not repeated for an hour.
    package func endForgotten(at time: Timestamp) {
        state.withLock { state in
            for index in state.alarms.indices {
                let alarm = state.alarms[index]
                let age = time.milliseconds - alarm.last.milliseconds
                guard alarm.subject != nil, alarm.ended == nil, age >= NodeHealth.memory else { continue }
                state.alarms[index].ended = time
            }
        }
    }

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
