internal import Logging

/// Where the parts of a node raise alarms: they are kept for the operator, counted, and logged when they are news.
struct AlarmDesk: Sendable {
    let health: NodeHealth
    let clock: NodeClock
    let logger: Logger
    /// Called whenever an alarm is raised, for the first time or again.
    let onAlarm: @Sendable () -> Void

    /// Something has happened, perhaps again.
    /// - Parameter subject: which of several it is about: a region, a feed.
    func raise(_ kind: AlarmKind, _ text: String, about subject: String = "") {
        onAlarm()
        if health.raise(kind, text, about: subject, at: clock.now) { log(text) }
    }

    /// Something holds, perhaps still. To be called again and again, until `end`.
    func hold(_ kind: AlarmKind, _ text: String, about subject: String = "") {
        guard health.hold(kind, text, about: subject, at: clock.now) else { return }
        onAlarm()
        log(text)
    }

    /// What was raised or held is over. Does nothing if it was not.
    func end(_ kind: AlarmKind, about subject: String = "") {
        if let text = health.end(kind, about: subject, at: clock.now) {
            logger.notice("an alarm is over", metadata: ["what": "\(text)"])
        }
    }

    /// Holds it if there is a text, ends it else.
    func set(_ kind: AlarmKind, _ text: String?, about subject: String = "") {
        if let text { hold(kind, text, about: subject) } else { end(kind, about: subject) }
    }

    private func log(_ text: String) { logger.error("alarm", metadata: ["what": "\(text)"]) }
}
