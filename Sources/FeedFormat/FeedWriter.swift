public import ExposureKeys

/// The pen of a region: turns keys into the next batches of its own feed, each with the checkpoint of its size.
public struct FeedWriter: Sendable {
    public let feed: FeedID
    public private(set) var frontier: Frontier
    private let predecessors: [Epoch]
    private let signer: NoteSigner

    /// Begins a new epoch.
    /// - Parameter predecessors: the region's living epochs, at most 32; named in batch 0.
    public init(beginning feed: FeedID, predecessors: [Epoch], signer: NoteSigner) {
        self.feed = feed
        self.predecessors = Array(predecessors.sorted().suffix(FormatLimits.epochsPerRegion))
        self.signer = signer
        self.frontier = Frontier()
    }

    /// Encodes and signs what is to be published now. Nothing counts as published until the result is durable; drop
    /// this value and keep the old one if it could not be stored.
    /// - Parameters:
    ///   - keys: all of them ending in (P - 15 d, P]. More than fit one batch are spread over several.
    ///   - publication: P, the interval of the clock that stamps the checkpoint.
    ///   - time: unix seconds.
    public mutating func publish(
        _ keys: [DiagnosisKey],
        publication: Interval,
        time: Int64
    ) throws(FormatError) -> [WrittenBatch] {
        var written: [WrittenBatch] = []
        var advanced = frontier
        var start = keys.startIndex
        repeat {
            let end = min(start + FormatLimits.keysPerBatch, keys.endIndex)
            let batch = try Batch(
                number: advanced.size,
                publication: publication,
                keys: start == 0 && end == keys.count ? keys : Array(keys[start..<end]),
                predecessors: advanced.size == 0 ? predecessors : []
            )
            let leaf = batch.leafHash
            advanced.append(leaf)
            let checkpoint = Checkpoint(
                region: feed.region,
                epoch: feed.epoch,
                size: advanced.size,
                root: advanced.root
            )
            written.append(
                WrittenBatch(batch: batch, leaf: leaf, checkpoint: try checkpoint.signed(by: signer, time: time))
            )
            start = end
        } while start < keys.endIndex
        frontier = advanced
        return written
    }

    /// A batch ready to be stored.
    public struct WrittenBatch: Sendable {
        public let batch: Batch
        public let leaf: Hash256
        public let checkpoint: SignedCheckpoint
    }
}
