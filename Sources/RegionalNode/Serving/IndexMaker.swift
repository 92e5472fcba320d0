internal import ExposureKeys
internal import FeedFormat
internal import NIOCore

/// Makes and signs the node's index from what it holds.
struct IndexMaker: Sendable {
    let region: Region
    let signer: NoteSigner
    /// Feeds unchanged for this long stand in the settled part.
    static let settlingTime = 2 * Interval.perDay

    func index(of feeds: [ServedFeed], time: Int64) throws(FormatError) -> ServedIndex {
        let now = Interval(unixSeconds: time)
        var fresh: [IndexEntry] = []
        var settled: [IndexEntry] = []
        for feed in feeds where feed.isLiving {
            guard let entry = IndexEntry(feed: feed.feed, first: feed.shown, count: feed.count, root: feed.root) else {
                continue
            }
            if now.distance(from: feed.lastPublication) < IndexMaker.settlingTime {
                fresh.append(entry)
            } else {
                settled.append(entry)
            }
        }
        let settledPart = IndexPart(settled)
        let freshPart = IndexPart(fresh)
        let index = try FeedIndex(node: region, time: time, fresh: freshPart, settled: settledPart, signer: signer)
        let hash = Hash256(hashing: index.bytes[...])
        return ServedIndex(
            index: index,
            hash: hash,
            document: PreparedDocument(
                ByteBuffer(bytes: index.bytes),
                hash: hash,
                contentType: "application/octet-stream"
            ),
            settled: ByteBuffer(bytes: settledPart.bytes),
            settledHash: settledPart.hash
        )
    }
}
