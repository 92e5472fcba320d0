/// What must hold at every moment of every run.
public enum Invariant: String, CaseIterable, Sendable {
    /// Nothing is stored without a signature over it that the roster makes valid.
    case signed
    /// A feed only grows, and has one root for each size, at every node and at all times.
    case appendOnly
    /// An honest region never signs two batches with one number.
    case oneNumberOneBatch
    /// What a node claims to hold is durable there.
    case durableBeforeClaimed
    /// What was acknowledged stays while its disk lives.
    case acknowledged
    /// Nothing that was dropped returns.
    case dropped
    /// Queues and what a replica remembers stay within bounds.
    case bounded
    /// What a replica asks of its shell makes sense.
    case orderly
    /// The order of merging does not matter, and equals a plain fold.
    case merged
    /// A fork is believed only if it is real.
    case forks
    /// In the end all nodes hold the same.
    case converged
}
