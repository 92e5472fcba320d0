/// Ways to deceive phones. Neighbours are told the truth, except by a witness that claims what does not exist.
public enum PhoneLie: String, CaseIterable, Sendable {
    /// Of one region phones are shown nothing that is newer than the lie.
    case withholds
    /// A region's next batch is another one than the rest of the world gets, signed with the region's stolen key.
    case anotherHistory
    /// An epoch under the region's stolen key that nobody else has.
    case ownEpoch
    /// The first index that the process has signed is passed off as the newest.
    case replays
    /// The index lists batches of the region that do not exist.
    case claims
}
