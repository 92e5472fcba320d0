package import Replication
internal import Synchronization

/// What is wrong with a node, for its operator: the last alarms, and whether it can store.
package final class NodeHealth: Sendable {
    private struct State {
        var alarms: [Alarm] = []
        var trouble: String?
    }

    /// An alarm as it is shown: those of one kind about one thing once, with the last text and the time of the last.
    package struct Alarm: Sendable {
        package let kind: AlarmKind
        /// What of several it is about: a region, a feed, a file; empty if there is but one.
        package let about: String
        package fileprivate(set) var text: String
        package fileprivate(set) var count: Int
        package fileprivate(set) var last: Timestamp
        /// When what it says ended; nil while it may go on.
        package fileprivate(set) var ended: Timestamp?
        fileprivate var logged: Timestamp
        /// When somebody last said that it holds.
        fileprivate var held: Timestamp
    }

    /// Different alarms kept of this node's own, and as many that others cause: neither drives out the other. Those that
    /// are over leave first, then the longest unheard.
    private static let kept = 64
    /// Milliseconds between two lines of the log about one thing that others cause.
    private static let logPause: Int64 = 60_000
    private let state = Mutex(State())

    package init() {}

    /// Something has happened, perhaps again.
    /// - Returns: true if it is worth a line in the log: the first alarm of its kind, the first since it ended, or another
    ///   text after a while.
    package func raise(_ kind: AlarmKind, _ text: String, about: String = "", at time: Timestamp) -> Bool {
        state.withLock { state in
            guard let known = NodeHealth.index(of: kind, about, in: state) else {
                NodeHealth.add(kind, text, about, at: time, to: &state)
                return true
            }
            state.alarms[known].count = NodeHealth.next(state.alarms[known].count)
            state.alarms[known].last = time
            return NodeHealth.renew(&state.alarms[known], text, at: time)
        }
    }

    /// Something holds, perhaps still; `end` says when it does no more.
    /// - Returns: as `raise`.
    package func hold(_ kind: AlarmKind, _ text: String, about: String = "", at time: Timestamp) -> Bool {
        state.withLock { state in
            guard let known = NodeHealth.index(of: kind, about, in: state) else {
                NodeHealth.add(kind, text, about, at: time, to: &state)
                return true
            }
            if state.alarms[known].ended != nil {
                state.alarms[known].count = NodeHealth.next(state.alarms[known].count)
                state.alarms[known].last = time
            }
            return NodeHealth.renew(&state.alarms[known], text, at: time)
        }
    }

    private static func next(_ count: Int) -> Int { count == .max ? count : count + 1 }

    private static func index(of kind: AlarmKind, _ about: String, in state: State) -> Int? {
        state.alarms.firstIndex { $0.kind == kind && $0.about == about }
    }

    private static func add(
        _ kind: AlarmKind,
        _ text: String,
        _ about: String,
        at time: Timestamp,
        to state: inout State
    ) {
        let sort = state.alarms.indices.filter {
            state.alarms[$0].kind.isCausedByOthers == kind.isCausedByOthers
        }
        let leaving = sort.filter { state.alarms[$0].ended != nil }
        if sort.count >= kept,
            let oldest = (leaving.isEmpty ? sort : leaving).min(by: { state.alarms[$0].last < state.alarms[$1].last })
        {
            state.alarms.remove(at: oldest)
        }
        state.alarms.append(
            Alarm(kind: kind, about: about, text: text, count: 1, last: time, logged: time, held: time)
        )
    }

    /// - Returns: whether it is worth a line in the log.
    private static func renew(_ alarm: inout Alarm, _ text: String, at time: Timestamp) -> Bool {
        let isNews = alarm.ended != nil || alarm.text != text
        let isDue = !alarm.kind.isCausedByOthers || time.duration(since: alarm.logged) >= logPause
        alarm.text = text
        alarm.held = time
        alarm.ended = nil
        if isNews && isDue { alarm.logged = time }
        return isNews && isDue
    }

    package var alarms: [Alarm] { state.withLock { $0.alarms } }

    /// Ends what has not come again for its time, and what nobody says any more.
    package func endForgotten(at time: Timestamp) {
        state.withLock { state in
            for index in state.alarms.indices where state.alarms[index].ended == nil {
                let limit =
                    switch state.alarms[index].kind.end {
                    case .putRight: AlarmKind.lease
                    case .silence(let pause): pause
                    }
                if time.duration(since: state.alarms[index].held) >= limit { state.alarms[index].ended = time }
            }
        }
    }

    /// Notes that what an alarm said is over.
    /// - Returns: the text of one that was not over yet.
    @discardableResult
    package func end(_ kind: AlarmKind, about: String = "", at time: Timestamp) -> String? {
        state.withLock { state in
            guard let known = NodeHealth.index(of: kind, about, in: state), state.alarms[known].ended == nil
            else { return nil }
            state.alarms[known].ended = time
            return state.alarms[known].text
        }
    }

    /// Ends all of a kind but those about `these`.
    package func endOthers(_ kind: AlarmKind, than these: [String], at time: Timestamp) {
        state.withLock { state in
            for index in state.alarms.indices where state.alarms[index].kind == kind {
                guard state.alarms[index].ended == nil, !these.contains(state.alarms[index].about) else { continue }
                state.alarms[index].ended = time
            }
        }
    }

    func isStanding(_ kind: AlarmKind) -> Bool {
        state.withLock { state in state.alarms.contains { $0.kind == kind && $0.ended == nil } }
    }

    /// Says of an alarm that was raised that it holds still.
    func stillHolds(_ kind: AlarmKind, about subject: String = "", at time: Timestamp) {
        state.withLock { state in
            guard let known = NodeHealth.index(of: kind, subject, in: state), state.alarms[known].ended == nil
            else { return }
            state.alarms[known].held = time
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
