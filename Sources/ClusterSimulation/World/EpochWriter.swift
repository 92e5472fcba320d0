import ExposureKeys
import FeedFormat

/// The pen of an open epoch: that of this release, or of a later one that adds a section nobody else knows.
struct EpochWriter: Sendable {
    private var writer: FeedWriter
    private var later: Pen?
    private let predecessors: [Epoch]

    init(_ feed: FeedID, predecessors: [Epoch], signer: NoteSigner, release: Release) {
        writer = FeedWriter(beginning: feed, predecessors: predecessors, signer: signer)
        self.predecessors = Array(predecessors.sorted().suffix(FormatLimits.epochsPerRegion))
        if release == .newer { later = Pen(feed: feed, frontier: Frontier(), signer) }
    }

    var feed: FeedID { writer.feed }
    var frontier: Frontier { later?.frontier ?? writer.frontier }

    mutating func publish(
        _ keys: [DiagnosisKey],
        publication: Interval,
        time: Int64
    ) throws(FormatError) -> [ProvenBatch] {
        guard let later else {
            let written = try writer.publish(keys, publication: publication, time: time)
            return written.map { ProvenBatch($0, feed: writer.feed) }
        }
        let number = later.frontier.size
        let plain = try Batch(
            number: number,
            publication: publication,
            keys: keys,
            predecessors: number == 0 ? predecessors : []
        )
        let bytes = EpochWriter.withUnknownSection(plain)
        let batch = try later.sign(bytes, publication: publication, time: time)
        self.later = later.advanced(by: batch)
        return [batch]
    }

    /// The batch with a section after the others, of a kind and an encoding that no release knows.
    private static func withUnknownSection(_ batch: Batch) -> [UInt8] {
        var number: [UInt8] = []
        number.append(varint: batch.number)
        // After mark, length, publication and number: how many sections there are, one byte.
        let position = 12 + number.count
        var body = Array(batch.bytes[8...])
        body[position - 8] += 1
        body.append(varint: 900)
        body.append(77)
        body.append(varint: 5)
        body += [1, 2, 3, 4, 5]
        var bytes = Array(batch.bytes.prefix(4))
        bytes.append(bigEndian: UInt32(body.count))
        return bytes + body
    }
}
