/// What the authorities change of a region in a new roster.
public enum RosterChange: String, CaseIterable, Sendable {
    /// It gets another key beside the one that it has, which ends a week later.
    case rotation
    /// Its keys are closed: what its own node has of its epochs stands, as far as it can vouch for them, and nothing else.
    /// It gets another key.
    case closure
}
