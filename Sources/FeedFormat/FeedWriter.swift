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
    ///   - bluezone: the same.
    ///   - publication: P, the interval of the clock that stamps the checkpoint.
    ///   - time: unix seconds.
    public mutating func publish(
        _ keys: [DiagnosisKey],
        bluezone: [BluezoneDayKey] = [],
        publication: Interval,
        time: Int64
    ) throws(FormatError) -> [WrittenBatch] {
        var written: [WrittenBatch] = []
        var advanced = frontier
        var rest = keys[...]
        var bluezoneRest = bluezone[...]
        repeat {
            let batch = try Batch(
                number: advanced.size,
                publication: publication,
                keys: FeedWriter.take(FormatLimits.keysPerBatch, from: &rest),
                bluezone: FeedWriter.take(FormatLimits.bluezoneKeysPerBatch, from: &bluezoneRest),
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
        } while !rest.isEmpty || !bluezoneRest.isEmpty
        frontier = advanced
        return written
    }

    private static func take<Key>(_ count: Int, from rest: inout ArraySlice<Key>) -> [Key] {
        let taken = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return taken
    }

    /// A batch ready to be stored.
    public struct WrittenBatch: Sendable {
        public let batch: Batch
        public let leaf: Hash256
        public let checkpoint: SignedCheckpoint
    }
}
