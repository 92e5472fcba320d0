/// What a decoder accepts at most. Together they bound the memory that a peer's bytes can claim: a batch of the
/// largest size decodes to 8 MiB of keys.
public enum FormatLimits {
    /// Bytes of an encoded batch.
    public static let batchBytes = 8 << 20
    /// Bytes to which a section may decompress.
    public static let sectionBytes = 8 << 20
    /// Diagnosis keys of a batch.
    public static let keysPerBatch = 1 << 18
    /// Bluezone day keys of a batch: half as many, since each takes twice the bytes.
    public static let bluezoneKeysPerBatch = 1 << 17
    /// Groups of a batch, of either kind of keys.
    public static let groups = 1 << 16
    /// Sections of a batch.
    public static let sections = 64
    /// Living epochs of a region, hence predecessors that a batch may name.
    public static let epochsPerRegion = 32
    /// Batches of one feed: an epoch that publishes every ten seconds for as long as batches live.
    public static let batchesPerFeed = 1 << 17
    /// Hashes of a consistency path between two sizes of a feed.
    public static let consistencyHashes = 18
    /// Bytes of a fork proof: two checkpoints and a path.
    public static let forkProofBytes = 4096
    /// Level of a range, 2^L batches.
    public static let rangeLevel = 17
    /// Bytes of a signed checkpoint.
    public static let checkpointBytes = 1024
    /// Bytes of an index.
    public static let indexBytes = 4 << 20
    /// Bytes of an index difference: what leaves one index and what the other has instead.
    public static let differenceBytes = 2 * indexBytes
    /// Feeds of an index.
    public static let feedsPerIndex = 1 << 16
    /// Bytes of a roster.
    public static let rosterBytes = 4 << 20
    /// Regions of a roster.
    public static let regionsPerRoster = 4096
    /// Earlier versions that a roster names: one a week for 19 years.
    public static let earlierRosters = 1000
    /// Keys of a region, and as many closed ones.
    public static let keysPerRegion = 8
    /// Certificates of a region.
    public static let certificatesPerRegion = 8
    /// Signature lines of a note.
    public static let signaturesPerNote = 64
}
