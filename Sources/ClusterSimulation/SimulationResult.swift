/// What came of a simulation.
public struct SimulationResult: Sendable {
    public var options: SimulationOptions
    public var outcome = Outcome.held
    /// What must never happen, and did; the first ones.
    public var violations: [Violation] = []
    public var events = 0
    /// Of the plan.
    public var steps = 0
    /// Batches that regions signed.
    public var batches = 0
    /// Syncs of phones that came to an end.
    public var syncs = 0
    /// Virtual seconds from the end of all faults until all nodes held the same; nil if they did not.
    public var healed: Int64?
    /// Over all that happened.
    public var trace: UInt64 = 0
    public var traffic = Traffic()
    /// Rare paths that were reached.
    public var marks = MarkCounts()

    public enum Outcome: String, Sendable {
        case held
        /// An invariant was broken.
        case safety
        /// Nodes did not come to hold the same in time.
        case liveness
    }

    public struct Violation: Sendable, Equatable {
        /// Virtual microseconds.
        public let time: Int64
        public let node: Int?
        public let invariant: Invariant
        public let text: String
    }

    /// Bytes between nodes.
    public struct Traffic: Sendable, Equatable {
        /// Frames on links, with 9 bytes of HTTP/2 for each.
        public var linkFrames = 0
        public var linkBytes = 0
        /// Batches pushed, and brought by requests.
        public var pushed = 0
        public var fetched = 0
        public var fetchBytes = 0
        /// Batches that a node stored, own ones excepted, and their bytes.
        public var delivered = 0
        public var deliveredBytes = 0
    }
}
