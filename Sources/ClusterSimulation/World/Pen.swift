import ExposureKeys
import FeedFormat

/// Signs batches at any place of any feed, as honest writers never do.
struct Pen: Sendable {
    let feed: FeedID
    private(set) var frontier: Frontier
    private let signer: NoteSigner

    /// Goes on where a feed ends.
    init(_ stored: StoredFeed, _ signer: NoteSigner) {
        self.init(feed: stored.feed, frontier: stored.frontier, signer)
    }

    init(feed: FeedID, frontier: Frontier, _ signer: NoteSigner) {
        self.feed = feed
        self.frontier = frontier
        self.signer = signer
    }

    /// After a batch of this pen.
    func advanced(by batch: ProvenBatch) -> Pen {
        var next = self
        next.frontier.append(batch.leaf)
        return next
    }

    func batch(_ keys: [DiagnosisKey], publication: Interval, time: Int64) throws(FormatError) -> ProvenBatch {
        let batch = try Batch(number: frontier.size, publication: publication, keys: keys)
        return try sign(batch.bytes, publication: publication, time: time)
    }

    /// Signs any bytes as the next batch.
    func sign(_ bytes: [UInt8], publication: Interval, time: Int64) throws(FormatError) -> ProvenBatch {
        let leaf = Hash256(leaf: bytes[...])
        var advanced = frontier
        advanced.append(leaf)
        let checkpoint = Checkpoint(region: feed.region, epoch: feed.epoch, size: advanced.size, root: advanced.root)
        return ProvenBatch(
            feed: feed,
            number: frontier.size,
            publication: publication,
            bytes: bytes,
            leaf: leaf,
            checkpoint: try checkpoint.signed(by: signer, time: time).bytes
        )
    }
}
