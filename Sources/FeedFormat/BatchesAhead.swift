public import ExposureKeys

/// Batches of one feed that their region signed while its clock was ahead: other nodes withhold them until their time.
///
/// That they came from such a clock is kept beside the feeds until they have been answered, since once their time has come
/// nothing in them shows it any more.
public struct BatchesAhead: Equatable, Sendable {
    public let feed: FeedID
    /// All batches of the feed from this one on: nothing that is dated rightly was ever signed behind them.
    public private(set) var first: UInt64
    /// The latest publication interval among them.
    public private(set) var latest: Interval

    init(_ batch: ProvenBatch) { (feed, first, latest) = (batch.feed, batch.number, batch.publication) }

    func contains(_ batch: ProvenBatch) -> Bool { batch.feed == feed && batch.number >= first }

    mutating func include(_ batch: ProvenBatch) {
        first = min(first, batch.number)
        latest = max(latest, batch.publication)
    }

    // MARK: Bytes

    private static let entrySize = 20

    /// Twenty bytes for each: epoch, first batch, latest publication interval, big-endian.
    public static func bytes(of all: [BatchesAhead]) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in all {
            bytes.append(bigEndian: entry.feed.epoch.value)
            bytes.append(bigEndian: entry.first)
            bytes.append(bigEndian: entry.latest.number)
        }
        return bytes
    }

    /// What `bytes(of:)` gave, of feeds of one region; a part at the end that is no whole entry is passed over.
    public static func read(_ bytes: [UInt8], of region: Region) -> [BatchesAhead] {
        stride(from: 0, to: bytes.count - bytes.count % entrySize, by: entrySize).map { start in
            func number(_ range: Range<Int>) -> UInt64 {
                bytes[start + range.lowerBound..<start + range.upperBound].reduce(0) { $0 << 8 | UInt64($1) }
            }
            return BatchesAhead(
                feed: FeedID(region: region, epoch: Epoch(number(0..<8))),
                first: number(8..<16),
                latest: Interval(UInt32(truncatingIfNeeded: number(16..<20)))
            )
        }
    }

    private init(feed: FeedID, first: UInt64, latest: Interval) {
        (self.feed, self.first, self.latest) = (feed, first, latest)
    }
}
