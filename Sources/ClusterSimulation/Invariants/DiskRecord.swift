import ExposureKeys
import FeedFormat
import Replication

/// What the checks remember of one life of a disk. It goes with the disk into images and copies, and is gone with it.
struct DiskRecord: Sendable {
    /// How far each feed has come.
    var reached = SortedMap<FeedID, Frontier>()
    /// Below which number uploads were acknowledged.
    var acknowledged = SortedMap<FeedID, UInt64>()
    /// Below which number batches were dropped, and when by the node's clock the last one was.
    var dropped = SortedMap<FeedID, UInt64>()
    var droppedAt = Interval(0)
    /// Keys of each region that were seen as revoked, ascending.
    var revoked = SortedMap<Region, [DiagnosisKey.Identity]>()
}
