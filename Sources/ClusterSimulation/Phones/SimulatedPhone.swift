import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// A phone: what it holds, where it is, and its sync while one runs.
struct SimulatedPhone {
    /// The node that it starts with and comes back to.
    let home: Int
    let storage: MemoryDeviceStorage
    var random: SeededRandom
    /// The node with which it syncs.
    var node: Int
    /// Seconds by which its clock leads.
    var clockLead: Int64
    var process: PhoneProcess?
    /// When the running sync began, as its clock showed it.
    var began = Interval(0)
    /// Counts syncs: what belongs to an earlier one is void.
    var generation = 0
    /// Serial number of the newest poll; older ones are void.
    var polls = 0
    /// Has no network until this time.
    var offlineUntil: Int64 = 0
    /// After so many steps a sync dies, this one or a later one.
    var dyingAfter: Int?
    /// Requests under way, by serial number.
    var pending = SortedMap<Int, PhoneProcess.Request>()
    var asked = 0

    // For the checks and marks.

    /// Version of the roster that it holds; 0 for none.
    var rosterVersion: UInt64 = 0

    /// Where it stands in each feed.
    var cursors = SortedMap<FeedID, FeedCursor>()
    /// Numbers of the batches that it has taken of each feed.
    var taken = SortedMap<FeedID, Set<UInt64>>()
    /// After the last sync.
    var contents: PhoneContents?
    /// Keys of each region that it has seen as revoked, ascending.
    var revoked = SortedMap<Region, [DiagnosisKey.Identity]>()
    /// Its last sync was not complete.
    var hasFailed = false
    var isBackFromOffline = false
    /// The running sync has stored something; the last one had when it died.
    var hasCommitted = false
    var isTorn = false

    /// Unix seconds that its clock shows.
    func clock(at now: Int64) -> Int64 { (Simulation.startUnix + now / 1000) / 1000 + clockLead }
}
