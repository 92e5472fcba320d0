/// Rare paths of a replica and of the world around it. A test demands that a fixed set of seeds reaches them all.
public enum Mark: Int, CaseIterable, Sendable {
    // What the replica does.
    case fetchedFrontier, pulled, answeredPull, repaired, distrusted, blockedFeed, heldBackEpoch, tooManyEpochs
    case skippedToNewest, leftOutOne, filledGap, extendedDownwards
    case waitedForClock, storeFailed, storedAfterFailure, passedOverRegion, closedLink, unsubscribed
    case agreed, exchangedHoldings, clockDiffered, clockAgreed
    // What its shell does.
    case linkLostToKeepalive, linkLostToOutbox, requestTimedOut, unreadableFrame, unknownFrame
    case reopenedAfterClockJump, reopenedAfterCopy, answeredAhead, droppedBatches, droppedFeed
    case rolledBackTornWrite, lostWrites, unansweredWrites, restoredDisk, resumedMemory, lostDisk
    // What others do.
    case provedFork, forgedHistory, malformedBatch, unknownSection, revokedForeignKeys, mixedReleases
    // What rosters change.
    case fetchedRoster, refusedRoster, changedKey, cutByClosure, settledFork, phoneFollowedRoster, phoneCutByClosure
    // What happens to phones.
    case phoneRoamed, phoneWasOffline, phoneResumedAfterKill, phoneBackfilled, phoneBridged, phonePassedExpired,
        phoneSawLag
    case phoneTimedOut, phoneUnmodified, phoneWaited, phoneRefusedBytes, phoneRefusedIndex, phoneSawWithholding,
        phoneSawDamage
    case phoneKeptFork, phoneKeptClaim
    // What phones learn by their witnesses.
    case phoneWitnessed, phoneFoundWithheld, phoneFoundFork, phoneFoundReplay, phoneDoubtedWitness, phoneFoundOwnEpoch
}

/// How often each mark was reached.
public struct MarkCounts: Equatable, Sendable {
    private var counts = [Int](repeating: 0, count: Mark.allCases.count)

    public init() {}

    public subscript(mark: Mark) -> Int {
        get { counts[mark.rawValue] }
        set { counts[mark.rawValue] = newValue }
    }

    public mutating func add(_ other: MarkCounts) {
        for mark in Mark.allCases { self[mark] += other[mark] }
    }

    /// Those never reached.
    public var missing: [Mark] { Mark.allCases.filter { self[$0] == 0 } }
}
