/// A mistake built into a simulation's shell on purpose: a test shows with it that the invariant which it breaks is
/// really checked. Never on outside of tests.
public enum PlantedBug: String, CaseIterable, Sendable {
    /// What a replica refused is stored all the same.
    case storesUnverified
    /// A transaction that was torn by a loss of power counts as whole.
    case keepsTornWrites
    /// A transaction that fails takes the batch before it along.
    case losesTheTail
    /// After a start the newest epoch on disk is signed in again.
    case signsInAnOldEpoch
    /// A memory image that was put back goes on in its epoch, whatever the clock says.
    case ignoresClockJumps
    /// Adverts name one batch more than is stored.
    case advertsOneMore
    /// A publication is announced before it is durable.
    case announcesEarly
    /// An upload is acknowledged before it is durable.
    case acknowledgesEarly
    /// A start forgets the newest upload.
    case forgetsUpload
    /// Batches go a day before their time.
    case dropsEarly
    /// What is dropped whole is forgotten, so that a start does not know that it was ever there.
    case readmitsDropped
    /// Revocations delete keys and are then forgotten, so that the key's own batch brings it back.
    case revivesRevoked
    /// Of two reports the one merged last stands.
    case lastWriterWins
    /// What any region says of a key counts for all.
    case letsOthersRevoke
    /// Keys go from the merged state before they cease to matter.
    case forgetsKeysEarly
    /// The replica never hears that a link is gone.
    case neverClosesLinks
    /// A peer that does not read may fill the memory.
    case unboundedOutbox
    /// What was stored is reported as failed.
    case reportsStoredAsFailed
    /// A node keeps no proof of a fork.
    case losesForkProofs
    /// A phone takes a node's word against the region's for two words of the region.
    case mistakesClaimsForForks
    /// A lost link is not dialled again.
    case neverRedials
    /// A phone's cursor moves on over a batch that is not kept.
    case phoneSkipsBatches
    /// A phone keeps a batch that nobody has signed.
    case phoneInventsKeys
    /// A phone whose sync was not complete does not sync again.
    case phoneGivesUp
    /// A node leaves a region out of the index that phones get, though it holds its batches.
    case hidesARegion
    /// What a roster has closed is not cut off.
    case ignoresClosures
    /// Batches from a clock that was ahead are not answered when their time comes.
    case leavesReportsAhead
    /// A roster that came from a peer is used, and gone with the process.
    case forgetsRosters

    /// What a run must find.
    public var breaks: Invariant {
        switch self {
        case .storesUnverified, .keepsTornWrites: .signed
        case .losesTheTail: .appendOnly
        case .signsInAnOldEpoch, .ignoresClockJumps: .oneNumberOneBatch
        case .advertsOneMore, .announcesEarly: .durableBeforeClaimed
        case .acknowledgesEarly, .forgetsUpload: .acknowledged
        case .dropsEarly: .kept
        case .readmitsDropped: .dropped
        case .revivesRevoked: .revoked
        case .lastWriterWins: .merged
        case .letsOthersRevoke: .publisherOnly
        case .forgetsKeysEarly: .dropsCommute
        case .neverClosesLinks, .unboundedOutbox: .bounded
        case .reportsStoredAsFailed: .orderly
        case .losesForkProofs: .forksProven
        case .mistakesClaimsForForks: .forks
        case .neverRedials: .converged
        case .leavesReportsAhead: .corrected
        case .phoneSkipsBatches, .phoneInventsKeys, .hidesARegion: .phones
        case .ignoresClosures, .forgetsRosters: .rosters
        case .phoneGivesUp: .phonesConverged
        }
    }
}
