/// What must hold at every moment of every run.
public enum Invariant: String, CaseIterable, Sendable {
    /// Nothing is stored without a signature over it that the roster makes valid, byte for byte as it was signed.
    case signed
    /// A feed only grows while its disk lives, and has one root for each size, at every node and at all times. Where a
    /// thief has signed a second history, no node mixes the two.
    case appendOnly
    /// An honest region never signs two batches with one number.
    case oneNumberOneBatch
    /// What a node claims to hold is durable there.
    case durableBeforeClaimed
    /// What was acknowledged stays while its disk lives.
    case acknowledged
    /// Nothing is dropped before its time.
    case kept
    /// Nothing that was dropped returns while its disk lives.
    case dropped
    /// Nothing that was revoked returns while its disk lives.
    case revoked
    /// Queues and what a replica remembers stay within bounds.
    case bounded
    /// What a replica asks of its shell makes sense.
    case orderly
    /// The order of merging does not matter, and equals a plain fold.
    case merged
    /// Only the region that published a key revises it.
    case publisherOnly
    /// Dropping batches and merging them give the same in either order.
    case dropsCommute
    /// A fork is believed only if it is real.
    case forks
    /// In the end all nodes have a proof of a fork of which some have one side and some the other.
    case forksProven
    /// What a roster has closed is cut off everywhere, and nobody goes back to an older roster.
    case rosters
    /// A phone takes nothing but what was signed, and passes nothing by that still matters.
    case phones
    /// In the end every node shows of a key what its region has said last, also where a clock was ahead before.
    case corrected
    /// In the end all nodes hold the same.
    case converged
    /// In the end every phone has exactly the live keys of what its node holds.
    case phonesConverged

    /// Whether it is about what must come to be, not about what must never happen.
    var isLiveness: Bool { [.converged, .phonesConverged, .forksProven, .corrected].contains(self) }
}
