public import ExposureKeys
public import FeedFormat

/// What a phone keeps. Every method is one transaction: after an error or a kill at any moment, all of its effect is
/// there or none of it. Implemented over SQLite by DeviceStore and in memory by `MemoryDeviceStorage`.
///
/// Errors that these methods throw end a sync; what was committed before stays.
public protocol DeviceStorage: Sendable {
    func roster() async throws -> HeldRoster?
    func hold(_ roster: HeldRoster) async throws

    /// What is remembered of a node's index; nil if nothing.
    func indexMark(of node: String) async throws -> IndexMark?
    func hold(_ mark: IndexMark, of node: String) async throws
    func forgetIndexMark(of node: String) async throws

    /// What syncs have shown of how fresh the keys are; of a phone that never synced, nothing.
    func freshness() async throws -> FreshnessRecord
    func hold(_ record: FreshnessRecord) async throws

    /// Bytes of the settled part of an index, by hash; nil if not held.
    func settledPart(_ hash: Hash256) async throws -> [UInt8]?
    /// Keeps a settled part, and at least the three kept before it.
    func hold(settledPart bytes: [UInt8], hash: Hash256) async throws

    /// All cursors, ascending by feed.
    func cursors() async throws -> [FeedCursor]
    /// Stores batches and moves the feed's cursor, together or not at all. A commit that leaves
    /// the cursor at its size fills a gap before it, and may bring batches that are there already.
    /// - Throws: `SyncError` with code `.cursorMoved` if the cursor is not at `commit.previousSize`.
    func commit(_ commit: DeviceCommit) async throws
    /// Forgets a feed: batches, checkpoints and cursor; and all marks of indexes, so that the next sync reads one anew.
    /// - Throws: `SyncError` with code `.cursorMoved` if the cursor is not at `size`.
    func cut(_ feed: FeedID, expecting size: UInt64) async throws
    /// The signed checkpoint held for a size of a feed.
    func checkpoint(of feed: FeedID, size: UInt64) async throws -> [UInt8]?

    /// Regions of which at least one batch is held, ascending.
    func regions() async throws -> [Region]
    /// The held batches of a feed below a number, ascending.
    func publications(of feed: FeedID, below number: UInt64) async throws -> [BatchPublication]
    /// Folds over the held batches of a region, one in memory at a time, by epoch and number.
    func reduceBatches<Result: Sendable>(
        of region: Region,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, HeldBatch) throws -> Void
    ) async throws -> Result
    /// Deletes batches that `Expiry.isDropped` at `now`, their checkpoints, and cursors whose last batch was dropped
    /// as long ago again.
    func dropExpired(now: Interval) async throws

    /// All evidence, oldest first.
    func evidence() async throws -> [Evidence]
    /// Keeps evidence, unless one of equal `Evidence.Subject` is there, `Evidence.maximumCount` of its kind are, or all
    /// would take more than `Evidence.maximumBytes`.
    func hold(_ evidence: Evidence) async throws

    /// What is kept to judge nodes by; of a store that has kept nothing yet, an empty book with the store's seed.
    func witnessBook() async throws -> WitnessBook
    /// Keeps a book in place of the one before, all but the seed, which stays. The time of a voice never falls: one that
    /// another sync has taken to a later time meanwhile stays as it is.
    func hold(_ book: WitnessBook) async throws

    /// Keeps sightings; those already there (same time, identifier and schedule) are joined with what is there by
    /// `Encounter.joined`, unless that is damaged: then they take its place, and count as new.
    /// Beyond `Encounter.maximumHeld` some go, as `LogBound` chooses, and are counted in `EncounterLog.lost`.
    /// - Returns: how many were new, and are held.
    func hold(_ encounters: [Encounter]) async throws -> Int
    /// All sightings held.
    func encounterLog() async throws -> EncounterLog
    /// Deletes the sightings of all intervals before one, and times of scans with them, for good.
    func dropEncounters(before interval: Interval) async throws
    /// Deletes all sightings, the times of scans, what comparing batches with them gave, and the report made of it, for
    /// good.
    /// - Returns: how many sightings there were.
    func eraseEncounters() async throws -> Int

    /// Keeps times of scans, unix seconds in any order, as `ScanTimes` bounds them; those already there are passed over.
    /// - Returns: how many more than before are held.
    func hold(scanTimes: [Int64]) async throws -> Int
    /// Those held, ascending, each once.
    func scanTimes() async throws -> [Int64]

    /// Sightings taken in so far, those dropped since included: the serial of the last one.
    func encounterSerial() async throws -> Int64
    /// Sightings taken in after the one with this serial, ascending.
    func encounters(after serial: Int64) async throws -> [Encounter]

    /// All batches held, and how far each has been compared with sightings; ascending by feed and number.
    func matchStates() async throws -> [MatchState]
    /// What comparing them gave, for those that have been; ascending by feed and number.
    func matchedBatches() async throws -> [MatchedBatch]
    /// Keeps what comparing a batch gave, beside what was near in it before; nothing if the batch is gone.
    func hold(_ matched: MatchedBatch) async throws
    /// One batch; nil if it is not held.
    func batch(_ number: UInt64, of feed: FeedID) async throws -> HeldBatch?

    /// The result of the last matching; nil if there was none.
    func report() async throws -> ExposureReport?
    func hold(_ report: ExposureReport) async throws
}

/// The newest roster that verified here.
public struct HeldRoster: Sendable, Equatable {
    /// The signed note.
    public let bytes: [UInt8]
    public let etag: String?
    /// Unix seconds at which a node was last asked for a newer one.
    public let checked: Int64

    public init(bytes: [UInt8], etag: String?, checked: Int64) {
        self.bytes = bytes
        self.etag = etag
        self.checked = checked
    }
}

/// What a phone remembers of the last index of a node with which it became up to date.
public struct IndexMark: Sendable, Equatable {
    public let etag: String
    /// Choice of regions, in the form of `SyncOptions.selection`.
    public let selection: String
    public let signer: Region
    /// Unix seconds at which the index was signed.
    public let time: Int64

    public init(etag: String, selection: String, signer: Region, time: Int64) {
        self.etag = etag
        self.selection = selection
        self.signer = signer
        self.time = time
    }
}

/// Where the phone stands in one feed. Holds at every node.
public struct FeedCursor: Sendable, Equatable {
    public let feed: FeedID
    /// Over all batches before the cursor.
    public let frontier: Frontier
    /// Latest publication interval among the batches passed.
    public let lastPublication: Interval
    /// Batches from here to the cursor were taken, or seen to have expired. Before come some that a node called dropped or
    /// did not give, and that any node may still have; 0 if there are none.
    public let first: UInt64

    public init(feed: FeedID, frontier: Frontier, lastPublication: Interval, first: UInt64 = 0) {
        self.feed = feed
        self.frontier = frontier
        self.lastPublication = lastPublication
        self.first = first
    }

    public var size: UInt64 { frontier.size }
}

/// A verified batch as it is kept: the region's bytes, about 15 a key.
public struct HeldBatch: Sendable, Equatable {
    public let feed: FeedID
    public let number: UInt64
    public let publication: Interval
    public let bytes: [UInt8]

    public init(feed: FeedID, number: UInt64, publication: Interval, bytes: [UInt8]) {
        self.feed = feed
        self.number = number
        self.publication = publication
        self.bytes = bytes
    }
}

/// When a batch that is held was published.
public struct BatchPublication: Sendable, Equatable {
    public let number: UInt64
    public let publication: Interval

    public init(number: UInt64, publication: Interval) {
        self.number = number
        self.publication = publication
    }
}

/// One step of a feed, indivisible.
public struct DeviceCommit: Sendable {
    /// Cursor after the step.
    public let cursor: FeedCursor
    /// Size of the cursor before the step; nil if there was none.
    public let previousSize: UInt64?
    /// Ascending by number; those passed by as expired are missing.
    public let batches: [HeldBatch]
    /// The signed checkpoint of the new size. Nil if the step ended before a batch that waits.
    public let checkpoint: [UInt8]?
    /// What comparing the batches with sightings gave, where they have been.
    public let matched: [MatchedBatch]

    public init(
        cursor: FeedCursor,
        previousSize: UInt64?,
        batches: [HeldBatch],
        checkpoint: [UInt8]?,
        matched: [MatchedBatch] = []
    ) {
        self.matched = matched
        self.cursor = cursor
        self.previousSize = previousSize
        self.batches = batches
        self.checkpoint = checkpoint
    }
}
