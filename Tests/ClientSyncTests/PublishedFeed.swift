import ExposureKeys
import FeedFormat

/// A region's feed as a node that holds all of it would serve it.
struct PublishedFeed: Sendable {
    let id: FeedID
    let signer: NoteSigner
    private(set) var batches: [Batch] = []
    /// First batch still served.
    var first: UInt64 = 0

    init(_ id: FeedID, signer: NoteSigner) {
        self.id = id
        self.signer = signer
    }

    var count: UInt64 { UInt64(batches.count) }

    mutating func publish(_ keys: [DiagnosisKey], at publication: Interval, predecessors: [Epoch] = []) throws {
        let batch = try Batch(number: count, publication: publication, keys: keys, predecessors: predecessors)
        batches.append(batch)
    }

    /// Puts bytes at the end that no honest region would.
    mutating func publish(raw batch: Batch) {
        batches.append(batch)
    }

    func frontier(at size: UInt64) -> Frontier {
        Frontier(leaves: batches.prefix(Int(size)).map(\.leafHash))
    }

    func checkpoint(at size: UInt64) throws -> SignedCheckpoint {
        let root = frontier(at: size).root
        let publication = batches[Int(size) - 1].publication
        return try Checkpoint(region: id.region, epoch: id.epoch, size: size, root: root)
            .signed(by: signer, time: publication.unixSeconds)
    }

    /// Body of the range route; nil if the feed does not reach so far.
    func body(_ range: FeedRange) throws -> [UInt8]? {
        guard range.upperBound <= count else { return nil }
        let batches = batches[Int(range.lowerBound)..<Int(range.upperBound)]
        return try batches.flatMap(\.bytes) + checkpoint(at: range.upperBound).bytes
    }

    func hashes(_ range: FeedRange) -> [UInt8]? {
        guard range.upperBound <= count else { return nil }
        return batches[Int(range.lowerBound)..<Int(range.upperBound)].flatMap { $0.leafHash.bytes }
    }

    func indexEntry() -> IndexEntry? {
        IndexEntry(feed: id, first: first, count: count, root: frontier(at: count).root)
    }
}
