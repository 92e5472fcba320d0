/// Whether this node dials a neighbour that it wants: always, unless the neighbour has dialled. Each end wants what it
/// wants by itself, so both may dial at once; of two links the one stays that the region opened which sorts first, and
/// the other region, after whose end no link is missed, ends its own.
package struct DialTurn {
    package enum Event: Sendable {
        /// Whether there is a link that the peer opened.
        case accepted(Bool)
        /// An attempt is over: no link came up, or it came up and ended.
        /// - Parameter wasUp: how long it lasted; nil if none came up.
        case ended(wasUp: Duration?)
    }

    package enum Step: Equatable {
        case none
        /// Dial after a pause, unless the peer has dialled by then.
        case attempt(after: Duration)
        /// End the attempt under way, or the link that came of it.
        case stop
    }

    /// How long the region that sorts second leaves it to the other to dial: more than a link takes to come up.
    package static let courtesy = Duration.seconds(2)

    private let isFirst: Bool
    private var pauses = DialPauses()
    private var isAccepted = false
    private var isAttempting = false

    /// - Parameter isFirst: this node's region sorts before the peer's.
    package init(isFirst: Bool) {
        self.isFirst = isFirst
    }

    package mutating func handle(_ event: Event) -> Step {
        switch event {
        case .accepted(true):
            isAccepted = true
            return isAttempting && !isFirst ? .stop : .none
        case .accepted(false):
            isAccepted = false
            return isAttempting ? .none : attempt(after: isFirst ? .zero : DialTurn.courtesy)
        case .ended(let wasUp):
            isAttempting = false
            let pause = pauses.next(afterLinkOf: wasUp)
            return isAccepted ? .none : attempt(after: pause)
        }
    }

    private mutating func attempt(after pause: Duration) -> Step {
        isAttempting = true
        return .attempt(after: pause)
    }
}
