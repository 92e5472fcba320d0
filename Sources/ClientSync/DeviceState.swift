internal import ExposureKeys
internal import FeedFormat

/// All that a `MemoryDeviceStorage` holds, as a value. For an app that has a place for bytes and no database: it keeps
/// `bytes()` there, sealed, since sightings are in it.
///
/// It holds every batch of the last 15 days, some 15 bytes a key: what a phone keeps in this way it has in memory as a
/// whole, twice while it is saved or loaded.
public struct DeviceState: Sendable, Equatable {
    var roster: HeldRoster?
    /// Ascending by node.
    var marks: [Mark] = []
    /// Oldest first.
    var parts: [Part] = []
    /// Ascending by feed.
    var cursors: [FeedCursor] = []
    /// Ascending by feed and number.
    var batches: [HeldBatch] = []
    /// Oldest first.
    var checkpoints: [HeldCheckpoint] = []
    /// Oldest first.
    var evidence: [Evidence] = []
    /// Ascending, in the order of `Encounter.precedes`.
    var sightings: [Sighting] = []
    /// Serial of the last sighting taken in.
    var lastSerial: Int64 = 0
    /// Times of scans, as `ScanTimes` bounds them.
    var scanTimes: [Int64] = []
    var lost = LostSightings()
    /// Ascending by feed and number.
    var matched: [MatchedBatch] = []
    var report: ExposureReport?
    var book: WitnessBook
    var freshness = FreshnessRecord()

    struct Mark: Sendable, Equatable {
        let node: String
        let mark: IndexMark
    }

    struct Part: Sendable, Equatable {
        let hash: Hash256
        let bytes: [UInt8]
    }

    struct HeldCheckpoint: Sendable, Equatable {
        let feed: FeedID
        let size: UInt64
        let note: [UInt8]
    }

    struct Sighting: Sendable, Equatable {
        let encounter: Encounter
        let serial: Int64
    }

    /// What a store that has kept nothing yet holds.
    init(witnessSeed: UInt64) {
        book = WitnessBook(seed: witnessSeed)
    }

    /// Bytes of a state, at most: all that limits of a sync let in twice over, and evidence.
    public static let maximumBytes = 1 << 30
    /// Times in unix seconds: the years 1970 to 9999, as `CivilDate` has them.
    static let times: ClosedRange<Int64> = 0...253_402_300_799
    /// So that counting on from any serial that is read never overflows.
    static let maximumSerial = Int64.max / 2
}
